import { statSync } from "node:fs";
import type Sqlite from "better-sqlite3";
import { scanStates } from "../scan/scan.ts";
import { applicationId, type Connection } from "./connection.ts";
import { applicationIdAt, headerOf } from "./database-header.ts";
import { countByIndex, recountByIndex } from "./scan-counts.ts";
import { StoreError } from "./store-error.ts";

/** A database up to this size is checked whole at start, in about 20 ms; a larger one at its ends, then in slices. */
export const wholeCheckMaxBytes: number = 4 * 1024 * 1024;

/** Rows that one slice reads: about 1 ms, and little garbage. */
export const scrubSliceRows = 250;

/** Rows read at either end of each table at start: what the daemon uses first. */
const edgeRows = 200;

/** Every table with ids, in an order in which each refers to earlier ones only. */
export const tables = [
  "store",
  "workers",
  "roster_entries",
  "work_sites",
  "attempts",
  "webhook_targets",
  "webhook_skips",
  "boots",
  "clock_syncs",
  "clock_events",
  "receipt_knowledge",
  "outage_windows",
  "outage_entries",
  "heartbeat",
  "evidence_records",
  "evidence_checkpoints",
  "evidence_anchors",
  "evidence_salts",
  "follow_ups",
  "remarks",
  "remark_marks",
  "scans",
] as const;

/** The indexes that decide what is sent: a scan missing from one would wait for ever without a word. */
const openIndexes = [
  ["waiting", "scans_waiting"],
  ["sending", "scans_sending"],
  ["unknown-badge", "scans_unknown"],
] as const;

type IndexCheck = { readonly index: string; readonly where: string };

/** Indexes over ids, of which as many entries are expected as rows fit: those, and what gets its time or waits for a person. */
const countedIndexes: Readonly<Partial<Record<(typeof tables)[number], readonly IndexCheck[]>>> = {
  scans: [
    ...openIndexes.map(([state, index]) => ({ index, where: `state = '${state}'` })),
    { index: "scans_refused", where: "state = 'refused'" },
    { index: "scans_withheld", where: "state = 'withheld'" },
    { index: "scans_undated", where: "error_bound_ms IS NULL AND dated_how IS NULL" },
  ],
};

/** Indexes over another column, in which each row is looked up: doubts that are searched for, and who holds a badge. */
const soughtIndexes: Readonly<Partial<Record<(typeof tables)[number], readonly (IndexCheck & { column: string })[]>>> =
  {
    scans: [
      { index: "scans_doubt_open", where: "doubt_since IS NOT NULL AND state = 'waiting'", column: "doubt_since" },
    ],
    roster_entries: [{ index: "roster_in_force", where: "superseded_at IS NULL", column: "badge" }],
  };

/** What the header of badged's own databases always holds, by offset (https://sqlite.org/fileformat2.html#database_header). */
const headerMarks: readonly (readonly [offset: number, bytes: Buffer])[] = [
  [0, Buffer.from("SQLite format 3\0", "latin1")],
  // Pages of 4096 bytes, WAL for reading and writing, no reserved space, the fixed payload fractions.
  [16, Buffer.from([0x10, 0x00, 2, 2, 0, 64, 32, 32])],
  // Schema format 4, and UTF-8.
  [44, Buffer.from([0, 0, 0, 4])],
  [56, Buffer.from([0, 0, 0, 1])],
];

/**
 * Before SQLite opens the file: with some damaged headers it would only read, and with an empty file it would delete
 * the write-ahead log.
 *
 * @throws StoreError `corrupt`
 */
export function checkHeader(file: string): void {
  if (isMarked(headerOf(file))) return;
  throw new StoreError("corrupt", statSync(file).size === 0 ? "the file is empty" : "its header is damaged");
}

/**
 * How a database says that it is written: in WAL mode as badged's own, or with a rollback journal as any new file of SQLite's.
 * `null` for what has no header of either.
 */
export function journalOf(file: string): "wal" | "rollback" | null {
  const header = headerOf(file);
  if (isMarked(header)) return "wal";
  const isRollback = fileFormats.every((offset) => header[offset] === 1);
  for (const offset of fileFormats) header[offset] = 2;
  return isRollback && isMarked(header) ? "rollback" : null;
}

/** Whether SQLite wrote the file as a copy of a store: as any new file it is not in WAL mode, and else it is badged's own. */
export function hasHeaderOfCopy(file: string): boolean {
  return journalOf(file) === "rollback" && headerOf(file).readUInt32BE(applicationIdAt) === applicationId;
}

/** Of the format for writing, and of that for reading: 1 with a rollback journal, 2 in WAL mode. */
const fileFormats = [18, 19] as const;

function isMarked(header: Buffer): boolean {
  return headerMarks.every(([offset, bytes]) => header.subarray(offset, offset + bytes.length).equals(bytes));
}

/**
 * The check before the first scan, quick at any size: a power cut is an everyday event at a gate, and a whole check of
 * 10⁶ scans reads 200 MB, 10 s from a card. What it cannot see is found by the scrub that follows, or when it is read.
 *
 * @throws StoreError `corrupt`, or SQLite's own error for a malformed page
 */
