import type { BundleFiles } from "./bundle-files.ts";
import { type Note, parseSignatureLine, type SignatureLine } from "./checkpoint-note.ts";
import { type Failure, type FailureCode, failure } from "./failure.ts";
import type { AnchorRecord } from "./log-line.ts";
import type { Manifest } from "./manifest.ts";
import { sha256 } from "./tree.ts";

/** A token or cosignature of the bundle, and where the log names it. */
export type Anchored = {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly note: Note;
  /** Sequence number of its `anchor` record; `null` for one over the last checkpoint, whose record comes after it. */
  readonly anchoredAt: number | null;
};

export type Anchors = {
  readonly tokens: readonly Anchored[];
  readonly cosignatures: readonly (Anchored & { readonly line: SignatureLine })[];
  readonly failures: readonly Failure[];
};

/** Eight of the time, and the signature. */
const cosignatureBytes = 72;

/** Every token and cosignature of the bundle is named by the log, but those over its last checkpoint. */
export function readAnchors(
  files: BundleFiles,
  manifest: Manifest,
  notes: ReadonlyMap<number, Note>,
  records: readonly AnchorRecord[],
): Anchors {
  const byHash = new Map(records.map((record) => [record.sha256.toString("hex"), record]));
  const failures: Failure[] = records.flatMap((record) => {
    const code = faultOf(record, notes.get(record.size) ?? null);
    return code === null ? [] : [failure(code, `record ${record.seq}`)];
  });
  const tokens: Anchored[] = [];
  const cosignatures: (Anchored & { readonly line: SignatureLine })[] = [];
  for (const checkpoint of manifest.checkpoints) {
    const note = notes.get(checkpoint.size);
    for (const path of [...checkpoint.tokens, ...checkpoint.cosignatures]) {
      const bytes = files.get(path);
      if (note === undefined || bytes === undefined) continue;
      const type = path.endsWith(".tsr") ? "rfc3161" : "witness";
      const record = byHash.get(sha256(bytes).toString("hex"));
      const isNamed = record?.type === type && record.size === note.size && record.checkpoint.equals(note.digest);
      if (!isNamed && note.size !== manifest.size) failures.push(failure("anchor-missing", path));
      const anchored = { path, bytes, note, anchoredAt: isNamed ? record.seq : null };
      if (type === "rfc3161") {
        tokens.push(anchored);
        continue;
      }
      const line = parseSignatureLine(bytes);
      if (line?.signature.length !== cosignatureBytes) failures.push(failure("cosignature-malformed", path));
      else cosignatures.push({ ...anchored, line });
    }
  }
  return { tokens, cosignatures, failures };
}

/** Who signed two checkpoints of one size has two histories, and the log itself tells of the other one. */
function faultOf({ seq, size, checkpoint }: AnchorRecord, note: Note | null): FailureCode | null {
  if (size > seq) return "anchor-impossible";
  return note === null || note.digest.equals(checkpoint) ? null : "anchor-contradicted";
}
