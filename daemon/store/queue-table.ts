import type Sqlite from "better-sqlite3";
import { assert, present, unreachable } from "../base/assert.ts";
import { type WallMs, wallMs } from "../base/time.ts";
import type { AttemptReport, Backlog, Claim, ClaimRequest, DoubtRule, DueScan, Settlement } from "../forward/queue.ts";
import { due as judge, type ReceiptDecision, type ReceiptWindow } from "../forward/receipt-window.ts";
import { isDoubtRipe } from "../forward/search-track.ts";
import type { Employer } from "../scan/roster.ts";
import type { Direction } from "../scan/scan.ts";
import type { Connection } from "./connection.ts";
import { bracketReason, type Delay, DelayReasons, lateReason } from "./delay-reasons.ts";
import type { ScanCounts } from "./scan-counts.ts";
import { errorBoundColumn, utcColumn } from "./stamp-columns.ts";
import type { WorkSites } from "./work-sites.ts";

/** The most scans one call may carry. */
export const claimMaxScans = 200;

/** Waiting scans one claim looks at, about 3 ms: a worker with more than this waiting is served one by one all the same. */
export const claimWalkRows = 2000;

/** More than one claim of 200 chooses from. */
const walkPageRows = 500;

/** No scan is put off longer than this: a "not before" further away was written before the clock was set back. */
export const putOffMaxMs: number = 24 * 60 * 60 * 1000;

/** Due scans one claim chooses from, in calls: enough for the most urgent to go first, few enough to cost nothing. */
export const claimChoiceCalls = 2;

/** `again` when nothing is due but scans were put aside and more may be behind them. */
export type ClaimStep = { readonly claim: Claim | null; readonly withheld: number; readonly again: boolean };

type WaitingRow = {
  readonly id: number;
  readonly workerId: number;
  readonly utcMs: number;
  readonly errorBoundMs: number | null;
  readonly isBracket: number;
  readonly notBefore: number | null;
  readonly releasedAt: number | null;
  readonly doubtSince: number | null;
};

