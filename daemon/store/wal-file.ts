import { closeSync, fstatSync, openSync } from "node:fs";
import { systemCode } from "../base/errors.ts";
import { readWhole } from "./readable-copy.ts";

/**
 * What a write-ahead log looks like before SQLite opens it (https://sqlite.org/fileformat2.html#walformat). SQLite
 * reads it up to the first frame that does not fit and forgets the rest without a word; this is the word.
 *
 * - `whole`: every frame fits, or there is none; a last transaction that was cut off by a power cut counts as whole,
 *   for it was never acknowledged.
 * - `header-damaged`: none of it can be read.
 * - `damaged`: commits that were synced stand behind a frame that does not fit.
 * - `unreadable`: the disk does not give all of it. SQLite opens no database with such a log.
 */
export type WalVerdict =
  | { readonly kind: "whole" }
  | { readonly kind: "header-damaged" }
  | { readonly kind: "damaged"; readonly commitsLost: number }
  | { readonly kind: "unreadable" };

const headerBytes = 32;
const frameHeaderBytes = 24;
/** Checksums over little-endian words: what SQLite writes on the machines that badged runs on. */
const magic = 0x377f0682;
const pageSizeMinBytes = 512;
const pageSizeMaxBytes = 65_536;

/** Each commit is synced before the next begins, so only one can stand unsynced behind a frame that a power cut tore. */
const unsyncedCommitsMax = 1;

/** @returns `whole` where there is no log */
export function inspectWal(file: string): WalVerdict {
  const descriptor = openedOrNull(file);
  if (descriptor === null) return { kind: "whole" };
  try {
    return inspect(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Whoever closes the database last deletes its log, at any moment. */
function openedOrNull(file: string): number | null {
  try {
    return openSync(file, "r");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    throw error;
  }
}

function inspect(descriptor: number): WalVerdict {
  if (fstatSync(descriptor).size === 0) return { kind: "whole" };
  const header = Buffer.alloc(headerBytes);
  if (readWhole(descriptor, header, 0) === "unreadable") return { kind: "unreadable" };
  const pageBytes = header.readUInt32BE(8);
  const sum = new Checksum();
  sum.add(header, 0, 24);
  const fitsHeader =
    header.readUInt32BE(0) === magic &&
    pageBytes >= pageSizeMinBytes &&
    pageBytes <= pageSizeMaxBytes &&
    sum.isAt(header, 24);
  // SQLite writes over a log that it does not know, and a bad sector takes no part of a page.
  if (!fitsHeader) return { kind: isReadable(descriptor) ? "header-damaged" : "unreadable" };

  const frame = Buffer.alloc(frameHeaderBytes + pageBytes);
  let commitsBehind = 0;
  let fits = true;
  for (let at = headerBytes; ; at += frame.length) {
    const reading = readWhole(descriptor, frame, at);
    if (reading === "unreadable") return { kind: "unreadable" };
    if (reading === "end") break;
    // A frame of the log's previous round, known by its salt, is the end of this one.
    const isOfThisRound = frame.compare(header, 16, 24, 8, 16) === 0;
    if (fits && isOfThisRound) {
      sum.add(frame, 0, 8);
      sum.add(frame, frameHeaderBytes, frame.length);
      if (sum.isAt(frame, 16)) continue;
    }
    fits = false;
    if (isOfThisRound && frame.readUInt32BE(4) !== 0) commitsBehind += 1;
  }
  return commitsBehind > unsyncedCommitsMax ? { kind: "damaged", commitsLost: commitsBehind } : { kind: "whole" };
}

function isReadable(descriptor: number): boolean {
  const piece = Buffer.alloc(pageSizeMaxBytes);
  for (let at = 0; ; at += piece.length) {
    const reading = readWhole(descriptor, piece, at);
    if (reading !== "read") return reading === "end";
  }
}

/** The log's own checksum over pairs of 32-bit words, section 4.2 of the format. */
class Checksum {
  #first = 0;
  #second = 0;

  /** `from` and `to` are whole words. A typed view reads a log of 16 MB in 30 ms, ten times faster than `readUInt32LE`. */
  add(bytes: Buffer, from: number, to: number): void {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset + from, (to - from) / 4);
    let first = this.#first;
    let second = this.#second;
    for (let at = 0; at < words.length; at += 2) {
      first = (first + (words[at] ?? 0) + second) | 0;
      second = (second + (words[at + 1] ?? 0) + first) | 0;
    }
    this.#first = first;
    this.#second = second;
  }

  isAt(bytes: Buffer, offset: number): boolean {
    return bytes.readInt32BE(offset) === this.#first && bytes.readInt32BE(offset + 4) === this.#second;
  }
}
