import type {
  EvidenceArchive,
  EvidenceBatch,
  EvidenceStore,
  KeptAnchor,
  KeptCheckpoint,
  KeptRecord,
} from "../evidence/evidence-store.ts";
import { emptyHead, follow, frontierOf } from "../evidence/log-head.ts";
import { rootOf } from "../evidence/merkle.ts";
import { parsePublicKey } from "../evidence/note.ts";
import type { EvidenceRecord } from "../evidence/record.ts";
import { parseLine } from "../evidence/record-line.ts";
import type { StoreCore } from "../store/store-core.ts";

/** The log's ports over a core in this thread, whose disk can be full. */
export class CoreEvidence implements EvidenceStore, EvidenceArchive {
  readonly #core: StoreCore;
  isFull = false;
  commits = 0;

  constructor(core: StoreCore) {
    this.#core = core;
  }

  evidenceEnd: EvidenceStore["evidenceEnd"] = async () => this.#core.evidence.end();
  isOfCopy: EvidenceStore["isOfCopy"] = async () => this.#core.evidence.isOfCopy();
  usedEpoch: EvidenceStore["usedEpoch"] = async () => this.#core.evidence.usedEpoch();
  evidenceRecords: EvidenceStore["evidenceRecords"] = async (...of) => this.#core.evidence.records(...of);
  evidenceCheckpoints: EvidenceStore["evidenceCheckpoints"] = async (...of) => this.#core.evidence.checkpoints(...of);
  evidenceAnchors: EvidenceArchive["evidenceAnchors"] = async (epoch, from, limit) =>
    this.#core.evidence.anchors(epoch, from, limit);
  evidenceSalt: EvidenceArchive["evidenceSalt"] = async (entryId) => this.#core.evidence.salt(entryId);
  lastEvidenceOf: EvidenceStore["lastEvidenceOf"] = async (kind) => this.#core.evidence.lastOf(kind);
  recordsOfWindow: EvidenceStore["recordsOfWindow"] = async (kind, window) =>
    this.#core.evidence.ofWindow(kind, window);
  dropEvidence: EvidenceStore["dropEvidence"] = async (...of) => this.#core.evidence.drop(...of);
  unrecordedEntries: EvidenceStore["unrecordedEntries"] = async (limit) => this.#core.evidence.unrecorded(limit);
  windowScans: EvidenceStore["windowScans"] = async (window) => this.#core.windowScans.of(window);
  erasableEvidence: EvidenceStore["erasableEvidence"] = async (...of) => this.#core.evidence.erasable(...of);

  async commitEvidence(batch: EvidenceBatch): Promise<"committed" | "diverged"> {
    if (this.isFull) throw new Error("database or disk is full");
    this.commits += 1;
    return this.#core.evidence.commit(batch);
  }
}

export type FoundEpoch = {
  readonly records: readonly EvidenceRecord[];
  readonly lines: readonly string[];
  readonly checkpoints: readonly KeptCheckpoint[];
  readonly anchors: readonly KeptAnchor[];
};

/** A whole epoch as it is on disk. `faults` says what does not verify: nothing, one hopes. */
export function readEpoch(
  core: StoreCore,
  epoch: number,
  key: string,
): FoundEpoch & { readonly faults: readonly string[] } {
  const kept: KeptRecord[] = [];
  for (;;) {
    const slice = core.evidence.records(epoch, kept.length, 2000);
    if (slice.length === 0) break;
    kept.push(...slice);
  }
  const faults: string[] = [];
  let head = emptyHead(epoch);
  const roots = new Map<number, string>();
  for (const each of kept) {
    const next = follow(head, each);
    if (next === null) {
      faults.push(`record ${each.seq} does not follow`);
      break;
    }
    head = next;
    roots.set(head.frontier.size, rootOf(head.frontier).toString("hex"));
  }
  const checkpoints = core.evidence.checkpoints(epoch, 0, 2000);
  const publicKey = parsePublicKey(key) ?? Buffer.alloc(0);
  for (const checkpoint of checkpoints) {
    const frontier = frontierOf(checkpoint, epoch, publicKey);
    if (frontier === null) faults.push(`checkpoint ${checkpoint.size} is not signed`);
    else if (rootOf(frontier).toString("hex") !== roots.get(checkpoint.size)) {
      faults.push(`checkpoint ${checkpoint.size} is not over these records`);
    }
  }
  const lines = kept.flatMap((each) => (each.kind === "whole" ? [each.line] : []));
  const records = lines.flatMap((line) => {
    const parsed = parseLine(line);
    return parsed.kind === "record" ? [parsed.record] : [];
  });
  return { records, lines, checkpoints, anchors: core.evidence.anchors(epoch, 0, 2000), faults };
}
