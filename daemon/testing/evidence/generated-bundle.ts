import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { present } from "../../base/assert.ts";
import { wallMs } from "../../base/time.ts";
import { type BundleContent, type BundleFile, bundleFiles } from "../../evidence/bundle/bundle.ts";
import { bundleGuide } from "../../evidence/bundle/guide.ts";
import { keepSamplesMs } from "../../evidence/evidence-service.ts";
import { rootOver } from "../../evidence/merkle.ts";
import { type NoteKey, verifierKeyText } from "../../evidence/note.ts";
import { lineHash } from "../../evidence/record-line.ts";
import { windowIdsOf } from "./generated-log.ts";
import type { EvidenceLog } from "./log-builder.ts";
import type { TestAuthority } from "./test-authority.ts";
import { signedBy } from "./test-keys.ts";

export type BundleWish = {
  /** Sizes of the checkpoints that go in, ascending; all of them without it. The first of them, or 0, is where it begins. */
  readonly sizes?: readonly number[];
  readonly first?: number;
  readonly windows?: readonly string[];
  readonly authorities?: readonly TestAuthority[];
  readonly witnesses?: readonly NoteKey[];
  readonly attachments?: BundleContent["attachments"];
  readonly report?: Uint8Array | null;
  /** Without the readmes and the verifier, for runs that touch every byte. */
  readonly bare?: boolean;
  /** Records that are reduced to their hashes. */
  readonly erased?: ReadonlySet<number>;
};

/** The bundle of a log as `badged evidence export` would make it. */
export function bundleOf(log: EvidenceLog, wish: BundleWish = {}): readonly BundleFile[] {
  return bundleFiles(contentOf(log, wish), signedBy(log.signer.privateKey));
}

export function contentOf(log: EvidenceLog, wish: BundleWish = {}): BundleContent {
  const { first = 0, erased = new Set() } = wish;
  const checkpoints = log.checkpoints.filter(({ size }) => wish.sizes?.includes(size) ?? true);
  const size = present(checkpoints.at(-1), "a bundle has a checkpoint").size;
  return {
    origin: log.signer.name,
    publicKey: log.signer.publicKey,
    first,
    lines: log.lines
      .slice(first, size)
      .map((line, index) => (erased.has(first + index) ? erasedLine(log, first + index) : line)),
    rootOf: ({ from, to }) => rootOver(log.leaves.slice(from, to)),
    checkpoints,
    windows: wish.windows ?? windowIdsOf({ ...log, records: log.records.slice(first, size) }),
    // A box reduces no line before its time.
    madeAt: wallMs(log.now + (erased.size === 0 ? 0 : keepSamplesMs)),
    version: "0.1.0",
    authorities: (wish.authorities ?? []).map(({ certificateFile }) => readFileSync(certificateFile, "utf8")),
    witnesses: (wish.witnesses ?? []).map((witness) => verifierKeyText(witness, "cosignature")),
    attachments: wish.attachments ?? [],
    report: wish.report ?? null,
    guide: wish.bare === true ? [] : bundleGuide(),
  };
}

function erasedLine({ lines, leaves }: EvidenceLog, seq: number): string {
  const hash = lineHash(present(lines[seq], "there is such a record")).toString("hex");
  const leaf = present(leaves[seq], "there is such a leaf").toString("hex");
  return JSON.stringify({ erased: true, hash, leaf, seq });
}

/** @param folder made when it is not there; what is in it stays */
export function writeBundle(files: readonly BundleFile[], folder: string): void {
  for (const { path, bytes } of files) {
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, bytes);
  }
}
