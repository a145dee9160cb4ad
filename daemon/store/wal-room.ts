import { closeSync, fdatasyncSync, fstatSync, openSync, statfsSync, writevSync } from "node:fs";
import { overdueFrames } from "./checkpoint.ts";

/** A write-ahead log begins with a header; each of its frames has one too (https://sqlite.org/fileformat2.html#walformat). */
const headerBytes = 32;
const frameBytes = 24 + 4096;

/** The longest that the log grows before its checkpoint is overdue: 16.5 MB. */
export const walRoomBytes: number = headerBytes + overdueFrames * frameBytes;

/** Written and synced at a time: a slow card takes 50 ms for it, and who badges just then waits no longer than that. */
export const walSliceBytes: number = 256 * 1024;

/** One small buffer many times over: a new one of a slice's size each time would stay with the process. */
const slice: readonly Buffer[] = Array<Buffer>(16).fill(Buffer.alloc(walSliceBytes / 16));

/** On a disk with less than this left, the log takes what it needs and no more. */
export const freeBytesMin: number = 16 * walRoomBytes;

/**
 * Lengthens a write-ahead log by a slice of zeros, in which SQLite sees the log's end, so that commits overwrite it in
 * place: a log that grows makes the file system write its own journal with each commit, one flush more for whoever badges.
 * SQLite keeps that length until the database is closed.
 *
 * @param file a log with a commit in it, of a database that this thread has open, and whose lock for writing it holds: the
 * frames of another program's commit would be overwritten, which it appends where the log ended a moment ago
 * @returns whether it is long enough now, or the disk too full for it
 * @throws what the file system does
 */
export function lengthenWal(file: string): boolean {
  const descriptor = openSync(file, "r+");
  try {
    const { size } = fstatSync(descriptor);
    const { bavail, bsize } = statfsSync(file);
    if (size >= walRoomBytes || bavail * bsize < freeBytesMin) return true;
    const written = writevSync(descriptor, slice, size);
    fdatasyncSync(descriptor);
    return size + written >= walRoomBytes;
  } finally {
    closeSync(descriptor);
  }
}
