import type Sqlite from "better-sqlite3";
import { messageOf } from "../base/errors.ts";
import type { WallMs } from "../base/time.ts";
import type { Connection } from "./connection.ts";
import { tables } from "./integrity.ts";
import { doubtRegistered } from "./lost-commits.ts";
import { lostPlace } from "./lost-reference.ts";
import { followRegistered } from "./migrations/007-remarks.ts";
import { datedDoubles } from "./migrations/011-dated-doubles.ts";
import { QueueTable } from "./queue-table.ts";
import type { SalvageSource } from "./salvage-source.ts";
import type { Readable, SourceRow } from "./salvage-walk.ts";
import { recountScans, ScanCounts } from "./scan-counts.ts";
import { isPassing, storeErrorCodeOf } from "./store-error.ts";
import { WorkSites } from "./work-sites.ts";

/**
 * What was carried over, in rows. `gaps` are places where nothing could be read, `refused` rows that made no sense;
 * `givenUp` when there were more gaps than are worth looking behind, `failed` why the rest could not be carried over.
 */
export type SalvagedTable = {
  readonly kept: number;
  readonly refused: number;
  readonly gaps: number;
  readonly givenUp?: true;
  readonly failed?: string;
};
export type Salvaged = Readonly<Record<(typeof tables)[number], SalvagedTable>>;

/** Rows per transaction. */
const batchRows = 2000;

/** Columns that the new database fills in by itself. */
const rebuilt: Readonly<Record<string, readonly string[]>> = {
  workers: ["last_scan_id"],
  scans: ["previous_id"],
};

/**
 * Carries every row that reads from a damaged database into a new one, ids and stamps as they were. What a scan has
 * lost decides its state, so that nothing is sent that is not certain, and nothing unsent disappears:
 *
 * - its worker: unsent, it is an unknown badge again, until the roster is imported anew;
 * - its place of work: unsent, it is withheld, for a person to see;
 * - the record of a call it was in: the doubt stays, the call is said to be lost;
 * - that it was registered, while its registration is followed: it is in doubt, and never sent again as if it were new.
 *
 * Where scans or calls were lost, the calls under way are over: what comes of them can no longer be told from what came of others.
 *
 * @param progressed is called after each batch of rows: a million of them take minutes on a small box
 */
export function salvage(
  source: SalvageSource,
  target: Connection,
  now: WallMs,
  progressed: () => void = () => {},
): Salvaged {
  const copied = tables.map((table) => [table, copyTable(source, target, table, { now, progressed })]);
  const salvaged = Object.fromEntries(copied) as Record<(typeof tables)[number], SalvagedTable>;
  const damaged = (table: (typeof tables)[number]): boolean => salvaged[table].gaps + salvaged[table].refused > 0;
  const hasLostScans = damaged("scans") || damaged("store") || hasBrokenCall(target);
  target.transact(() => {
    recountScans(target.db);
    // Ids of lost scans may be given again: under another name of the store they are not the same scans.
    if (hasLostScans) target.db.exec("UPDATE store SET store_id = lower(hex(randomblob(16)))");
    if (damaged("workers") || damaged("roster_entries")) target.db.exec("UPDATE store SET roster_fingerprint = NULL");
    if (damaged("follow_ups") || damaged("remarks")) target.db.exec(followRegistered);
    doubtRegistered(target.db, now);
    // The rows may be those of an earlier version, whose upgrade the damage forestalled: this one changed what is in them.
    target.db.exec(datedDoubles);
    target.db.exec("UPDATE webhook_targets SET cursor = min(cursor, (SELECT coalesce(max(id), 0) FROM scans))");
  });
  if (hasLostScans) new QueueTable(target, new ScanCounts(target), new WorkSites(target)).recoverInterrupted(now);
  return salvaged;
}

/** A call that is under way and has lost a scan, or its own record: its outcome cannot be written as it was claimed. */
function hasBrokenCall({ db }: Connection): boolean {
  const broken = db
    .prepare<[], number>(
      `SELECT EXISTS (SELECT 1 FROM attempts a INDEXED BY attempts_open WHERE a.outcome IS NULL
        AND a.scans <> (SELECT count(*) FROM scans s WHERE s.attempt_id = a.id AND s.state = 'sending'))`,
    )
    .pluck()
    .get();
  return broken === 1;
}

type Tally = { -readonly [Field in keyof SalvagedTable]: SalvagedTable[Field] };

function copyTable(
  source: SalvageSource,
  target: Connection,
  table: (typeof tables)[number],
  { now, progressed }: { readonly now: WallMs; readonly progressed: () => void },
): SalvagedTable {
  const count: Tally = { kept: 0, refused: 0, gaps: 0 };
  const write = table === "scans" ? scanWriter(target, now) : rowWriter(target, table);
  const copyBatch = (batch: readonly Readable[]): void => {
    target.transact(() => {
      for (const readable of batch) {
        if (readable.kind === "gap") count.gaps += 1;
        else if (readable.kind === "given-up") count.givenUp = true;
        else if (written(() => write.row(readable.row))) count.kept += 1;
        else count.refused += 1;
      }
    });
    progressed();
  };
  try {
    let batch: Readable[] = [];
    for (const readable of source.rows(table)) {
      batch.push(readable);
      if (batch.length < batchRows) continue;
      copyBatch(batch);
      batch = [];
    }
    copyBatch(batch);
    target.transact(() => write.end());
    return count;
  } catch (error) {
    // One table that cannot be carried over takes no other with it.
    if (isPassing(error)) throw error;
    return { ...count, gaps: count.gaps + 1, failed: messageOf(error) };
  }
}

type Writer = { readonly row: (row: SourceRow) => void; readonly end: () => void };

