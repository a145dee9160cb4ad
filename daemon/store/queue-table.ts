import type Sqlite from "better-sqlite3";
import { assert } from "../base/assert.ts";
import { type WallMs, wallMs } from "../base/time.ts";
import type { AttemptReport, Backlog, Claim, ClaimRequest, DueScan, Settlement } from "../forward/queue.ts";
import type { Employer } from "../scan/roster.ts";
import type { Direction, WorkSite } from "../scan/scan.ts";
import { CallEndings } from "./call-endings.ts";
import { ClaimChoice } from "./claim-choice.ts";
import type { Connection } from "./connection.ts";
import { LostReference, lostPlace, lostWorker } from "./lost-reference.ts";
import type { ScanCounts } from "./scan-counts.ts";
import { errorBoundColumn, utcColumn } from "./stamp-columns.ts";
import type { WorkSites } from "./work-sites.ts";

/** The most scans one call may carry. */
export const claimMaxScans = 200;

/** `again` when nothing is due but scans were put aside and more may be behind them. */
export type ClaimStep = { readonly claim: Claim | null; readonly withheld: number; readonly again: boolean };

type DueRow = {
  readonly scanId: number;
  readonly workerId: number;
  readonly ssin: string;
  readonly employerKind: Employer["kind"];
  readonly employerNumber: string;
  readonly direction: Direction;
  readonly utcMs: number;
  readonly workSiteId: number;
  readonly declarationOfWorks: string | null;
  readonly limosa: string | null;
  readonly errorBoundMs: number | null;
};

/**
 * The scans on their way to the service.
 *
 *     waiting ──claim──▶ sending ──settle──▶ registered │ refused │ waiting (again, or doubtful)
 *        └────claim────▶ withheld               └──recover──▶ waiting and doubtful
 *
 * - A scan is `sending` on disk before its call leaves, so a call that a dead process left behind is known.
 * - A worker has at most one scan in a claim, and none while an older one of his is on its way or put off: what becomes
 *   of a call can never change the order of his scans.
 * - `doubt_attempt_id` is the first call whose outcome nobody knows; it stays. `doubt_since` is the end of the last such call
 *   until a search has looked into it, and `doubt_verdict` what that search came to.
 */
export class QueueTable {
  readonly #connection: Connection;
  readonly #counts: ScanCounts;
  readonly #sites: WorkSites;
  readonly #choice: ClaimChoice;
  readonly #endings: CallEndings;
  readonly #withhold: Sqlite.Statement<[string, number, number]>;
  readonly #startAttempt: Sqlite.Statement<[string, number, number]>;
  readonly #send: Sqlite.Statement<[number, string]>;
  readonly #due: Sqlite.Statement<[number], DueRow>;
  readonly #oldestDoubt: Sqlite.Statement<[], number | null>;
  readonly #oldest: Sqlite.Statement<[], number>;

