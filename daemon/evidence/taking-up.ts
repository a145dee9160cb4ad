import type { DeviceKey } from "./device-key.ts";
import type { EvidenceStore, KeptCheckpoint, KeptRecord, LogEnd } from "./evidence-store.ts";
import { emptyHead, follow, followUnread, frontierOf, type LogHead } from "./log-head.ts";
import {
  append,
  consistencyPath,
  emptyFrontier,
  emptyRoot,
  type Frontier,
  type Hash,
  leafHash,
  rootOf,
} from "./merkle.ts";
import { originOf, parseCheckpoint, parseNote } from "./note.ts";
import type { EpochReason, PreviousEpoch } from "./record.ts";
import { lineHash, parseLine } from "./record-line.ts";

/** Records read at once. */
export const sliceRecords: number = 500;

/**
 * What to do with the log that is found at start.
 *
 * - `go-on`: it ends at `head`; `dropped` records behind it could not be read and are gone.
 * - `begin`: a new epoch.
 */
export type TakingUp =
  | {
      readonly kind: "go-on";
      readonly head: LogHead;
      readonly checkpoint: KeptCheckpoint | null;
      readonly dropped: number;
    }
  | {
      readonly kind: "begin";
      readonly epoch: number;
      readonly reason: EpochReason;
      readonly previous: PreviousEpoch | null;
    };

/** Checks the log's end: its last checkpoint, and every record that came after. What is before it is checked later. */
export async function takeUp(store: EvidenceStore, { publicKey }: DeviceKey): Promise<TakingUp> {
  const end = await store.evidenceEnd();
  const used = await store.usedEpoch();
  if (end === null) return firstEpochAfter(used);
  const { epoch, checkpoint } = end;
  if (await isOfAnotherKey(store, end, publicKey)) return newEpoch(end, "key-changed", used);
  // The same numbers were signed under this origin, and others have them: nobody could tell that from a second history.
  if (await store.isOfCopy()) return newEpoch(end, "rollback", used);
  const head = checkpoint === null ? emptyHead(epoch) : await headAt(store, checkpoint, epoch, publicKey);
  if (head === null) return newEpoch(end, "log-damaged", used);
  const { head: last, isWhole } = await followTail(store, head, end.size);
  if (isWhole) return { kind: "go-on", head: last, checkpoint, dropped: 0 };
  // Not even the first record of the epoch can be read: nothing of it has ever left the box.
  if (last.frontier.size === 0) return newEpoch(end, "log-damaged", used);
  const dropped = await store.dropEvidence(epoch, last.frontier.size);
  return { kind: "go-on", head: last, checkpoint, dropped };
}

/** The epoch after one that ended where it says, and after the latest that others may have. */
export function newEpoch(end: LogEnd, reason: EpochReason, used: number): Extract<TakingUp, { kind: "begin" }> {
  return { kind: "begin", epoch: Math.max(end.epoch, used) + 1, reason, previous: previousOf(end) };
}

/** In a database without a log. Where there was one before, as the one that was moved away had, this is not the first. */
function firstEpochAfter(used: number): Extract<TakingUp, { kind: "begin" }> {
  return { kind: "begin", epoch: used + 1, reason: used === 0 ? "first-start" : "rollback", previous: null };
}

/** By its last checkpoint, which is what anybody else may know of it. */
function previousOf({ checkpoint, epoch }: LogEnd): PreviousEpoch {
  const note = checkpoint === null ? null : parseNote(checkpoint.note);
  const signed = note === null ? null : parseCheckpoint(note.text);
  const { origin, size, root } = signed ?? { origin: `epoch ${epoch}`, size: 0, root: emptyRoot };
  return { origin, size, root: root.toString("hex") };
}

async function isOfAnotherKey(store: EvidenceStore, { epoch }: LogEnd, publicKey: Uint8Array): Promise<boolean> {
  const [first] = await store.evidenceRecords(epoch, 0, 1);
  if (first?.kind !== "whole" || first.seq !== 0) return false;
  const parsed = parseLine(first.line);
  if (parsed.kind === "malformed" || parsed.record.kind !== "epoch") return false;
  return parsed.record.data.origin !== originOf(publicKey, epoch);
}

