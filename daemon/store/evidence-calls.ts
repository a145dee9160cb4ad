import type { WallMs } from "../base/time.ts";
import type {
  ErasableSample,
  EvidenceArchive,
  EvidenceBatch,
  EvidenceStore,
  KeptAnchor,
  KeptCheckpoint,
  KeptRecord,
  LogEnd,
  UnrecordedEntry,
  WindowScans,
} from "../evidence/evidence-store.ts";
import type { RecordKind } from "../evidence/record.ts";
import type { StoreLink } from "./store-link.ts";

/** The ports of the evidence room, over the store's thread. What writes resolves after its commit is durable. */
export class EvidenceCalls implements EvidenceStore, EvidenceArchive {
  readonly #link: StoreLink;

  constructor(link: StoreLink) {
    this.#link = link;
  }

  evidenceEnd(): Promise<LogEnd | null> {
    return this.#link.call("evidence", "end");
  }

  isOfCopy(): Promise<boolean> {
    return this.#link.call("evidence", "isOfCopy");
  }

  usedEpoch(): Promise<number> {
    return this.#link.call("evidence", "usedEpoch");
  }

  evidenceRecords(epoch: number, from: number, limit: number): Promise<readonly KeptRecord[]> {
    return this.#link.call("evidence", "records", epoch, from, limit);
  }

  evidenceCheckpoints(epoch: number, from: number, limit: number): Promise<readonly KeptCheckpoint[]> {
    return this.#link.call("evidence", "checkpoints", epoch, from, limit);
  }

  evidenceAnchors(epoch: number, from: number, limit: number): Promise<readonly KeptAnchor[]> {
    return this.#link.call("evidence", "anchors", epoch, from, limit);
  }

  evidenceSalt(entryId: number): Promise<string | null> {
    return this.#link.call("evidence", "salt", entryId);
  }

  lastEvidenceOf(kind: Exclude<RecordKind, "sample">): Promise<string | null> {
    return this.#link.call("evidence", "lastOf", kind);
  }

  recordsOfWindow(kind: "window" | "scans", window: string): Promise<readonly string[]> {
    return this.#link.call("evidence", "ofWindow", kind, window);
  }

  commitEvidence(batch: EvidenceBatch): Promise<"committed" | "diverged"> {
    return this.#link.call("evidence", "commit", batch);
  }

  dropEvidence(epoch: number, from: number): Promise<number> {
    return this.#link.call("evidence", "drop", epoch, from);
  }

  unrecordedEntries(limit: number): Promise<readonly UnrecordedEntry[]> {
    return this.#link.call("evidence", "unrecorded", limit);
  }

  windowScans(window: string): Promise<WindowScans | null> {
    return this.#link.call("windowScans", "of", window);
  }

  erasableEvidence(before: WallMs, limit: number): Promise<readonly ErasableSample[]> {
    return this.#link.call("evidence", "erasable", before, limit);
  }
}
