import { randomUUID } from "node:crypto";
import type Sqlite from "better-sqlite3";
import type { WallMs } from "../base/time.ts";
import type { Connection } from "./connection.ts";

/**
 * After commits were lost, with a damaged write-ahead log or where a copy is older than they, in one transaction.
 *
 * - The store gets another id: those of the scans that were lost will be given again, and whoever has been told of them
 *   must be able to tell the two apart.
 * - Every scan that is not settled is in open doubt: a call that is lost may have registered it.
 *
 * @param detail why they are in doubt, for people
 * @returns how many scans are in doubt by it
 */
export function doubtAfterLostCommits(connection: Connection, now: WallMs, detail: string = damaged): number {
  const { db } = connection;
  return connection.transact(() => {
    db.prepare("UPDATE store SET store_id = ?").run(randomUUID());
    return doubt(db, unsettled, Math.ceil(now), detail);
  });
}

const damaged = "what was sent last was lost with a damaged file";

const unsettled = "state IN ('waiting', 'unknown-badge', 'withheld', 'refused')";

/**
 * Puts scans in open doubt that are not settled and yet have a registration that is followed, or remarks: the disk kept an
 * older state of their page. Inside the caller's transaction.
 */
export function doubtRegistered(db: Sqlite.Database, now: WallMs): number {
  const known = "id IN (SELECT id FROM follow_ups UNION ALL SELECT scan_id FROM remarks)";
  return doubt(db, `${unsettled} AND ${known}`, Math.ceil(now), damaged);
}

function doubt(db: Sqlite.Database, which: string, now: number, detail: string): number {
  const scans = db.prepare<[], number>(`SELECT count(*) FROM scans WHERE ${which}`).pluck().get() ?? 0;
  if (scans === 0) return 0;
  const { lastInsertRowid } = db
    .prepare(
      `INSERT INTO attempts (trace_id, scans, started_at, ended_at, outcome, detail)
      VALUES ('lost', ?, ?, ?, 'interrupted', ?)`,
    )
    .run(scans, now, now, detail);
  db.prepare(
    `UPDATE scans SET doubt_attempt_id = coalesce(doubt_attempt_id, ?), doubt_since = ?, doubt_verdict = NULL
    WHERE ${which}`,
  ).run(lastInsertRowid, now);
  return scans;
}
