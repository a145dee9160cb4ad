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

  /**
   * Every row of a table that can be read, in the order of ids. A page may hold what belongs elsewhere, such as an older
   * copy of another page: its rows are passed over, so that they send the walk neither back nor past what is behind them.
   */
  *rows(table: string): Generator<Readable> {
    const walk = this.#walkOf(table);
    if (walk === null) yield { kind: "gap" };
    let last = 0n;
    let from = 1n;
    let step = 1n;
    let isInGap = false;
    while (walk !== null && from <= idMax) {
      try {
        for (const row of walk.from(from)) {
          const id = BigInt(row["id"] as bigint);
          const place = walk.placeOf(id, last, from);
          if (place !== "next" && !isInGap) yield { kind: "gap" };
          isInGap = place === "elsewhere";
          if (isInGap) continue;
          yield { kind: "row", row };
          last = id;
          step = 1n;
        }
        return;
      } catch (error) {
        refuseWhatIsNoDamage(error);
        if (!isInGap) yield { kind: "gap" };
        isInGap = true;
      }
      // Steps grow as long as nothing behind what cannot be read does read, so that the walk ends.
      from = last + 1n + step;
      step = step < probeMaxRows ? step + 1n : step * 2n;
    }
  }

  [Symbol.dispose](): void {
    this.#db.close();
    if (this.#copy !== null) drop(this.#copy);
  }

  /** `null` when the database does not know the table. */
  #walkOf(table: string): Walk | null {
    try {
      return new Walk(this.#db, table);
    } catch (error) {
      refuseWhatIsNoDamage(error);
      return null;
    }
  }
}

/**
 * - `next`: right behind the row before
 * - `behind-damage`: between the two something cannot be read
 * - `elsewhere`: a copy of a row that is, or was, in another place
 */
type RowPlace = "next" | "behind-damage" | "elsewhere";

/** A way through one table by its tree, and a look at what its tree says of a row. */
class Walk {
  readonly #from: Sqlite.Statement<[bigint], SourceRow>;
  readonly #self: Sqlite.Statement<[bigint], bigint>;
  readonly #before: Sqlite.Statement<[bigint], bigint>;

  constructor(db: Sqlite.Database, table: string) {
    this.#from = db.prepare<[bigint], SourceRow>(`SELECT * FROM ${table} WHERE id >= ? ORDER BY id`).safeIntegers();
    this.#self = db.prepare<[bigint], bigint>(`SELECT id FROM ${table} WHERE id = ?`).pluck().safeIntegers();
    this.#before = db
      .prepare<[bigint], bigint>(`SELECT id FROM ${table} WHERE id < ? ORDER BY id DESC LIMIT 1`)
      .pluck()
      .safeIntegers();
  }

  from(id: bigint): Iterable<SourceRow> {
    return this.#from.iterate(id);
  }

  /**
   * @param last the row that was read before
   * @param from where the walk set out
   */
  placeOf(id: bigint, last: bigint, from: bigint): RowPlace {
    if (id <= last) return "elsewhere";
    if (id === last + 1n) return "next";
    // Ids leap where rows were erased. Where the tree has rows between the two, this one was not met in its own place.
    if (!this.#isFound(id)) return "elsewhere";
    const before = read(() => this.#before.get(id) ?? 0n);
    if (before === last) return "next";
    const isBetween = before !== null && before < id && before > last && before >= from;
    return isBetween && this.#isFound(before) ? "elsewhere" : "behind-damage";
  }

  #isFound(id: bigint): boolean {
    return read(() => this.#self.get(id)) === id;
  }
}

/** `null` for what cannot be read. */
function read(get: () => bigint | undefined): bigint | null {
  try {
    return get() ?? null;
  } catch (error) {
    refuseWhatIsNoDamage(error);
    return null;
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
