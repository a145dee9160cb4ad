import { closeSync, openSync, readSync, statSync } from "node:fs";
import { scanStates } from "../scan/scan.ts";
import type { Connection } from "./connection.ts";
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

const headerBytes = 100;

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
  const header = Buffer.alloc(headerBytes);
  const descriptor = openSync(file, "r");
  try {
    readSync(descriptor, header, 0, headerBytes, 0);
  } finally {
    closeSync(descriptor);
  }
  for (const [offset, bytes] of headerMarks) {
    if (!header.subarray(offset, offset + bytes.length).equals(bytes)) {
      throw new StoreError("corrupt", statSync(file).size === 0 ? "the file is empty" : "its header is damaged");
    }
  }
}

/**
 * The check before the first scan, quick at any size: a power cut is an everyday event at a gate, and a whole check of
 * 10⁶ scans reads 200 MB, 10 s from a card. What it cannot see is found by the scrub that follows, or when it is read.
 *
 * @throws StoreError `corrupt`, or SQLite's own error for a malformed page
 */
export function checkAtStart(connection: Connection): void {
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

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#position = { table: 0, afterId: 0n };
  }

  /** @throws StoreError `corrupt`, or SQLite's own error for a malformed page */
  slice(): ScrubStep {
    const { table, afterId } = this.#position;
    const name = tables[table];
    if (name === undefined) return this.#checkCounts();
    const lastId = this.#connection.snapshot(() => this.#read(name, afterId));
    this.#position = lastId === null ? { table: table + 1, afterId: 0n } : { table, afterId: lastId };
    return "more";
  }

  #read(table: (typeof tables)[number], afterId: bigint): bigint | null {
    const rows = this.#connection.db
      .prepare<[bigint], { readonly id: bigint; readonly state?: string }>(
        `SELECT * FROM ${table} WHERE id > ? ORDER BY id LIMIT ${scrubSliceRows}`,
      )
      .safeIntegers()
      .all(afterId);
    const lastId = rows.at(-1)?.id ?? null;
    if (table === "scans" && lastId !== null) {
      for (const [state, index] of openIndexes) {
        const inTable = rows.filter((row) => row.state === state).length;
        this.#compare(index, state, inTable, afterId, lastId);
      }
    }
    return lastId;
  }

  #compare(index: string, state: string, inTable: number, afterId: bigint, lastId: bigint): void {
    const inIndex = this.#connection.db
      .prepare<[bigint, bigint], number>(
        `SELECT count(*) FROM scans INDEXED BY ${index} WHERE state = '${state}' AND id > ? AND id <= ?`,
      )
      .pluck()
      .get(afterId, lastId);
    if (inIndex !== inTable) {
      throw new StoreError("corrupt", `index ${index} holds ${inIndex} of ${inTable} scans after ${afterId}`);
    }
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
