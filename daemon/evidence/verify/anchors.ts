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
  const named = firstOfEach(records);
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
      const anchoredAt = named.get(nameOf(type, note.size, note.digest, sha256(bytes))) ?? null;
      if (anchoredAt === null && note.size !== manifest.size) failures.push(failure("anchor-missing", path));
      const anchored = { path, bytes, note, anchoredAt };
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

/**
 * Where each proof is named first: all that follows it there is younger. Whoever names it again later, behind what he dated
 * back, takes nothing of that away.
 */
function firstOfEach(records: readonly AnchorRecord[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const { seq, type, size, checkpoint, sha256: sum } of records) {
    const name = nameOf(type, size, checkpoint, sum);
    if (!found.has(name)) found.set(name, seq);
  }
  return found;
}

function nameOf(type: AnchorRecord["type"], size: number, checkpoint: Buffer, sum: Buffer): string {
  return `${type} ${size} ${checkpoint.toString("hex")} ${sum.toString("hex")}`;
}

/** Who signed two checkpoints of one size has two histories, and the log itself tells of the other one. */
function faultOf({ seq, size, checkpoint }: AnchorRecord, note: Note | null): FailureCode | null {
  if (size > seq) return "anchor-impossible";
  return note === null || note.digest.equals(checkpoint) ? null : "anchor-contradicted";
}
