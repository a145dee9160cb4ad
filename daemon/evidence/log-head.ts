import type { DeviceKey } from "./device-key.ts";
import { signerOf } from "./device-key.ts";
import type { KeptCheckpoint, KeptRecord } from "./evidence-store.ts";
import { append, emptyFrontier, type Frontier, type Hash, leafHash, rootOf } from "./merkle.ts";
import { checkpointText, isSignedBy, originOf, parseCheckpoint, parseNote, signNote } from "./note.ts";
import type { EvidenceRecord, RecordContent, RecordMoment } from "./record.ts";
import { lineHash, lineOf, noPrevious, parseLine } from "./record-line.ts";

/** Where a log ends: all that the next record and the next checkpoint need of those before. */
export type LogHead = {
  readonly epoch: number;
  readonly frontier: Frontier;
  /** SHA-256 of the last line in hex: what the next one carries as `p`. */
  readonly previous: string;
};

export function emptyHead(epoch: number): LogHead {
  return { epoch, frontier: emptyFrontier, previous: noPrevious };
}

/** Writes the next line. */
export function extend(
  head: LogHead,
  moment: RecordMoment,
  content: RecordContent,
): { readonly head: LogHead; readonly line: string } {
  const record: EvidenceRecord = { v: 1, seq: head.frontier.size, p: head.previous, ...moment, ...content };
  const line = lineOf(record);
  return { head: followedBy(head, leafHash(line), lineHash(line)), line };
}

/** What a kept record makes of the log; `null` when it is not the next one, or cannot be read. */
export function follow(head: LogHead, kept: KeptRecord): LogHead | null {
  if (kept.seq !== head.frontier.size) return null;
  if (kept.kind === "erased") return followedBy(head, Buffer.from(kept.leaf, "hex"), Buffer.from(kept.hash, "hex"));
  const parsed = parseLine(kept.line);
  if (parsed.kind === "malformed" || parsed.record.seq !== kept.seq || parsed.record.p !== head.previous) return null;
  return followedBy(head, leafHash(kept.line), lineHash(kept.line));
}

/** As `follow`, without reading what the line says: enough where a signed root covers it. */
export function followUnread(frontier: Frontier, kept: KeptRecord): Frontier | null {
  if (kept.seq !== frontier.size) return null;
  return append(frontier, kept.kind === "erased" ? Buffer.from(kept.leaf, "hex") : leafHash(kept.line));
}

/** The same log always gives the same note: Ed25519 signatures take no chance. */
export function sign({ epoch, frontier }: LogHead, key: DeviceKey): KeptCheckpoint {
  const signer = signerOf(key, epoch);
  const { size, roots } = frontier;
  const note = signNote(checkpointText({ origin: signer.name, size, root: rootOf(frontier) }), signer);
  return { size, note, roots: roots.map((root) => root.toString("hex")) };
}

/** The tree at a kept checkpoint; `null` unless it is signed by this key, of this epoch, and its parts belong together. */
export function frontierOf(checkpoint: KeptCheckpoint, epoch: number, publicKey: Uint8Array): Frontier | null {
  const name = originOf(publicKey, epoch);
  const note = parseNote(checkpoint.note);
  if (note === null || !isSignedBy(note, { name, publicKey })) return null;
  const signed = parseCheckpoint(note.text);
  const frontier: Frontier = { size: checkpoint.size, roots: checkpoint.roots.map((root) => Buffer.from(root, "hex")) };
  if (signed === null || signed.origin !== name || signed.size !== frontier.size) return null;
  return frontier.roots.length === onesIn(frontier.size) && signed.root.equals(rootOf(frontier)) ? frontier : null;
}

function followedBy(head: LogHead, leaf: Hash, hash: Hash): LogHead {
  return { ...head, frontier: append(head.frontier, leaf), previous: hash.toString("hex") };
}

function onesIn(size: number): number {
  let ones = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2;
  return ones;
}
