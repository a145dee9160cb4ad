import { randomUUID } from "node:crypto";
import type Sqlite from "better-sqlite3";
import type { WallMs } from "../base/time.ts";
import type { Connection } from "./connection.ts";

/**
 * After commits were lost with a damaged write-ahead log, in one transaction.
 *
 * - The store gets another id: those of the scans that were lost will be given again, and whoever has been told of them
 *   must be able to tell the two apart.
 * - Every scan that is not settled is in open doubt: a call that is lost may have registered it.
 *
 * @returns how many scans are in doubt by it
 */
export function doubtAfterLostCommits(connection: Connection, now: WallMs): number {
  return connection.transact(() => doubtAll(connection.db, Math.ceil(now)));
}

function doubtAll(db: Sqlite.Database, now: number): number {
  db.prepare("UPDATE store SET store_id = ?").run(randomUUID());
  const unsettled = "state IN ('waiting', 'unknown-badge', 'withheld', 'refused')";
  const scans = db.prepare<[], number>(`SELECT count(*) FROM scans WHERE ${unsettled}`).pluck().get() ?? 0;
  if (scans === 0) return 0;
  const { lastInsertRowid } = db
    .prepare(
      `INSERT INTO attempts (trace_id, scans, started_at, ended_at, outcome, detail)
      VALUES ('lost', ?, ?, ?, 'interrupted', 'what was sent last was lost with a damaged log')`,
    )
    .run(scans, now, now);
  db.prepare(
    `UPDATE scans SET doubt_attempt_id = coalesce(doubt_attempt_id, ?), doubt_since = ?, doubt_verdict = NULL
    WHERE ${unsettled}`,
  ).run(lastInsertRowid, now);
  return scans;
}
