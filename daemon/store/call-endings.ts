import type Sqlite from "better-sqlite3";
import { assert, unreachable } from "../base/assert.ts";
import type { WallMs } from "../base/time.ts";
import type { AttemptReport, Settlement } from "../forward/queue.ts";
import type { Connection } from "./connection.ts";
import { recountScans, type ScanCounts } from "./scan-counts.ts";

/**
 * How calls end: with an answer for each of their scans, or with a process that died meanwhile. All methods belong inside a
 * transaction of the caller.
 */
export class CallEndings {
  readonly #db: Sqlite.Database;
  readonly #counts: ScanCounts;
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
  readonly #openAttempts: Sqlite.Statement<[], number>;

  constructor({ db }: Connection, counts: ScanCounts) {
    this.#db = db;
    this.#counts = counts;
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
    this.#openAttempts = db
      .prepare<[], number>("SELECT id FROM attempts INDEXED BY attempts_open WHERE outcome IS NULL")
      .pluck();
  }

  /** What became of a call and of each of its scans. Told twice, the first stands. */
  settle(attemptId: number, report: AttemptReport, settlements: readonly Settlement[]): void {
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
    else recountScans(this.#db);
    return recovered;
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
