import type Sqlite from "better-sqlite3";
import type { Connection } from "./connection.ts";
import { type LastScanRow, lastScanColumns } from "./worker-chain.ts";

/** The roster's entry in force for a badge, with its worker's last scan. */
export type KnownBadge = LastScanRow & {
  readonly entryId: number;
  readonly workerId: number;
  /** Local dates `YYYY-MM-DD`, both inclusive; `null` is open. */
  readonly validFrom: string | null;
  readonly validUntil: string | null;
};

/** Finds who holds a badge now; the reading side of the roster that the tables of scans share. */
export class RosterLookup {
  readonly #find: Sqlite.Statement<[string], KnownBadge>;
  readonly #findAll: Sqlite.Statement<[string], KnownBadge & { readonly badge: string }>;
  readonly #generation: Sqlite.Statement<[], number>;

  constructor({ db }: Connection) {
    const columns = `e.id AS entryId, e.worker_id AS workerId, e.valid_from AS validFrom, e.valid_until AS validUntil,
      ${lastScanColumns}`;
    const entry = "roster_entries e INDEXED BY roster_in_force";
    const last = "JOIN workers w ON w.id = e.worker_id LEFT JOIN scans l ON l.id = w.last_scan_id";
    const inForce = "e.superseded_at IS NULL";
    this.#find = db.prepare(`SELECT ${columns} FROM ${entry} ${last} WHERE e.badge = +? AND ${inForce}`);
    this.#findAll = db.prepare(
      `SELECT e.badge AS badge, ${columns} FROM json_each(?) b CROSS JOIN ${entry} ON e.badge = b.value ${last} WHERE ${inForce}`,
    );
    this.#generation = db.prepare<[], number>("SELECT roster_generation FROM store").pluck();
  }

  find(badgeNumber: string): KnownBadge | undefined {
    return this.#find.get(badgeNumber);
  }

  /** Those of the badges that somebody holds now, in one call: half the time of as many single ones. */
  findAll(badgeNumbers: readonly string[]): Map<string, KnownBadge> {
    const [only] = badgeNumbers;
    if (only === undefined || badgeNumbers.length > 1) {
      return new Map(this.#findAll.all(JSON.stringify(badgeNumbers)).map((known) => [known.badge, known]));
    }
    const known = this.find(only);
    return known === undefined ? new Map() : new Map([[only, known]]);
  }

  /** Grows with each change of the roster, by whatever process. */
  generation(): number {
    return this.#generation.get() ?? 0;
  }
}
