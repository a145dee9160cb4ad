import type Sqlite from "better-sqlite3";
import { unreachable } from "../base/assert.ts";
import { type WallMs, wallMs } from "../base/time.ts";
import { putOffMs } from "../forward/judgement/putting-off.ts";
import type { ClaimOrder, ClaimRequest, DoubtRule } from "../forward/queue.ts";
import { due as judge, type ReceiptDecision, type ReceiptWindow } from "../forward/receipt-window.ts";
import { isDoubtRipe } from "../forward/search-track.ts";
import type { Connection } from "./connection.ts";
import { bracketReason, type Delay, DelayReasons, lateReason } from "./delay-reasons.ts";
import { errorBoundColumn, utcColumn } from "./stamp-columns.ts";

/** Waiting scans one claim looks at, about 3 ms: a worker with more than this waiting is served one by one all the same. */
export const claimWalkRows = 2000;

/** As long as it has found none that is due or late it looks at this many, about 30 ms: all of them may wait behind a few that are put off. */
const claimWalkMaxRows = 20_000;

/**
 * With scans that go in no company, some 100 ms: those of their workers that wait behind them stay at the head for weeks, and
 * who comes after them must not wait as well.
 */
const claimWalkApartMaxRows = 100_000;

/** More than one claim of 200 chooses from. */
const walkPageRows = 500;

/** No scan is put off longer than this: a "not before" further away was written by a clock that was ahead. */
export const putOffMaxMs: number = 5 * putOffMs;

/** Due scans one claim chooses from, in calls: enough for the most urgent to go first, few enough to cost nothing. */
const claimChoiceCalls = 2;

type WaitingRow = {
  readonly id: number;
  readonly workerId: number;
  readonly utcMs: number;
  readonly errorBoundMs: number | null;
  readonly isBracket: number;
  readonly notBefore: number | null;
  readonly releasedAt: number | null;
  readonly doubtSince: number | null;
  readonly wasInDoubt: number;
};

type Candidate = {
  readonly id: number;
  readonly urgency: number;
  readonly wasPutOff: boolean;
  readonly wasInDoubt: boolean;
  readonly doubtSince: number;
};

/** What a walk through the waiting scans found. */
type Choice = {
  readonly due: readonly number[];
  readonly late: readonly { readonly id: number; readonly reason: string }[];
};

/**
 * Which of the waiting scans the next call carries: of each worker the oldest only, and none while one of his is on its
 * way, put off or not dated yet; of those the first in the order that is asked for. Changes nothing.
 */
export class ClaimChoice {
  readonly #waiting: Sqlite.Statement<[number, number], WaitingRow>;
  readonly #undatedOf: Sqlite.Statement<[], { readonly workerId: number; readonly firstId: number }>;
  readonly #busyWorkers: Sqlite.Statement<[], number>;
  readonly #delays: DelayReasons;

