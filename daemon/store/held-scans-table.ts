import type Sqlite from "better-sqlite3";
import { present } from "../base/assert.ts";
import type { HeldScans } from "../forward/held-scans.ts";
import type { Connection } from "./connection.ts";

/** Waiting scans that are looked at, some 100 ms: of a longer queue those behind are at least so many. */
const walkRows = 100_000;

/** How many scans wait behind those on which calls fail. */
export class HeldScansTable {
  readonly #held: Sqlite.Statement<[string, number], HeldScans>;

  constructor({ db }: Connection) {
    this.#held = db.prepare(
      `WITH failing AS MATERIALIZED (SELECT s.id, s.worker_id FROM json_each(?) f CROSS JOIN scans s ON s.id = f.value
          WHERE s.state IN ('waiting', 'sending')),
        firsts AS MATERIALIZED (SELECT worker_id, min(id) AS id FROM failing GROUP BY worker_id)
      SELECT (SELECT count(*) FROM failing) AS failing,
        (SELECT count(*) FROM (SELECT id, worker_id FROM scans INDEXED BY scans_waiting
            WHERE state = 'waiting' AND id > (SELECT min(id) FROM failing) ORDER BY id LIMIT ?) w
          JOIN firsts f ON f.worker_id = w.worker_id
          WHERE w.id > f.id AND w.id NOT IN (SELECT id FROM failing)) AS behind`,
    );
  }

  held(failing: readonly number[]): HeldScans {
    return present(this.#held.get(JSON.stringify(failing), walkRows), "a count has a value");
  }
}
