import type Sqlite from "better-sqlite3";
import { assert, unreachable } from "../base/assert.ts";
import { type WallMs, wallMs } from "../base/time.ts";
import type { AttemptReport, Backlog, Claim, ClaimRequest, DueScan, Settlement } from "../forward/queue.ts";
import type { Employer } from "../scan/roster.ts";
import type { Direction, WorkSite } from "../scan/scan.ts";
import { ClaimChoice } from "./claim-choice.ts";
import type { Connection } from "./connection.ts";
import { LostReference, lostPlace, lostWorker } from "./lost-reference.ts";
import { recountScans, type ScanCounts } from "./scan-counts.ts";
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
  readonly #withhold: Sqlite.Statement<[string, number, number]>;
  readonly #startAttempt: Sqlite.Statement<[string, number, number]>;
  readonly #send: Sqlite.Statement<[number, string]>;
  readonly #due: Sqlite.Statement<[number], DueRow>;
  readonly #sending: Sqlite.Statement<[number], number>;
  readonly #knowAttempt: Sqlite.Statement<[number, number, number]>;
  readonly #hasEnded: Sqlite.Statement<[number], number>;
  readonly #allSending: Sqlite.Statement<[], { readonly id: number; readonly attemptId: number }>;
  readonly #endAttempt: Sqlite.Statement<unknown[]>;
  readonly #registered: Sqlite.Statement<[number, string]>;
  readonly #refused: Sqlite.Statement<[string, number, number]>;
  readonly #again: Sqlite.Statement<[number | null, number]>;
  readonly #doubtful: Sqlite.Statement<[number, number, number | null, number]>;
  readonly #found: Sqlite.Statement<[number]>;
  readonly #notFound: Sqlite.Statement<[number]>;
  readonly #unsearchable: Sqlite.Statement<[number]>;
  readonly #oldestDoubt: Sqlite.Statement<[], number | null>;
  readonly #openAttempts: Sqlite.Statement<[], number>;
  readonly #oldest: Sqlite.Statement<[], number>;

  constructor(connection: Connection, counts: ScanCounts, sites: WorkSites) {
    this.#connection = connection;
    this.#counts = counts;
    this.#sites = sites;
    this.#choice = new ClaimChoice(connection);
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
    this.#sending = db
      .prepare<[number], number>(
        "SELECT id FROM scans INDEXED BY scans_attempt WHERE attempt_id = ? AND state = 'sending'",
      )
      .pluck();
    this.#knowAttempt = db.prepare(
      `INSERT OR IGNORE INTO attempts (id, trace_id, scans, started_at, ended_at, outcome, detail)
      VALUES (?, 'lost', 0, ?, ?, 'interrupted', 'the record of this call was lost with a damaged database')`,
    );
    this.#hasEnded = db.prepare<[number], number>("SELECT outcome IS NOT NULL FROM attempts WHERE id = ?").pluck();
    this.#allSending = db.prepare(
      "SELECT id, attempt_id AS attemptId FROM scans INDEXED BY scans_sending WHERE state = 'sending'",
    );
    this.#endAttempt = db.prepare(
      `UPDATE attempts SET ended_at = ?, outcome = ?, http_status = ?, related_trace_id = ?, detail = ?
      WHERE id = ? AND outcome IS NULL`,
    );
    // One statement for all of them: SQLite keeps what each statement changes for its undoing, page by page.
    this.#registered = db.prepare(
      `UPDATE scans SET state = 'registered', registration_id = r.value ->> 1, validity = r.value ->> 2,
        remarks = r.value ->> 3, settled_at = ?
      FROM json_each(?) r WHERE scans.id = r.value ->> 0`,
    );
    this.#refused = db.prepare("UPDATE scans SET state = 'refused', reason = ?, settled_at = ? WHERE id = ?");
    this.#again = db.prepare("UPDATE scans SET state = 'waiting', not_before = ? WHERE id = ?");
    this.#doubtful = db.prepare(
      `UPDATE scans SET state = 'waiting', doubt_attempt_id = coalesce(doubt_attempt_id, ?), doubt_since = ?,
        doubt_verdict = NULL, not_before = ?
      WHERE id = ?`,
    );
    this.#found = db.prepare("UPDATE scans SET doubt_since = NULL, doubt_verdict = 'found' WHERE id = ?");
    this.#notFound = db.prepare(
      "UPDATE scans SET state = 'waiting', doubt_since = NULL, doubt_verdict = 'not-found', not_before = NULL WHERE id = ?",
    );
    this.#unsearchable = db.prepare(
      "UPDATE scans SET state = 'waiting', doubt_since = NULL, not_before = NULL WHERE id = ?",
    );
    this.#oldestDoubt = db
      .prepare<[], number | null>(
        "SELECT min(doubt_since) FROM scans INDEXED BY scans_doubt_open WHERE doubt_since IS NOT NULL AND state = 'waiting'",
      )
      .pluck();
    this.#openAttempts = db
      .prepare<[], number>("SELECT id FROM attempts INDEXED BY attempts_open WHERE outcome IS NULL")
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
    this.#connection.transact(() => this.#settle(attemptId, report, settlements));
  }

  /** One commit for both. */
  settleAndClaim(
    attemptId: number,
    report: AttemptReport,
    settlements: readonly Settlement[],
    request: ClaimRequest,
  ): ClaimStep {
    return this.#claimAfter(() => this.#settle(attemptId, report, settlements), request);
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

  #settle(attemptId: number, report: AttemptReport, settlements: readonly Settlement[]): void {
    const open = new Set(this.#sending.all(attemptId));
    // The answer to the first time may have been lost with the store's thread: what was written then stands.
    if (open.size === 0 && this.#hasEnded.get(attemptId) === 1) return;
    for (const settlement of settlements) {
      assert(open.delete(settlement.scanId), "a settled scan is in its claim, once");
    }
    assert(open.size === 0, "every scan of the claim is settled");
    this.#register(settlements.filter(isRegistered), report);
    for (const settlement of settlements) this.#apply(attemptId, report, settlement);
    for (const [state, ofState] of Map.groupBy(settlements, stateAfter)) {
      this.#counts.move("sending", state, ofState.length);
    }
    this.#end(attemptId, report);
  }

  /** Scans in a call that a dead process left behind: nobody knows what the service did with them. */
  recoverInterrupted(now: WallMs): number {
    return this.#connection.transact(() => {
      let recovered = 0;
      for (const attemptId of this.#openAttempts.all()) {
        const scans = this.#sending.all(attemptId);
        for (const scanId of scans) this.#doubtful.run(attemptId, Math.ceil(now), null, scanId);
        this.#end(attemptId, {
          outcome: "interrupted",
          httpStatus: null,
          relatedTraceId: null,
          detail: "badged stopped while the call was under way",
          endedAt: now,
        });
        recovered += scans.length;
      }
      recovered += this.#recoverOrphans(now);
      // A page that the disk has set back may have parted the counts from the scans.
      if (this.#counts.of("sending") === recovered) this.#counts.move("sending", "waiting", recovered);
      else recountScans(this.#connection.db);
      return recovered;
    });
  }

  /**
   * A scan that is sending while its call has ended, or is not known: no commit leaves one, but a page that missed its
   * last write does. What the service did with it is not known.
   */
  #recoverOrphans(now: WallMs): number {
    const orphans = this.#allSending.all();
    for (const { id, attemptId } of orphans) {
      this.#knowAttempt.run(attemptId, Math.floor(now), Math.floor(now));
      this.#doubtful.run(attemptId, Math.ceil(now), null, id);
    }
    return orphans.length;
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

  #register(registered: readonly Registered[], report: AttemptReport): void {
    const rows = registered.map(({ scanId, registrationId, validity, remarks }) => [
      scanId,
      registrationId,
      validity,
      remarks.length === 0 ? null : JSON.stringify(remarks),
    ]);
    const { changes } = this.#registered.run(Math.floor(report.endedAt), JSON.stringify(rows));
    assert(changes === rows.length, "every registered scan is marked");
  }

  #apply(attemptId: number, report: AttemptReport, settlement: Settlement): void {
    const settledAt = Math.floor(report.endedAt);
    const { scanId } = settlement;
    switch (settlement.kind) {
      case "registered":
        if (settlement.foundBySearch) this.#found.run(scanId);
        return;
      case "not-found":
        this.#notFound.run(scanId);
        return;
      case "unsearchable":
        this.#unsearchable.run(scanId);
        return;
      case "refused":
        this.#refused.run(settlement.reason, settledAt, scanId);
        return;
      case "again":
        this.#again.run(wholeOrNull(settlement.notBefore), scanId);
        return;
      case "doubtful":
        this.#doubtful.run(attemptId, Math.ceil(report.endedAt), wholeOrNull(settlement.notBefore ?? null), scanId);
        return;
      default:
        unreachable(settlement);
    }
  }

  #end(attemptId: number, report: AttemptReport): void {
    const { changes } = this.#endAttempt.run(
      Math.floor(report.endedAt),
      report.outcome,
      report.httpStatus,
      report.relatedTraceId,
      report.detail,
      attemptId,
    );
    assert(changes === 1, "an attempt ends once");
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

type Registered = Extract<Settlement, { kind: "registered" }>;

function isRegistered(settlement: Settlement): settlement is Registered {
  return settlement.kind === "registered";
}

function stateAfter({ kind }: Settlement): "registered" | "refused" | "waiting" {
  return kind === "registered" || kind === "refused" ? kind : "waiting";
}

/** Never sooner than asked. */
function wholeOrNull(notBefore: WallMs | null): number | null {
  return notBefore === null ? null : Math.ceil(notBefore);
}