  constructor(connection: Connection) {
    const { db } = connection;
    this.#waiting = db.prepare(
      `SELECT id, worker_id AS workerId, ${utcColumn("scans")} AS utcMs, ${errorBoundColumn("scans")} AS errorBoundMs,
        dated_how IS 'bracket' AS isBracket, not_before AS notBefore, released_at AS releasedAt,
        doubt_since AS doubtSince, doubt_attempt_id IS NOT NULL AS wasInDoubt
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
    this.#delays = new DelayReasons(connection);
  }

  choose({ limit, now, window, doubts, order = { kind: "urgent" }, ...request }: ClaimRequest): Choice {
    const apart = new Set(request.apart);
    let inCompanyDue = 0;
    const due: Candidate[] = [];
    const isSearch = doubts?.kind === "seek";
    const late: { readonly id: number; readonly reason: string }[] = [];
    const passed = new Set(this.#busyWorkers.all());
    // A scan that nothing dates yet holds up its worker's later ones, and nobody else's.
    const undatedFrom = new Map(this.#undatedOf.all().map(({ workerId, firstId }) => [workerId, firstId]));
    const delayOf = this.#delays.forClaim();
    const rowsMax = apart.size > 0 ? claimWalkApartMaxRows : claimWalkMaxRows;
    for (const scan of this.#walk(rowsMax, () => due.length > 0 || late.length > 0)) {
      // A scan that the service may hold already is searched for first: nobody is told that it was kept back.
      const isToBeSearched = scan.doubtSince !== null && doubts !== undefined && doubts.kind !== "send";
      // Nor is it ever too late to ask: only what the service does not hold is kept back, by the next claim.
      const decision = decide(scan, isToBeSearched ? { ...window, limitMs: null } : window);
      const reason = isToBeSearched ? null : reasonToWithhold(scan, decision, delayOf);
      if (reason !== null) {
        late.push({ id: scan.id, reason });
        continue;
      }
      if (passed.has(scan.workerId) || scan.id > (undatedFrom.get(scan.workerId) ?? scan.id)) continue;
      passed.add(scan.workerId);
      if (!isHandedOut(scan.doubtSince, doubts ?? { kind: "send" })) continue;
      if (isPutOff(scan.notBefore, now) || decision?.kind !== "send") continue;
      if (request.isApartResting === true && !isSearch && apart.has(scan.id)) continue;
      due.push({
        id: scan.id,
        urgency: scan.utcMs - (scan.errorBoundMs ?? 0),
        wasPutOff: scan.notBefore !== null,
        wasInDoubt: scan.wasInDoubt === 1,
        doubtSince: scan.doubtSince ?? 0,
      });
      if (!apart.has(scan.id)) inCompanyDue += 1;
      // The oldest doubt, other places of the queue, and who was never put off, are found at its end only.
      if (order.kind === "urgent" && !isSearch && inCompanyDue === limit * claimChoiceCalls) break;
    }
    const chosen = isSearch
      ? due.toSorted((one, other) => one.doubtSince - other.doubtSince)
      : inCompany(inOrder(lessApart(due, apart, order), order, apart), apart);
    return { due: chosen.slice(0, limit).map(({ id }) => id), late };
  }

  /**
   * The waiting scans that something dates, by id, `claimWalkRows` at most, and more where these were not enough; a page at
   * once costs half of row by row.
   */
  *#walk(rowsMax: number, isEnough: () => boolean): Generator<WaitingRow> {
    for (let walked = 0, afterId = 0; walked < rowsMax; ) {
      const page = this.#waiting.all(afterId, walkPageRows);
      yield* page;
      walked += page.length;
      if (page.length < walkPageRows || (walked >= claimWalkRows && isEnough())) return;
      afterId = page.at(-1)?.id ?? afterId;
    }
  }
}

/** Of those that go in no company only one is handed out, or the oldest would keep the others away. */
function lessApart(due: readonly Candidate[], apart: ReadonlySet<number>, order: ClaimOrder): readonly Candidate[] {
  if (apart.size === 0) return due;
  const ids = new Set(due.map(({ id }) => id));
  const among = new Set("among" in order ? order.among : []);
  const turn = [...apart].find((id) => ids.has(id) && !among.has(id));
  return due.filter(({ id }) => id === turn || !apart.has(id) || among.has(id));
}

/** One that goes in no company goes alone where it is the first. */
function inCompany(ordered: readonly Candidate[], apart: ReadonlySet<number>): readonly Candidate[] {
  const [first] = ordered;
  if (apart.size === 0 || first === undefined) return ordered;
  return apart.has(first.id) ? [first] : ordered.filter(({ id }) => !apart.has(id));
}

function inOrder(due: readonly Candidate[], order: ClaimOrder, apart: ReadonlySet<number>): readonly Candidate[] {
  const byUrgency = (one: Candidate, other: Candidate): number => one.urgency - other.urgency || one.id - other.id;
  switch (order.kind) {
    case "urgent":
      return due.toSorted(byUrgency);
    case "sounding": {
      const among = new Set(order.among);
      const turn = ({ id, wasPutOff }: Candidate): number =>
        among.has(id) ? 0 : apart.has(id) ? 3 : wasPutOff ? 2 : 1;
      const sign = order.end === "latest" ? -1 : 1;
      return due.toSorted((one, other) => turn(one) - turn(other) || sign * byUrgency(one, other));
    }
    case "probing": {
      const among = new Set(order.among);
      const others = due.filter(({ id }) => !apart.has(id));
      const turns = [due.filter(({ id }) => among.has(id)), others.filter(({ wasPutOff }) => !wasPutOff), others, due];
      return behindPlace(turns, order.place, byUrgency);
    }
    case "untried": {
      const others = due.filter(({ id }) => !apart.has(id));
      return behindPlace([others.filter(({ wasInDoubt }) => !wasInDoubt), others, due], order.place, byUrgency);
    }
    default:
      return unreachable(order);
  }
}

/** Of the first of these that holds any. */
function behindPlace(
  turns: readonly (readonly Candidate[])[],
  place: number,
  inTurn: (one: Candidate, other: Candidate) => number,
): readonly Candidate[] {
  const sorted = (turns.find((turn) => turn.length > 0) ?? []).toSorted(inTurn);
  return sorted.slice(Math.floor(place * sorted.length));
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