/** What a walk through the waiting scans found. */
type Choice = {
  readonly due: readonly number[];
  readonly late: readonly { readonly id: number; readonly reason: string }[];
};

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
  readonly #waiting: Sqlite.Statement<[number, number], WaitingRow>;
  readonly #undatedOf: Sqlite.Statement<[], { readonly workerId: number; readonly firstId: number }>;
  readonly #busyWorkers: Sqlite.Statement<[], number>;
  readonly #withhold: Sqlite.Statement<[string, number, number]>;
  readonly #startAttempt: Sqlite.Statement<[string, number, number]>;
  readonly #send: Sqlite.Statement<[number, string]>;
  readonly #due: Sqlite.Statement<[number], DueRow>;
  readonly #sending: Sqlite.Statement<[number], number>;
  readonly #endAttempt: Sqlite.Statement<unknown[]>;
  readonly #registered: Sqlite.Statement<[number, string]>;
  readonly #refused: Sqlite.Statement<[string, number, number]>;
  readonly #again: Sqlite.Statement<[number | null, number]>;
  readonly #doubtful: Sqlite.Statement<[number, number, number | null, number]>;
  readonly #found: Sqlite.Statement<[number]>;
  readonly #notFound: Sqlite.Statement<[number]>;
  readonly #oldestDoubt: Sqlite.Statement<[], number | null>;
  readonly #openAttempts: Sqlite.Statement<[], number>;
  readonly #oldest: Sqlite.Statement<[], number>;
  readonly #delays: DelayReasons;

  constructor(connection: Connection, counts: ScanCounts, sites: WorkSites) {
    this.#connection = connection;
    this.#counts = counts;
    this.#sites = sites;
    const { db } = connection;
    this.#waiting = db.prepare(
      `SELECT id, worker_id AS workerId, ${utcColumn("scans")} AS utcMs, ${errorBoundColumn("scans")} AS errorBoundMs,
        dated_how IS 'bracket' AS isBracket, not_before AS notBefore, released_at AS releasedAt,
        doubt_since AS doubtSince
      FROM scans INDEXED BY scans_waiting
      WHERE state = 'waiting' AND id > ? AND (error_bound_ms IS NOT NULL OR dated_how IS NOT NULL) ORDER BY id LIMIT ?`,
    );
    this.#undatedOf = db.prepare(
      `SELECT worker_id AS workerId, min(id) AS firstId FROM scans INDEXED BY scans_undated
      WHERE error_bound_ms IS NULL AND dated_how IS NULL AND state = 'waiting' GROUP BY worker_id`,
    );
    this.#busyWorkers = db
      .prepare<[], number>("SELECT worker_id FROM scans INDEXED BY scans_sending WHERE state = 'sending'")
      .pluck();
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
    this.#delays = new DelayReasons(connection);
  }

  claim(request: ClaimRequest): ClaimStep {
    return this.#connection.transact(() => this.#claim(request));
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
    return this.#connection.transact(() => {
      this.#settle(attemptId, report, settlements);
      return this.#claim(request);
    });
  }

  #claim(request: ClaimRequest): ClaimStep {
    assert(request.limit >= 1 && request.limit <= claimMaxScans, `a claim asks for 1 to ${claimMaxScans} scans`);
    const { due, late } = this.#choose(request);
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
        this.#counts.move("sending", "waiting", scans.length);
        this.#end(attemptId, {
          outcome: "interrupted",
          httpStatus: null,
          relatedTraceId: null,
          detail: "badged stopped while the call was under way",
          endedAt: now,
        });
        recovered += scans.length;
      }
      assert(this.#counts.of("sending") === 0, "no scan is left sending without its attempt");
      return recovered;
    });
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

  #choose({ limit, now, window, doubts }: ClaimRequest): Choice {
    const due: { readonly id: number; readonly urgency: number }[] = [];
    const late: { readonly id: number; readonly reason: string }[] = [];
    const passed = new Set(this.#busyWorkers.all());
    // A scan that nothing dates yet holds up its worker's later ones, and nobody else's.
    const undatedFrom = new Map(this.#undatedOf.all().map(({ workerId, firstId }) => [workerId, firstId]));
    const delayOf = this.#delays.forClaim();
    for (const scan of this.#walk()) {
      // A scan that the service may hold already is searched for first: nobody is told that it was kept back.
      const isToBeSearched = scan.doubtSince !== null && doubts !== undefined && doubts.kind !== "send";
      const decision = decide(scan, window);
      const reason = isToBeSearched ? null : reasonToWithhold(scan, decision, delayOf);
      if (reason !== null) {
        late.push({ id: scan.id, reason });
        continue;
      }
      if (passed.has(scan.workerId) || scan.id > (undatedFrom.get(scan.workerId) ?? scan.id)) continue;
      passed.add(scan.workerId);
      if (!isHandedOut(scan.doubtSince, doubts ?? { kind: "send" })) continue;
      if (isPutOff(scan.notBefore, now) || decision?.kind !== "send") continue;
      due.push({ id: scan.id, urgency: scan.utcMs - (scan.errorBoundMs ?? 0) });
      if (due.length === limit * claimChoiceCalls) break;
    }
    due.sort((one, other) => one.urgency - other.urgency || one.id - other.id);
    return { due: due.slice(0, limit).map(({ id }) => id), late };
  }

  /** The waiting scans that something dates, by id, `claimWalkRows` at most; a page at once costs half of row by row. */
  *#walk(): Generator<WaitingRow> {
    for (let walked = 0, afterId = 0; walked < claimWalkRows; ) {
      const page = this.#waiting.all(afterId, Math.min(walkPageRows, claimWalkRows - walked));
      yield* page;
      walked += page.length;
      if (page.length < walkPageRows) return;
      afterId = page.at(-1)?.id ?? afterId;
    }
  }

  /** In the order of `ids`. */
  #dueScans(attemptId: number, ids: readonly number[]): readonly DueScan[] {
    const rows = new Map(this.#due.all(attemptId).map((row) => [row.scanId, row]));
    return ids.map((id) => this.#dueScan(present(rows.get(id), "a claimed scan has its roster entry and worker")));
  }

  #dueScan(row: DueRow): DueScan {
    const site = this.#sites.read(row.workSiteId);
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

/** A person's release overrules the limit; `null` for a scan that nothing dates yet, which nobody sends, released or not. */
function decide({ utcMs, errorBoundMs, releasedAt }: WaitingRow, window: ReceiptWindow): ReceiptDecision | null {
  if (errorBoundMs === null) return null;
  const limitMs = releasedAt === null ? window.limitMs : null;
  return judge({ ...window, limitMs, stamp: { utcMs: wallMs(utcMs), errorBoundMs } });
}

/** `null` for a scan that may be sent, now or later. A person's release overrules every reason. */
function reasonToWithhold(
  { utcMs, errorBoundMs, isBracket, releasedAt }: WaitingRow,
  decision: ReceiptDecision | null,
  delayOf: (moment: WallMs) => Delay,
): string | null {
  if (releasedAt !== null || errorBoundMs === null) return null;
  if (isBracket === 1) return bracketReason(wallMs(utcMs), errorBoundMs);
  return decision?.kind === "withhold" ? lateReason(decision, delayOf(wallMs(utcMs))) : null;
}

function isHandedOut(doubtSince: number | null, rule: DoubtRule): boolean {
  switch (rule.kind) {
    case "send":
      return true;
    case "hold":
      return doubtSince === null;
    case "seek":
      return doubtSince !== null && isDoubtRipe(wallMs(doubtSince), rule.endedBefore);
    default:
      return unreachable(rule);
  }
}

function isPutOff(notBefore: number | null, now: WallMs): boolean {
  return notBefore !== null && notBefore > now && notBefore - now <= putOffMaxMs;
}
