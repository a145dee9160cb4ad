import { assert } from "../../base/assert.ts";
import { between, type Random } from "../../base/random.ts";

/**
 * What a disk was told, in order, and what of it is there after its power was cut.
 *
 * The disk has a volatile cache. A write is in the cache once it is logged; a flush is logged when it completes, with
 * the position at which it was asked for, and makes every write before that position durable. A cut at position `at`
 * sees the first `at` entries: the durable writes are there, of the others any part may be, sector by sector and
 * whatever their order.
 *
 * Entries are 24 bytes each in the log's index, little-endian: kind (u32), length of the data in bytes (u32), offset
 * on the disk or position covered (u64), where the data starts in the log's data (u64).
 */

/** A number of entries: position 5 is the moment after the fifth entry and before the sixth. */
export type LogPosition = number;

export interface Write {
  readonly kind: "write";
  /** Offset on the disk, in bytes. */
  readonly offset: number;
  readonly lengthBytes: number;
  /** Offset of the data in the log's data, in bytes. */
  readonly dataAt: number;
}

export interface Flush {
  readonly kind: "flush";
  /** Every write before this position is durable. */
  readonly covers: LogPosition;
}

export type LogEntry = Write | Flush;

export interface PowerCut {
  readonly at: LogPosition;
  /** Decides which unsynced sectors are on the disk. */
  readonly random: Random;
  /** The unit that a disk writes whole or not at all, in bytes. */
  readonly sectorBytes: number;
}

/** A piece of a write, in the order in which it is to be applied. */
export type Fragment = Omit<Write, "kind">;

export const entryBytes = 24;
const writeKind = 1;
const flushKind = 2;

/** The share of unsynced writes that a cut tears; the others are there whole or not at all. */
const tornShare = 0.25;

export function encodeEntry(entry: LogEntry): Buffer {
  const bytes = Buffer.alloc(entryBytes);
  if (entry.kind === "flush") {
    bytes.writeUInt32LE(flushKind, 0);
    bytes.writeBigUInt64LE(BigInt(entry.covers), 8);
    return bytes;
  }
  bytes.writeUInt32LE(writeKind, 0);
  bytes.writeUInt32LE(entry.lengthBytes, 4);
  bytes.writeBigUInt64LE(BigInt(entry.offset), 8);
  bytes.writeBigUInt64LE(BigInt(entry.dataAt), 16);
  return bytes;
}

/** Reads whole entries; throws InvariantError on bytes that are none. */
export function decodeEntries(bytes: Buffer): LogEntry[] {
  assert(bytes.length % entryBytes === 0, "a log's index holds whole entries");
  return Array.from({ length: bytes.length / entryBytes }, (_, index) => decodeEntry(bytes, index * entryBytes));
}

function decodeEntry(bytes: Buffer, at: number): LogEntry {
  const kind = bytes.readUInt32LE(at);
  const place = Number(bytes.readBigUInt64LE(at + 8));
  if (kind === flushKind) return { kind: "flush", covers: place };
  assert(kind === writeKind, "a log's entry is a write or a flush");
  const dataAt = Number(bytes.readBigUInt64LE(at + 16));
  return { kind: "write", offset: place, lengthBytes: bytes.readUInt32LE(at + 4), dataAt };
}

/** The position before which every write is durable when the power goes at `at`. */
export function durablePosition(entries: readonly LogEntry[], at: LogPosition): LogPosition {
  assert(at >= 0 && at <= entries.length, "a cut is at a position that the log has reached");
  let durable: LogPosition = 0;
  for (let index = 0; index < at; index++) {
    const entry = entries[index];
    if (entry?.kind === "flush" && entry.covers > durable) durable = entry.covers;
  }
  return durable;
}

export function writesBetween(entries: readonly LogEntry[], from: LogPosition, to: LogPosition): Write[] {
  return entries.slice(from, to).filter((entry) => entry.kind === "write");
}

/**
 * What the disk holds beyond its durable writes. Each cut draws how much of the cache had reached the disk, nothing
 * and everything included, because a cut that always keeps half of it never tries the plainest losses.
 */
export function survivingFragments(entries: readonly LogEntry[], cut: PowerCut): Fragment[] {
  const { at, random, sectorBytes } = cut;
  const chance = drawChance(random);
  const fragments: Fragment[] = [];
  for (const write of writesBetween(entries, durablePosition(entries, at), at)) {
    const pieces = random() < tornShare ? sectorsOf(write, sectorBytes) : [write];
    for (const { offset, lengthBytes, dataAt } of pieces) {
      if (random() < chance) fragments.push({ offset, lengthBytes, dataAt });
    }
  }
  return shuffle(fragments, random);
}

function drawChance(random: Random): number {
  const kind = between(random, 0, 3);
  if (kind === 0) return 0;
  if (kind === 1) return 1;
  return random();
}

function sectorsOf(write: Write, sectorBytes: number): Fragment[] {
  const sectors: Fragment[] = [];
  for (let done = 0; done < write.lengthBytes; done += sectorBytes) {
    const lengthBytes = Math.min(sectorBytes, write.lengthBytes - done);
    sectors.push({ offset: write.offset + done, lengthBytes, dataAt: write.dataAt + done });
  }
  return sectors;
}

function shuffle<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, rank: random() }))
    .sort((one, other) => one.rank - other.rank)
    .map(({ item }) => item);
}
