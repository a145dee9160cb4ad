import type Sqlite from "better-sqlite3";
import type { ScanState } from "../scan/scan.ts";
import type { Connection } from "./connection.ts";
import { setAsideKeptMinMs } from "./set-aside.ts";

/** A scan that nobody released may be for as long as registrations can be corrected, however short the others are kept. */
export const releasableMinMs: number = setAsideKeptMinMs;

/** Stands behind the reason of a scan whose worker is erased. */
export const erasedWorker = "its worker left the roster and nobody released it in time: his national number is erased";

/** A scan that refers to a superseded entry of the roster. */
export type Reference = {
  readonly id: number;
  readonly entryId: number | null;
  readonly workerId: number | null;
  readonly state: ScanState;
  readonly settledAt: number | null;
};

/**
 * Refused and kept-back scans are never deleted: they tell what was badged, and why it was not registered. But one that
 * nobody released for so long must not keep the national number of somebody who left. It loses its worker, says so, and
 * stays; whose badge comes back into the roster can still be given it, by a person who answers for that.
 */
export class LeftWorkers {
  readonly #inForce: Sqlite.Statement<[number], number>;
  readonly #part: Sqlite.Statement<[string, number, number]>;

  constructor({ db }: Connection) {
    this.#inForce = db
      .prepare<[number], number>(
        `SELECT 1 FROM roster_entries INDEXED BY roster_of_worker
        WHERE worker_id = ? AND superseded_at IS NULL LIMIT 1`,
      )
      .pluck();
    this.#part = db.prepare(
      `UPDATE scans SET roster_entry_id = NULL, worker_id = NULL, reason = concat_ws('; ', reason, ?)
      WHERE id = ? AND state IN ('refused', 'withheld') AND settled_at < ?
        AND NOT EXISTS (SELECT 1 FROM roster_entries e INDEXED BY roster_of_worker
          WHERE e.worker_id = scans.worker_id AND e.superseded_at IS NULL)`,
    );
  }

  /** @param passed the newest scan that no webhook needs any more */
  isParted({ id, workerId, state, settledAt }: Reference, before: number, passed: number): boolean {
    const isOver = (state === "refused" || state === "withheld") && settledAt !== null && settledAt < before;
    return isOver && id <= passed && workerId !== null && this.#inForce.get(workerId) === undefined;
  }

  /** Inside a transaction of the caller. `false` when somebody released it meanwhile, or imported its worker again. */
  part(scanId: number, before: number): boolean {
    return this.#part.run(erasedWorker, scanId, before).changes === 1;
  }
}