/** A row that breaks a rule of the schema is damaged, and refused; a full disk is not the row's fault. */
function written(write: () => void): boolean {
  try {
    write();
    return true;
  } catch (error) {
    if (storeErrorCodeOf(error) !== "defect") throw error;
    return false;
  }
}

function rowWriter({ db }: Connection, table: string): Writer {
  const columns = columnsOf(db, table);
  const insert = db.prepare(
    `INSERT OR ${table === "store" ? "REPLACE" : "ABORT"} INTO ${table} (${columns.join(", ")})
    VALUES (${columns.map(() => "?").join(", ")})`,
  );
  return { row: (row) => insert.run(columns.map((column) => row[column] ?? null)), end: () => {} };
}

function columnsOf(db: Sqlite.Database, table: string): readonly string[] {
  const columns = db.prepare<[string], string>("SELECT name FROM pragma_table_info(?)").pluck().all(table);
  return columns.filter((column) => rebuilt[table]?.includes(column) !== true);
}

function scanWriter(target: Connection, now: WallMs): Writer {
  const { db } = target;
  const columns = [...columnsOf(db, "scans"), "previous_id"];
  const insert = db.prepare(`INSERT INTO scans (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`);
  const restoreHead = db.prepare("UPDATE workers SET last_scan_id = ? WHERE id = ?");
  const lost = new LostReferences(db, now);
  const heads = new Map<unknown, unknown>();
  return {
    row: (damaged) => {
      const row = lost.settle(damaged);
      const workerId = row["state"] === "double" ? null : (row["worker_id"] ?? null);
      const values: SourceRow = { ...row, previous_id: (heads.get(workerId) ?? null) as bigint | null };
      insert.run(columns.map((column) => values[column] ?? null));
      if (workerId !== null) heads.set(workerId, row["id"]);
    },
    end: () => {
      for (const [workerId, scanId] of heads) restoreHead.run(scanId, workerId);
    },
  };
}

/** Puts a scan in the state that what it has lost allows. */
class LostReferences {
  readonly #entry: Sqlite.Statement<unknown[], number>;
  readonly #placeOf: Sqlite.Statement<unknown[], number>;
  /** Whether the call has ended. */
  readonly #attempt: Sqlite.Statement<unknown[], number>;
  readonly #addPlace: Sqlite.Statement<unknown[]>;
  readonly #addAttempt: Sqlite.Statement<unknown[]>;
  readonly #now: number;

  constructor(db: Sqlite.Database, now: WallMs) {
    this.#now = Math.ceil(now);
    this.#entry = db.prepare<unknown[], number>("SELECT 1 FROM roster_entries WHERE id = ? AND worker_id = ?").pluck();
    this.#placeOf = db.prepare<unknown[], number>("SELECT content IS NOT NULL FROM work_sites WHERE id = ?").pluck();
    this.#attempt = db.prepare<unknown[], number>("SELECT outcome IS NOT NULL FROM attempts WHERE id = ?").pluck();
    this.#addPlace = db.prepare("INSERT INTO work_sites (id) VALUES (?)");
    this.#addAttempt = db.prepare(
      `INSERT INTO attempts (id, trace_id, scans, started_at, ended_at, outcome, detail)
      VALUES (?, 'lost', 0, ?, ?, ?, 'the record of this call was lost with a damaged database')`,
    );
  }

  settle(scan: SourceRow): SourceRow {
    for (const column of ["attempt_id", "doubt_attempt_id"]) {
      const id = scan[column] ?? null;
      if (id === null || this.#attempt.get(id) !== undefined) continue;
      // A call that is under way has no end yet; it is found by that.
      const isOpen = column === "attempt_id" && scan["state"] === "sending";
      this.#addAttempt.run(id, scan["utc_ms"], isOpen ? null : scan["utc_ms"], isOpen ? null : "interrupted");
    }
    return this.#withPlace(this.#withWorker(this.#withCall(scan)));
  }

  /** Nobody would ask what became of a scan whose call is over, and nobody write it down. */
  #withCall(scan: SourceRow): SourceRow {
    if (scan["state"] !== "sending" || this.#attempt.get(scan["attempt_id"]) !== 1) return scan;
    return { ...scan, ...this.#doubtIfSending(scan), state: "waiting" };
  }

  #withWorker(scan: SourceRow): SourceRow {
    if (this.#entry.get(scan["roster_entry_id"] ?? null, scan["worker_id"] ?? null) === 1) return scan;
    const nobody = { ...scan, roster_entry_id: null, worker_id: null };
    return isUnsent(scan)
      ? { ...nobody, ...this.#doubtIfSending(scan), state: "unknown-badge", not_before: null }
      : nobody;
  }

  #withPlace(scan: SourceRow): SourceRow {
    const known = this.#placeOf.get(scan["work_site_id"]);
    if (known === undefined) this.#addPlace.run(scan["work_site_id"]);
    if (known === 1 || !isUnsent(scan)) return scan;
    const settledAt = scan["utc_ms"] ?? null;
    return { ...scan, ...this.#doubtIfSending(scan), state: "withheld", reason: lostPlace, settled_at: settledAt };
  }

  /** Searched for before it is sent again, once it can be. */
  #doubtIfSending(scan: SourceRow): SourceRow {
    if (scan["state"] !== "sending") return {};
    const call = scan["doubt_attempt_id"] ?? scan["attempt_id"] ?? null;
    return { doubt_attempt_id: call, doubt_since: this.#now, doubt_verdict: null };
  }
}

function isUnsent(scan: SourceRow): boolean {
  return scan["state"] === "waiting" || scan["state"] === "sending" || scan["state"] === "unknown-badge";
}
