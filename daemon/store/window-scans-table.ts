import type Sqlite from "better-sqlite3";
import type { WindowScans } from "../evidence/evidence-store.ts";
import type { Connection } from "./connection.ts";
import { utcColumn } from "./stamp-columns.ts";

/** Of these newest scans a window's are counted, for it ended in the last day: the whole table would hold up a badge. */
const scansCountedMax = 20_000;

/** What an outage did to the scans of its window, for the record that the evidence log keeps of it. */
export class WindowScansTable {
  readonly #window: Sqlite.Statement<[string], { readonly fromMs: number; readonly endedMs: number | null }>;
  readonly #scans: Sqlite.Statement<[number, number, number], WindowScans>;

  constructor({ db }: Connection) {
    // The scan whose call found the outage was stamped before the first look that failed.
    this.#window = db.prepare(
      `SELECT CAST(coalesce(json_extract(content, '$.lastGood.utcMs'), began_ms) AS INTEGER) AS fromMs,
        ended_ms AS endedMs
      FROM outage_windows WHERE key = ?`,
    );
    this.#scans = db.prepare(
      `SELECT count(*) FILTER (WHERE state = 'registered' AND settled_at >= ?) AS delayed,
        count(*) FILTER (WHERE state = 'withheld') AS withheld,
        count(*) FILTER (WHERE state = 'registered') AS registered
      FROM scans WHERE id > (SELECT coalesce(max(id), 0) FROM scans) - ${scansCountedMax}
        AND ${utcColumn("scans")} BETWEEN ? AND ?`,
    );
  }

  /** `null` when no window has this key. */
  of(key: string): WindowScans | null {
    const window = this.#window.get(key);
    if (window === undefined) return null;
    const until = window.endedMs ?? Number.MAX_SAFE_INTEGER;
    return this.#scans.get(until, window.fromMs, until) ?? null;
  }
}
