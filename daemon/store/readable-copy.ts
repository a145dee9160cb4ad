import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { systemCode } from "../base/errors.ts";

/** A page of memory, and of a database: the kernel reads no less from a disk. */
const pageBytes = 4096;

/** What a disk says of a sector that it cannot give back. */
export function isUnreadable(error: unknown): boolean {
  return systemCode(error) === "EIO";
}

/**
 * Copies a file of which some sectors may be bad: zeros stand for what they held. Durable when it returns.
 *
 * @returns how many bytes could not be read
 * @throws Error with the system's code when the copy cannot be written, as on a full disk
 */
export function copyReadable(from: string, to: string): number {
  const source = openSync(from, "r");
  try {
    const target = openSync(to, "w", 0o600);
    try {
      const lostBytes = copyPages(source, target, fstatSync(source).size);
      fsyncSync(target);
      return lostBytes;
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}

function copyPages(source: number, target: number, sizeBytes: number): number {
  const page = Buffer.alloc(pageBytes);
  let lostBytes = 0;
  ftruncateSync(target, sizeBytes);
  for (let at = 0; at < sizeBytes; at += pageBytes) {
    const wanted = Math.min(pageBytes, sizeBytes - at);
    const reading = readWhole(source, page.subarray(0, wanted), at);
    if (reading === "unreadable") lostBytes += wanted;
    else writeSync(target, page, 0, wanted, at);
  }
  return lostBytes;
}

/**
 * Reads until `into` is full: in front of a bad sector the kernel hands over what it has, as at the end of a file.
 *
 * @returns `end` where the file ends before that
 * @throws Error with the system's code for any other reason than a bad sector
 */
export function readWhole(descriptor: number, into: Buffer, at: number): "read" | "end" | "unreadable" {
  try {
    for (let filled = 0; filled < into.length; ) {
      const count = readSync(descriptor, into, filled, into.length - filled, at + filled);
      if (count === 0) return "end";
      filled += count;
    }
    return "read";
  } catch (error) {
    if (isUnreadable(error)) return "unreadable";
    throw error;
  }
}
