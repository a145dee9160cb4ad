import type Sqlite from "better-sqlite3";
import { wallMs } from "../base/time.ts";
import type { Direction, DirectionRule, LastScan, ScanState } from "../scan/scan.ts";
import type { Connection } from "./connection.ts";

/** Far more scans than one worker makes while a badge of his waits to be learnt. */
export const chainMaxSteps = 10_000;

/** The columns from which `lastScanOf` reads, of a table named `l`; monotonic time is text, for it passes 2⁵³ in 104 days. */
export const lastScanColumns = `l.id AS lastId, l.direction AS lastDirection, l.direction_rule AS lastRule,
  l.boot_id AS lastBootId, CAST(l.monotonic_ns AS TEXT) AS lastMonotonicNs, coalesce(l.dated_utc_ms, l.utc_ms) AS lastUtcMs,
  coalesce(l.dated_error_ms, l.error_bound_ms) AS lastErrorBoundMs, l.dated_how IS 'bracket' AS lastIsBracket`;

export type LastScanRow = {
  readonly lastId: number | null;
  readonly lastDirection: Direction | null;
  readonly lastRule: DirectionColumn | null;
  readonly lastBootId: string | null;
  readonly lastMonotonicNs: string | null;
  readonly lastUtcMs: number | null;
  readonly lastErrorBoundMs: number | null;
  readonly lastIsBracket: number;
};

/** A direction rule as the database holds it. */
export type DirectionColumn = Direction | "toggle";

export function ruleOf(column: DirectionColumn): DirectionRule {
  return column === "toggle" ? { kind: "toggle" } : { kind: "fixed", direction: column };
}

/**
 * A scan of an unknown badge has no direction yet, but at a reader for one direction it can have no other: so IN and OUT
 * of a stranger moments apart stay two acts.
 */
export function lastScanOf(row: LastScanRow | undefined): LastScan | null {
  if (row === undefined || row.lastId === null || row.lastBootId === null) return null;
  return {
    id: row.lastId,
    direction: row.lastDirection ?? (row.lastRule === "toggle" ? null : row.lastRule),
    bootId: row.lastBootId,
    monotonicNs: BigInt(row.lastMonotonicNs ?? 0),
    utcMs: wallMs(row.lastUtcMs ?? 0),
    errorBoundMs: row.lastErrorBoundMs,
    isBracket: row.lastIsBracket === 1,
  };
}

/**
 * The scans of each worker that are no doubles, newest first: `workers.last_scan_id`, then `scans.previous_id` from one
 * to the one before. An index over worker and id would do the same, but writes a page of its own for each worker of a
 * commit once it is large; the chain costs the same with any number of scans stored.
 *
 * A scan that was erased ends the chain there, at the head as well: what is inserted beyond it begins the chain anew. All
 * methods belong inside a transaction of the caller.
 */
export class WorkerChain {
  readonly #head: Sqlite.Statement<[number], number | null>;
  /** `undefined` when the scan was erased. */
  readonly #previous: Sqlite.Statement<[number], number | null>;
  readonly #scan: Sqlite.Statement<[number], LastScanRow>;
  readonly #rule: Sqlite.Statement<[number], DirectionColumn>;
  readonly #state: Sqlite.Statement<[number], ScanState>;
  readonly #setHead: Sqlite.Statement<[number | null, number]>;
  readonly #setPrevious: Sqlite.Statement<[number | null, number]>;

  constructor({ db }: Connection) {
    this.#head = db.prepare<[number], number | null>("SELECT last_scan_id FROM workers WHERE id = ?").pluck();
    this.#previous = db.prepare<[number], number | null>("SELECT previous_id FROM scans WHERE id = ?").pluck();
    this.#rule = db.prepare<[number], DirectionColumn>("SELECT direction_rule FROM scans WHERE id = ?").pluck();
    this.#state = db.prepare<[number], ScanState>("SELECT state FROM scans WHERE id = ?").pluck();
    this.#scan = db.prepare(`SELECT ${lastScanColumns} FROM scans l WHERE l.id = ?`);
    this.#setHead = db.prepare("UPDATE workers SET last_scan_id = ? WHERE id = ?");
    this.#setPrevious = db.prepare("UPDATE scans SET previous_id = ? WHERE id = ?");
  }

  /** Puts a scan that is newer than all others at the head; the scan's own row already names the one before. */
  push(workerId: number, scanId: number): void {
    this.#setHead.run(scanId, workerId);
  }

  /** The worker's scan before `scanId` in the order in which they were stored. */
  before(workerId: number, scanId: number): LastScan | null {
    const { older } = this.#around(workerId, scanId);
    return older === null ? null : lastScanOf(this.#scan.get(older));
  }

  /** The worker's scan after `scanId` in the order in which they were stored. */
  after(workerId: number, scanId: number): LastScan | null {
    const { newer } = this.#around(workerId, scanId);
    return newer === null ? null : lastScanOf(this.#scan.get(newer));
  }

  /** Whether the service refused it: it waits for a person. */
  isRefused(scanId: number): boolean {
    return this.#state.get(scanId) === "refused";
  }

  /** Whether the next scan has its direction from this one. */
  isTurnedOn(workerId: number, scanId: number): boolean {
    const { newer } = this.#around(workerId, scanId);
    return newer !== null && this.#rule.get(newer) === "toggle";
  }

  /** Puts a scan among the worker's in the order of ids. */
  insert(workerId: number, scanId: number): void {
    const { newer, older } = this.#around(workerId, scanId);
    this.#setPrevious.run(older, scanId);
    this.#link(workerId, newer, scanId);
  }

  remove(workerId: number, scanId: number): void {
    const { newer } = this.#around(workerId, scanId);
    const next = newer === null ? this.#head.get(workerId) : this.#previous.get(newer);
    if (next === scanId) this.#link(workerId, newer, this.#previous.get(scanId) ?? null);
  }

  #link(workerId: number, newer: number | null, scanId: number | null): void {
    if (newer === null) this.#setHead.run(scanId, workerId);
    else this.#setPrevious.run(scanId, newer);
  }

  #around(workerId: number, scanId: number): { readonly newer: number | null; readonly older: number | null } {
    let newer: number | null = null;
    let older = this.#head.get(workerId) ?? null;
    for (let steps = 0; older !== null && older >= scanId && steps < chainMaxSteps; steps += 1) {
      const previous = this.#previous.get(older);
      if (older > scanId && previous !== undefined) newer = older;
      older = previous ?? null;
    }
    return { newer, older: older !== null && older < scanId ? older : null };
  }
}
