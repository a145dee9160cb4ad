import { closeSync, existsSync, fsyncSync, openSync, readSync, rmSync, statSync, writeSync } from "node:fs";
import Sqlite from "better-sqlite3";
import { copyReadable } from "./readable-copy.ts";
import { type Readable, type SourceRow, type TableReads, walk } from "./salvage-walk.ts";
import type { SchemaPage } from "./schema-pages.ts";
import { storeErrorCodeOf } from "./store-error.ts";

const pageBytes = 4096;
const headerBytes = 100;

/**
 * A damaged database, opened for reading what can be read of it; the file itself is never written. When its first page
 * is damaged, a copy is read in which the pages of the schema are those that were kept of it, or, where none were, the
 * first page is the one of an empty database of the same schema.
 */
export class SalvageSource implements Disposable {
  readonly #db: Sqlite.Database;
  readonly #copy: string | null;

  /**
   * @param template an empty database of the present schema, checkpointed
   * @param kept the pages of its own schema, as they were when it was whole; may be empty
   */
  static open(file: string, template: string, kept: readonly SchemaPage[]): SalvageSource {
    const asItIs = tryOpen(file);
    if (asItIs !== null) return new SalvageSource(asItIs, null);
    const copy = `${file}.salvage`;
    const first = firstPageOf(template);
    const repairs: readonly (readonly SchemaPage[])[] = [
      ...(kept.length > 0 ? [kept] : []),
      [{ page: 1, bytes: first.subarray(0, headerBytes) }],
      [{ page: 1, bytes: first }],
    ];
    for (const pages of repairs) {
      copyReadable(file, copy);
      if (existsSync(`${file}-wal`)) copyReadable(`${file}-wal`, `${copy}-wal`);
      writePages(copy, pages);
      const repaired = tryOpen(copy);
      if (repaired !== null) return new SalvageSource(repaired, copy);
      drop(copy);
    }
    return new SalvageSource(new Sqlite(":memory:"), null);
  }

  private constructor(db: Sqlite.Database, copy: string | null) {
    this.#db = db;
    this.#copy = copy;
  }

  /** Every row of a table that can be read, each once, in the order of ids. */
  *rows(table: string): Generator<Readable> {
    const reads = readDamaged(() => readsOf(this.#db, table));
    // The database does not know the table.
    if (reads === "damaged") yield { kind: "gap" };
    else yield* walk(reads);
  }

  [Symbol.dispose](): void {
    this.#db.close();
    if (this.#copy !== null) drop(this.#copy);
  }
}

function readsOf(db: Sqlite.Database, table: string): TableReads {
  const rows = (rest: string): Sqlite.Statement<bigint[], SourceRow> =>
    db.prepare<bigint[], SourceRow>(`SELECT * FROM ${table} WHERE ${rest}`).safeIntegers();
  const ids = (rest: string): Sqlite.Statement<bigint[], bigint> =>
    db.prepare<bigint[], bigint>(`SELECT id FROM ${table} WHERE ${rest}`).safeIntegers().pluck();
  const at = rows("id = ?");
  const before = ids("id < ? ORDER BY id DESC LIMIT 1");
  const firstFrom = ids("id >= ? ORDER BY id LIMIT 1");
  const upFrom = rows("id >= ? ORDER BY id");
  const idsDownFrom = ids("id <= ? AND id >= ? ORDER BY id DESC");
  return {
    at: (id) => readDamaged(() => at.get(id) ?? null),
    before: (id) => readDamaged(() => before.get(id) ?? null),
    firstFrom: (id) => readDamaged(() => firstFrom.get(id) ?? null),
    upFrom: (id) => untilDamaged(() => upFrom.iterate(id)),
    idsDownFrom: (id, floor) => untilDamaged(() => idsDownFrom.iterate(id, floor)),
  };
}

function readDamaged<T>(read: () => T): T | "damaged" {
  try {
    return read();
  } catch (error) {
    refuseWhatIsNoDamage(error);
    return "damaged";
  }
}

function* untilDamaged<T>(open: () => Iterable<T>): Generator<T | "damaged"> {
  let isDamaged = false;
  try {
    yield* open();
  } catch (error) {
    refuseWhatIsNoDamage(error);
    isDamaged = true;
  }
  if (isDamaged) yield "damaged";
}

/** A table that is not there reads as a defect: SQLite has one general code for it. */
function refuseWhatIsNoDamage(error: unknown): void {
  const code = storeErrorCodeOf(error);
  if (code !== "corrupt" && code !== "input-output" && code !== "defect") throw error;
}

function tryOpen(file: string): Sqlite.Database | null {
  let db: Sqlite.Database | null = null;
  try {
    db = new Sqlite(file, { readonly: true, fileMustExist: true });
    // SQLite opens a file that was cut short only for those who may write its schema.
    db.unsafeMode(true);
    db.pragma("writable_schema = ON");
    const found = db.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'scans'").pluck().get();
    if (found === 1) return db;
  } catch (error) {
    refuseWhatIsNoDamage(error);
  }
  db?.close();
  return null;
}

function firstPageOf(template: string): Buffer {
  const first = Buffer.alloc(pageBytes);
  const source = openSync(template, "r");
  readSync(source, first, 0, pageBytes, 0);
  closeSync(source);
  return first;
}

/** Puts pages over the copy's, the first one with the copy's own length and no free pages. */
function writePages(copy: string, pages: readonly SchemaPage[]): void {
  const target = openSync(copy, "r+");
  for (const { page, bytes } of pages) {
    const written = Buffer.from(bytes);
    if (page === 1) {
      written.writeUInt32BE(Math.ceil(statSync(copy).size / pageBytes), 28);
      written.writeUInt32BE(0, 32);
      written.writeUInt32BE(0, 36);
      written.writeUInt32BE(written.readUInt32BE(24), 92);
    }
    writeSync(target, written, 0, written.length, (page - 1) * pageBytes);
  }
  fsyncSync(target);
  closeSync(target);
}

function drop(copy: string): void {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(copy + suffix, { force: true });
}
