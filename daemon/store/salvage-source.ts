import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import Sqlite from "better-sqlite3";
import { storeErrorCodeOf } from "./store-error.ts";

/** Rows between two readable ones are tried one by one up to this many: more than an interior page of the tree leads to. */
export const probeMaxRows = 8192n;

const idMax = 2n ** 53n;
const pageBytes = 4096;
const headerBytes = 100;

export type SourceRow = Readonly<Record<string, string | number | bigint | Buffer | null>>;

/** A row, or a gap in which nothing can be read. */
export type Readable = { readonly kind: "row"; readonly row: SourceRow } | { readonly kind: "gap" };

/**
 * A damaged database, opened for reading what can be read of it; the file itself is never written. When its first page
 * is damaged, a copy is read in which that page is the one of an empty database of the same schema: the first page
 * says where each table begins, and that never moves, for the database is never vacuumed.
 */
export class SalvageSource implements Disposable {
  readonly #db: Sqlite.Database;
  readonly #copy: string | null;

  /** @param template an empty database of the present schema, checkpointed */
  static open(file: string, template: string): SalvageSource {
    const asItIs = tryOpen(file);
    if (asItIs !== null) return new SalvageSource(asItIs, null);
    const copy = `${file}.salvage`;
    for (const repairedBytes of [headerBytes, pageBytes]) {
      copyFileSync(file, copy);
      if (existsSync(`${file}-wal`)) copyFileSync(`${file}-wal`, `${copy}-wal`);
      writeFirstPage(copy, template, repairedBytes);
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

  /** Every row of a table that can be read, in the order of ids. */
  *rows(table: string): Generator<Readable> {
    let next = 1n;
    for (;;) {
      try {
        const rows = this.#db.prepare(`SELECT * FROM ${table} WHERE id >= ? ORDER BY id`).safeIntegers().iterate(next);
        for (const row of rows as Iterable<SourceRow>) {
          next = BigInt(row["id"] as bigint) + 1n;
          yield { kind: "row", row };
        }
        return;
      } catch (error) {
        refuseWhatIsNoDamage(error);
        yield { kind: "gap" };
        const resumed = this.#resume(table, next);
        if (resumed === null) return;
        next = resumed;
      }
    }
  }

  [Symbol.dispose](): void {
    this.#db.close();
    if (this.#copy !== null) drop(this.#copy);
  }

  /** The next id from which the table can be read again; `null` at its end. */
  #resume(table: string, from: bigint): bigint | null {
    const probe = this.#probeOf(table);
    if (probe === null) return null;
    for (let step = 1n; from + step < idMax; step = step < probeMaxRows ? step + 1n : step * 2n) {
      try {
        return probe.get(from + step) === undefined ? null : from + step;
      } catch (error) {
        refuseWhatIsNoDamage(error);
      }
    }
    return null;
  }

  /** `null` when the database does not know the table. */
  #probeOf(table: string): Sqlite.Statement<[bigint]> | null {
    try {
      return this.#db.prepare<[bigint]>(`SELECT * FROM ${table} WHERE id >= ? ORDER BY id LIMIT 1`);
    } catch (error) {
      refuseWhatIsNoDamage(error);
      return null;
    }
  }
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

/** Puts the template's first `bytes` over the copy's, with the copy's own length and no free pages. */
function writeFirstPage(copy: string, template: string, bytes: number): void {
  const first = Buffer.alloc(pageBytes);
  const source = openSync(template, "r");
  readSync(source, first, 0, pageBytes, 0);
  closeSync(source);
  first.writeUInt32BE(Math.ceil(statSync(copy).size / pageBytes), 28);
  first.writeUInt32BE(0, 32);
  first.writeUInt32BE(0, 36);
  first.writeUInt32BE(first.readUInt32BE(24), 92);
  const target = openSync(copy, "r+");
  writeSync(target, first, 0, bytes, 0);
  fsyncSync(target);
  closeSync(target);
}

function drop(copy: string): void {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(copy + suffix, { force: true });
}
