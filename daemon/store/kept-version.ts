import { closeSync, openSync, readSync } from "node:fs";
import { applicationId } from "./connection.ts";
import { DatabaseFiles } from "./database-files.ts";

/** Where a database file says what it is (https://sqlite.org/fileformat.html#the_database_header). */
const headerBytes = 100;
const userVersionAt = 60;
const applicationIdAt = 68;

/**
 * The schema version of the store in a folder, read without opening it as a database: that would leave SQLite's files beside
 * it in the name of whoever looks. Where there is only a copy to be taken over, of that. `null` when there is none, or none
 * that can be read. What was migrated a moment ago may
 * still be in the write-ahead log, and then an earlier version is told.
 */
export function keptVersion(directory: string): number | null {
  const { file, restored } = new DatabaseFiles(directory);
  const header = headerOf(file) ?? headerOf(restored);
  if (header === null || header.readUInt32BE(applicationIdAt) !== applicationId) return null;
  return header.readUInt32BE(userVersionAt);
}

function headerOf(file: string): Buffer | null {
  let descriptor: number;
  try {
    descriptor = openSync(file, "r");
  } catch {
    return null;
  }
  try {
    const header = Buffer.alloc(headerBytes);
    return readSync(descriptor, header, 0, headerBytes, 0) === headerBytes ? header : null;
  } finally {
    closeSync(descriptor);
  }
}