  constructor(connection: Connection, counts: ScanCounts, sites: WorkSites) {
    this.#connection = connection;
    this.#counts = counts;
    this.#sites = sites;
    this.#choice = new ClaimChoice(connection);
    this.#endings = new CallEndings(connection, counts);
    const { db } = connection;
    this.#withhold = db.prepare(
      "UPDATE scans SET state = 'withheld', reason = ?, settled_at = ?, not_before = NULL WHERE id = ?",
    );
    this.#startAttempt = db.prepare("INSERT INTO attempts (trace_id, started_at, scans) VALUES (?, ?, ?)");
    this.#send = db.prepare(
      `UPDATE scans SET state = 'sending', attempts = attempts + 1, attempt_id = ?, not_before = NULL
      WHERE id IN (SELECT value FROM json_each(?))`,
    );
    this.#due = db.prepare(
      `SELECT s.id AS scanId, s.worker_id AS workerId, w.ssin, e.employer_kind AS employerKind,
        e.employer_number AS employerNumber, s.direction, ${utcColumn("s")} AS utcMs, s.work_site_id AS workSiteId,
        e.declaration_of_works AS declarationOfWorks, e.limosa,
        CASE WHEN s.released_at IS NULL THEN ${errorBoundColumn("s")} END AS errorBoundMs
      FROM scans s INDEXED BY scans_attempt JOIN roster_entries e ON e.id = s.roster_entry_id
        JOIN workers w ON w.id = s.worker_id
      WHERE s.attempt_id = +? AND s.state = 'sending'`,
    );
    this.#oldestDoubt = db
      .prepare<[], number | null>(
        "SELECT min(doubt_since) FROM scans INDEXED BY scans_doubt_open WHERE doubt_since IS NOT NULL AND state = 'waiting'",
      )
      .pluck();
    this.#oldest = db
      .prepare<[], number>(
        `SELECT ${utcColumn("scans")} FROM scans INDEXED BY scans_waiting
        WHERE state = 'waiting' AND (error_bound_ms IS NOT NULL OR dated_how IS NOT NULL) ORDER BY id LIMIT 1`,
      )
      .pluck();
  }

  claim(request: ClaimRequest): ClaimStep {
    return this.#claimAfter(() => {}, request);
  }

  settle(attemptId: number, report: AttemptReport, settlements: readonly Settlement[]): void {
    this.#connection.transact(() => this.#endings.settle(attemptId, report, settlements));
  }

  /** One commit for both. */
  settleAndClaim(
    attemptId: number,
    report: AttemptReport,
    settlements: readonly Settlement[],
    request: ClaimRequest,
  ): ClaimStep {
    return this.#claimAfter(() => this.#endings.settle(attemptId, report, settlements), request);
  }

  /** In one transaction. Scans of which nothing complete can be sent hold up nobody else's. */
  #claimAfter(first: () => void, request: ClaimRequest): ClaimStep {
    try {
      return this.#connection.transact(() => {
        first();
        return this.#claim(request);
      });
    } catch (error) {
      if (!(error instanceof LostReference)) throw error;
      return this.#connection.transact(() => {
        first();
        for (const { id, reason } of error.scans) this.#withhold.run(reason, Math.floor(request.now), id);
        return { claim: null, withheld: error.scans.length, again: true };
      });
    }
  }

  #claim(request: ClaimRequest): ClaimStep {
    assert(request.limit >= 1 && request.limit <= claimMaxScans, `a claim asks for 1 to ${claimMaxScans} scans`);
    const { due, late } = this.#choice.choose(request);
    for (const { id, reason } of late) this.#withhold.run(reason, Math.floor(request.now), id);
    if (due.length === 0) return { claim: null, withheld: late.length, again: late.length > 0 };
    const started = this.#startAttempt.run(request.traceId, Math.floor(request.now), due.length);
    const attemptId = Number(started.lastInsertRowid);
    const { changes } = this.#send.run(attemptId, JSON.stringify(due));
    assert(changes === due.length, "every scan that is due is marked");
    this.#counts.move("waiting", "sending", due.length);
    const scans = this.#dueScans(attemptId, due);
    return { claim: { attemptId, scans }, withheld: late.length, again: false };
  }

  /** Scans in a call that a dead process left behind: nobody knows what the service did with them. */
  recoverInterrupted(now: WallMs): number {
    return this.#connection.transact(() => this.#endings.recoverInterrupted(now));
  }

  backlog(): Backlog {
    const waiting = this.#counts.of("waiting") + this.#counts.of("sending");
    const oldest = this.#oldest.get();
    const oldestDoubt = this.#oldestDoubt.get() ?? null;
    return {
      waiting,
      oldestUtcMs: oldest === undefined ? null : wallMs(oldest),
      oldestDoubt: oldestDoubt === null ? null : wallMs(oldestDoubt),
    };
  }

  /**
   * In the order of `ids`.
   *
   * @throws LostReference
   */
  #dueScans(attemptId: number, ids: readonly number[]): readonly DueScan[] {
    const rows = new Map(this.#due.all(attemptId).map((row) => [row.scanId, row]));
    const lost: { readonly id: number; readonly reason: string }[] = [];
    const scans: DueScan[] = [];
    for (const id of ids) {
      const row = rows.get(id);
      const site = row === undefined ? null : this.#sites.read(row.workSiteId);
      if (row === undefined) lost.push({ id, reason: lostWorker });
      else if (site === null) lost.push({ id, reason: lostPlace });
      else scans.push(dueScan(row, site));
    }
    if (lost.length > 0) throw new LostReference(lost);
    return scans;
  }
}

function dueScan(row: DueRow, site: WorkSite): DueScan {
  return {
    scanId: row.scanId,
    workerId: row.workerId,
    ssin: row.ssin,
    employer: { kind: row.employerKind, number: row.employerNumber },
    direction: row.direction,
    utcMs: wallMs(row.utcMs),
    place: site.place,
    declarationOfWorks: row.declarationOfWorks ?? site.declarationOfWorks,
    ...(row.limosa === null ? {} : { limosa: row.limosa }),
    ...(row.errorBoundMs === null ? {} : { errorBoundMs: row.errorBoundMs }),
  };
}
