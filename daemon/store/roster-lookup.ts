import type Sqlite from "better-sqlite3";
import type { Connection } from "./connection.ts";
import { type LastScanRow, lastScanColumns } from "./worker-chain.ts";

/** The roster's entry in force for a badge, with its worker's last scan. */
export type KnownBadge = LastScanRow & { readonly entryId: number; readonly workerId: number };

/** Finds who holds a badge now; the reading side of the roster that the tables of scans share. */
export class RosterLookup {
  readonly #find: Sqlite.Statement<[string], KnownBadge>;
  readonly #generation: Sqlite.Statement<[], number>;

  constructor({ db }: Connection) {
    this.#find = db.prepare(
      `SELECT e.id AS entryId, e.worker_id AS workerId, ${lastScanColumns}
      FROM roster_entries e INDEXED BY roster_in_force
      JOIN workers w ON w.id = e.worker_id
      LEFT JOIN scans l ON l.id = w.last_scan_id
      WHERE e.badge = +? AND e.superseded_at IS NULL`,
    );
    this.#generation = db.prepare<[], number>("SELECT roster_generation FROM store").pluck();
  }

  find(badgeNumber: string): KnownBadge | undefined {
    return this.#find.get(badgeNumber);
  }

  /** Grows with each change of the roster, by whatever process. */
  generation(): number {
    return this.#generation.get() ?? 0;
  }
}