export function checkAtStart(connection: Pick<Connection, "db" | "file">): void {
  const { db } = connection;
  if (statSync(connection.file).size <= wholeCheckMaxBytes) {
    const found = db.pragma("quick_check(1)", { simple: true });
    if (found !== "ok") throw new StoreError("corrupt", String(found));
    return;
  }
  for (const table of tables) {
    db.prepare(`SELECT * FROM ${table} ORDER BY id LIMIT ${edgeRows}`).safeIntegers().raw().all();
    db.prepare(`SELECT * FROM ${table} ORDER BY id DESC LIMIT ${edgeRows}`).safeIntegers().raw().all();
  }
  for (const [state, index] of openIndexes) {
    for (const order of ["ASC", "DESC"]) {
      db.prepare(
        `SELECT * FROM scans INDEXED BY ${index} WHERE state = '${state}' ORDER BY id ${order} LIMIT ${edgeRows}`,
      )
        .safeIntegers()
        .raw()
        .all();
    }
  }
}

/** `recounted`: all of it has been read, and the counts of scans, which are now right, were wrong. */
export type ScrubStep = "more" | "read" | "recounted";

/** Reads the whole database once, slice by slice, and compares the scans with the indexes that decide what is sent. */
export class Scrub {
  readonly #connection: Connection;
  #position: { readonly table: number; readonly afterId: bigint };
  #reading: TableReading | null = null;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#position = { table: 0, afterId: 0n };
  }

  /** @throws StoreError `corrupt`, or SQLite's own error for a malformed page */
  slice(): ScrubStep {
    const { table, afterId } = this.#position;
    const name = tables[table];
    if (name === undefined) return this.#checkCounts();
    if (this.#reading?.table !== name) this.#reading = new TableReading(this.#connection.db, name);
    const reading = this.#reading;
    const lastId = this.#connection.snapshot(() => reading.after(afterId));
    this.#position = lastId === null ? { table: table + 1, afterId: 0n } : { table, afterId: lastId };
    return "more";
  }

  /** Wrong ones refuse scans for a limit that is not reached, or claims for a count below nothing. */
  #checkCounts(): ScrubStep {
    const { db } = this.#connection;
    const kept = db.prepare<[], { readonly state: string; readonly scans: number }>(
      "SELECT state, scans FROM scan_counts",
    );
    if (kept.all().length !== scanStates.length + 1)
      throw new StoreError("corrupt", "the counts of scans are incomplete");
    const isRight = this.#connection.snapshot(() => {
      const found = countByIndex(db);
      return kept.all().every(({ state, scans }) => found.get(state) === scans);
    });
    if (isRight) return "read";
    this.#connection.transact(() => recountByIndex(db));
    return "recounted";
  }
}

type CountStatement = { readonly index: string; readonly count: Sqlite.Statement<[bigint, bigint], bigint> };

/** Reads one table slice by slice, within SQLite: rows that became objects would be 10 MB more of memory meanwhile. */
class TableReading {
  readonly table: (typeof tables)[number];
  readonly #slice: Sqlite.Statement<[bigint], readonly bigint[]>;
  readonly #counted: readonly CountStatement[];
  /** How many rows of a slice an index does not have. */
  readonly #missing: readonly CountStatement[];

  constructor(db: Sqlite.Database, table: (typeof tables)[number]) {
    this.table = table;
    const indexes = countedIndexes[table] ?? [];
    const columns = db.prepare<[string], string>("SELECT name FROM pragma_table_info(?)").pluck().all(table);
    const counts = indexes.map(({ where }) => `count(*) FILTER (WHERE ${where})`);
    // The greatest value of a column is known when every byte of it has been read, on overflow pages as well.
    const values = columns.map((name) => `max("${name}") IS NULL`);
    this.#slice = db
      .prepare<[bigint], readonly bigint[]>(
        `SELECT ${["max(id)", ...counts, ...values].join(", ")}
        FROM (SELECT * FROM ${table} WHERE id > ? ORDER BY id LIMIT ${scrubSliceRows})`,
      )
      .safeIntegers()
      .raw();
    const counting = (index: string, sql: string): CountStatement => ({
      index,
      count: db.prepare<[bigint, bigint], bigint>(sql).safeIntegers().pluck(),
    });
    this.#counted = indexes.map(({ index, where }) =>
      counting(index, `SELECT count(*) FROM ${table} INDEXED BY ${index} WHERE ${where} AND id > ? AND id <= ?`),
    );
    this.#missing = (soughtIndexes[table] ?? []).map(({ index, where, column }) =>
      counting(
        index,
        `SELECT count(*) FROM ${table} AS r NOT INDEXED WHERE r.id > ? AND r.id <= ? AND ${where} AND NOT EXISTS (
          SELECT 1 FROM ${table} AS i INDEXED BY ${index} WHERE ${where} AND i.${column} = r.${column} AND i.id = r.id)`,
      ),
    );
  }

  /**
   * @returns the id of the last row that was read; `null` when none follows
   * @throws StoreError `corrupt`, or SQLite's own error for a malformed page
   */
  after(afterId: bigint): bigint | null {
    const [lastId = null, ...inTable] = this.#slice.get(afterId) ?? [];
    if (lastId === null) return null;
    this.#counted.forEach(({ index, count }, position) => {
      const [found, expected] = [count.get(afterId, lastId), inTable[position]];
      if (found !== expected) {
        throw new StoreError("corrupt", `index ${index} holds ${found} of ${expected} rows after ${afterId}`);
      }
    });
    for (const { index, count } of this.#missing) {
      const missing = count.get(afterId, lastId);
      if (missing !== 0n) throw new StoreError("corrupt", `index ${index} lacks ${missing} rows after ${afterId}`);
    }
    return lastId;
  }
}
