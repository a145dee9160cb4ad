import { applicationId } from "./connection.ts";
import { DatabaseFiles } from "./database-files.ts";
import { applicationIdAt, headerOf, userVersionAt } from "./database-header.ts";

/**
 * The schema version of the store in a folder, read without opening it as a database: that would leave SQLite's files
 * beside it in the name of whoever looks. Where there is only a copy to be taken over, of that. `null` when there is none,
 * or none that can be read. What was migrated a moment ago may still be in the write-ahead log, and then an earlier
 * version is told.
 */
export function keptVersion(directory: string): number | null {
  const { file, restored } = new DatabaseFiles(directory);
  return versionIn(file) ?? versionIn(restored);
}

function versionIn(file: string): number | null {
  try {
    const header = headerOf(file);
    return header.readUInt32BE(applicationIdAt) === applicationId ? header.readUInt32BE(userVersionAt) : null;
  } catch {
    return null;
  }
}
