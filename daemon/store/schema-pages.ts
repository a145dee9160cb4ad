import { closeSync, existsSync, fsyncSync, openSync, readFileSync, readSync, renameSync, writeSync } from "node:fs";
import type { Connection } from "./connection.ts";
import { isUnreadable } from "./readable-copy.ts";

/** Of every database of badged (`headerMarks` in integrity.ts). */
const pageBytes = 4096;
const entryBytes = 4 + pageBytes;

/** Where the header keeps what changes with every change of the schema (https://sqlite.org/fileformat2.html#the_database_header). */
const schemaCookieOffset = 40;

export type SchemaPage = { readonly page: number; readonly bytes: Buffer };

/**
 * A copy of the pages in which a database says what its tables are and where each begins, the first page above all: who
 * loses that one has lost every row behind it. In a database that was never upgraded it is that of any new one; in one that
 * was, tables begin elsewhere. It never moves, for the database is never vacuumed.
 *
 * The file holds, for each page, its number as 32 bits, most significant byte first, and its 4096 bytes.
 *
 * @returns the pages; empty when there is no copy, or only a part of one can be read
 */
export function readSchemaPages(file: string): readonly SchemaPage[] {
  if (!existsSync(file)) return [];
  const all = readOrNull(file);
  if (all === null || all.length % entryBytes !== 0) return [];
  return Array.from({ length: all.length / entryBytes }, (_, index) => {
    const at = index * entryBytes;
    return { page: all.readUInt32BE(at), bytes: all.subarray(at + 4, at + entryBytes) };
  });
}

/** `null` where a sector of it is bad. */
function readOrNull(file: string): Buffer | null {
  try {
    return readFileSync(file);
  } catch (error) {
    if (isUnreadable(error)) return null;
    throw error;
  }
}

/** Whether the copy is of the schema that the database has now. */
export function isCopyOf(pages: readonly SchemaPage[], { db }: Connection): boolean {
  const first = pages.find(({ page }) => page === 1);
  return (
    first !== undefined &&
    first.bytes.readUInt32BE(schemaCookieOffset) === db.pragma("schema_version", { simple: true })
  );
}

/** The numbers of the pages that hold the schema of an open database. */
export function schemaPageNumbers({ db }: Connection): readonly number[] {
  return db.prepare<[], number>("SELECT pageno FROM dbstat WHERE name = 'sqlite_schema' ORDER BY pageno").pluck().all();
}

/**
 * Copies pages of a database that this process does not have open: to close a file drops the locks that SQLite holds on it.
 * Durable when it returns.
 */
export function keepSchemaPages(database: string, pages: readonly number[], file: string): void {
  const entries = Buffer.alloc(pages.length * entryBytes);
  const source = openSync(database, "r");
  try {
    pages.forEach((page, index) => {
      entries.writeUInt32BE(page, index * entryBytes);
      readSync(source, entries, index * entryBytes + 4, pageBytes, (page - 1) * pageBytes);
    });
  } finally {
    closeSync(source);
  }
  const target = openSync(`${file}.part`, "w", 0o600);
  try {
    writeSync(target, entries);
    fsyncSync(target);
  } finally {
    closeSync(target);
  }
  renameSync(`${file}.part`, file);
}