async function headAt(
  store: EvidenceStore,
  checkpoint: KeptCheckpoint,
  epoch: number,
  publicKey: Uint8Array,
): Promise<LogHead | null> {
  const frontier = frontierOf(checkpoint, epoch, publicKey);
  if (frontier === null || frontier.size === 0) return null;
  const [last] = await store.evidenceRecords(epoch, frontier.size - 1, 1);
  if (last === undefined || last.seq !== frontier.size - 1) return null;
  const previous = last.kind === "erased" ? last.hash : lineHash(last.line).toString("hex");
  return { epoch, frontier, previous };
}

async function followTail(
  store: EvidenceStore,
  from: LogHead,
  size: number,
): Promise<{ readonly head: LogHead; readonly isWhole: boolean }> {
  let head = from;
  while (head.frontier.size < size) {
    const records = await store.evidenceRecords(head.epoch, head.frontier.size, sliceRecords);
    if (records.length === 0) return { head, isWhole: false };
    for (const record of records) {
      const next = follow(head, record);
      if (next === null) return { head, isWhole: false };
      head = next;
    }
  }
  return { head, isWhole: head.frontier.size === size };
}

/**
 * Whether every record of an epoch is the one that its checkpoints cover, and every checkpoint this key's. Slice by slice,
 * for a log of years has millions.
 */
export async function isEpochWhole(
  store: EvidenceStore,
  epoch: number,
  { publicKey }: DeviceKey,
  signal: AbortSignal,
): Promise<boolean> {
  let frontier = emptyFrontier;
  let records: readonly KeptRecord[] = [];
  let checkpoints = await store.evidenceCheckpoints(epoch, 0, sliceRecords);
  while (checkpoints.length > 0) {
    for (const checkpoint of checkpoints) {
      const claimed = frontierOf(checkpoint, epoch, publicKey);
      if (claimed === null) return false;
      while (frontier.size < claimed.size) {
        if (signal.aborted) return true;
        if (records.length === 0) records = await store.evidenceRecords(epoch, frontier.size, sliceRecords);
        const covered = records.slice(0, claimed.size - frontier.size);
        records = records.slice(covered.length);
        const followed = covered.reduce<Frontier | null>((all, each) => all && followUnread(all, each), frontier);
        if (covered.length === 0 || followed === null) return false;
        frontier = followed;
      }
      if (!rootOf(frontier).equals(rootOf(claimed))) return false;
    }
    checkpoints = await store.evidenceCheckpoints(epoch, frontier.size + 1, sliceRecords);
  }
  return true;
}

/** Proof that the log at `oldSize` is a prefix of that at `size`, from what is on disk; `null` when it never was that long. */
export async function consistencyOf(
  store: EvidenceStore,
  epoch: number,
  oldSize: number,
  size: number,
): Promise<readonly Hash[] | null> {
  if (!Number.isSafeInteger(oldSize) || oldSize < 0 || oldSize > size) return null;
  const proof: Hash[] = [];
  for (const { from, to } of consistencyPath(oldSize, size)) {
    const known = to <= oldSize ? await rootAt(store, epoch, oldSize, from, to) : null;
    proof.push(known ?? (await rootOfRange(store, epoch, from, to)));
  }
  return proof;
}

/** Of the old tree every hash of the proof is in its frontier, which is kept with its checkpoint. */
async function rootAt(
  store: EvidenceStore,
  epoch: number,
  oldSize: number,
  from: number,
  to: number,
): Promise<Hash | null> {
  const [checkpoint] = await store.evidenceCheckpoints(epoch, oldSize, 1);
  if (checkpoint?.size !== oldSize) return null;
  let begin = 0;
  for (const root of checkpoint.roots) {
    const span = largestPowerUpTo(oldSize - begin);
    if (begin === from && begin + span === to) return Buffer.from(root, "hex");
    begin += span;
  }
  return null;
}

/** Slice by slice: a witness may ask from a size that no checkpoint has, and a log of years has millions of records. */
async function rootOfRange(store: EvidenceStore, epoch: number, from: number, to: number): Promise<Hash> {
  let range = emptyFrontier;
  while (from + range.size < to) {
    const next = from + range.size;
    const records = await store.evidenceRecords(epoch, next, Math.min(sliceRecords, to - next));
    if (records.length === 0) throw new Error("the log is shorter than its checkpoint");
    for (const each of records) {
      range = append(range, each.kind === "erased" ? Buffer.from(each.leaf, "hex") : leafHash(each.line));
    }
  }
  return rootOf(range);
}

function largestPowerUpTo(count: number): number {
  let power = 1;
  while (power * 2 <= count) power *= 2;
  return power;
}
