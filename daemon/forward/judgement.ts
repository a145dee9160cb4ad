import { present, unreachable } from "../base/assert.ts";
import { type WallMs, wallMs } from "../base/time.ts";
import {
  afterAnswer,
  afterBlindRefusal,
  afterFailure,
  afterManyRefusals,
  afterTooLarge,
  type CallSize,
  fullSize,
  withoutSuspect,
} from "./call-size.ts";
import { forwardEvents as events, type LogLine } from "./events.ts";
import type { AttemptOutcome, Claim, Settlement } from "./queue.ts";
import { setAsideUnread, type UnreadAnswers } from "./unread-answers.ts";
import type { CallOutcome, CallReport } from "./upstream.ts";

/**
 * How long a scan waits so that others go before it. Short, because after an outage it is the oldest of all and the receipt
 * limit comes nearer; long enough that one on which the service breaks costs thirty failed calls an hour.
 */
export const putOffMs: number = 2 * 60 * 1000;

/**
 * This many scans in a row, each refused alone, are not to blame: the call itself is malformed, or says of every scan
 * something that the service does not take (the site, the employer, the declaration). A name in the answer changes nothing
 * there: of one scan it can name no other. From the last of them on none is set aside until the service has answered a call.
 * Before the first such answer of a run a single one is put off, not set aside: a configuration that makes every call
 * malformed would otherwise cost some scans at each start.
 */
export const blindRefusalsMax: number = 3;

/**
 * Scans refused so wait longer one after the other, up to this many times as long: the calls between them are backed off
 * too, and those put off first would come before the others again.
 */
export const blindPutOffsMax: number = 4;

/**
 * Refused calls count against a quota of their own at the service; after this many in a row badged backs off. Nor is a scan
 * set aside from then on that such a call names: a service that names one mistake a call may mean all of them.
 */
export const refusedCallsMax: number = 12;

/** A call that was held back is none to judge by. */
export type JudgedOutcome = Exclude<CallOutcome, { readonly kind: "held-back" }>;

/** What earlier calls taught. */
export type Lessons = {
  readonly size: CallSize;
  /** Refused calls since one was answered. */
  readonly refusedCalls: number;
  /** Whether the service has understood a call of this run: it answered one, or named some of its scans and not others. */
  readonly isUnderstood: boolean;
  /** Scans refused alone since a call was answered. */
  readonly blindRefusals: number;
  readonly unread: UnreadAnswers;
};

export const noLessons: Lessons = {
  size: fullSize,
  refusedCalls: 0,
  isUnderstood: false,
  blindRefusals: 0,
  unread: new Map(),
};

/**
 * What a call's outcome means for its scans and for the next call.
 *
 * - `went-through`: the service answered; the next call at the ordinary pace.
 * - `narrowed`: refused, and the next call carries fewer or other scans; `at-once` for the first refusal in a row.
 * - `failed`: the next call after a backoff.
 */
export type Judgement = {
  /** One for each scan of the claim. */
  readonly settlements: readonly Settlement[];
  readonly lessons: Lessons;
  readonly result:
    | { readonly kind: "went-through" }
    | { readonly kind: "narrowed"; readonly next: "at-once" | "paced" }
    | { readonly kind: "failed"; readonly retryAfterMs: number | null };
  readonly lines: readonly LogLine[];
};

export function judge(claim: Claim, outcome: JudgedOutcome, lessons: Lessons, now: WallMs): Judgement {
  switch (outcome.kind) {
    case "answered":
      return judgeAnswer(claim, outcome, lessons, now);
    case "refused":
      return judgeRefusal(claim, outcome, lessons, now);
    case "not-processed":
      return outcome.report.httpStatus === 413
        ? judgeTooLarge(claim, outcome, lessons, now)
        : judgeFailure(claim, outcome, lessons, now);
    case "ambiguous":
      return judgeFailure(claim, outcome, lessons, now);
    default:
      return unreachable(outcome);
  }
}

/** Whether the outcome says that the service could not be reached at all, or nobody tried for want of a token. */
export function isNotReachable(outcome: AttemptOutcome): boolean {
  return notReachable.includes(outcome);
}

const notReachable: readonly AttemptOutcome[] = [
  "not-connected",
  "tls-failed",
  "pin-mismatch",
  "no-token",
  "connection-lost",
  "timed-out",
  "interrupted",
];

function judgeAnswer(
  claim: Claim,
  { items, report }: Extract<CallOutcome, { kind: "answered" }>,
  lessons: Lessons,
  now: WallMs,
): Judgement {
  const read = claim.scans.map(({ scanId }, index): Settlement => {
    const item = items[index] ?? { kind: "unanswered" };
    switch (item.kind) {
      case "created": {
        const { registrationId, validity, remarks } = item;
        return { kind: "registered", scanId, registrationId, validity, remarks };
      }
      case "refused":
        return { kind: "refused", scanId, reason: item.reason };
      case "unanswered":
        return { kind: "doubtful", scanId, notBefore: later(now) };
      default:
        return unreachable(item);
    }
  });
  if (count(read, "doubtful") === claim.scans.length) {
    return judgeFailure(claim, { kind: "ambiguous", retryAfterMs: null, report, isUnread: true }, lessons, now);
  }
  const refusals = new Map(read.flatMap((each) => (each.kind === "refused" ? [[each.scanId, each.reason]] : [])));
  if (refusals.size === claim.scans.length) {
    return judgeUnselective(claim, refusals, { ...lessons, isUnderstood: true }, now);
  }
  const { attemptId } = claim;
  const { settlements, unread, lines } = setAsideUnread(read, lessons.unread, attemptId);
  const doubtful = count(settlements, "doubtful");
  const registered = count(settlements, "registered");
  if (registered > 0) {
    lines.push({ level: "info", event: events.registered, fields: { count: registered, attemptId, doubtful } });
  }
  lines.push(...refusedLines(read, attemptId));
  if (doubtful > 0) lines.push(doubtLine(doubtful, attemptId, report));
  const size = afterAnswer(lessons.size, idsOf(claim));
  return {
    settlements,
    lessons: { ...noLessons, isUnderstood: true, size, unread },
    result: { kind: "went-through" },
    lines,
  };
}

function judgeRefusal(
  claim: Claim,
  outcome: Extract<CallOutcome, { kind: "refused" }>,
  lessons: Lessons,
  now: WallMs,
): Judgement {
  const named = reasonsByScan(claim, outcome.culprits);
  if (named.size > 0 && named.size < claim.scans.length) return judgeSelective(claim, named, lessons, now);
  const [only, ...others] = claim.scans;
  if (named.size > 0) return judgeUnselective(claim, named, lessons, now);
  if (only !== undefined && others.length === 0) {
    return judgeUnselective(claim, new Map([[only.scanId, outcome.reason]]), lessons, now);
  }
  const refusedCalls = lessons.refusedCalls + 1;
  const next: Lessons = { ...lessons, size: afterBlindRefusal(lessons.size, idsOf(claim)), refusedCalls };
  const fields = { count: claim.scans.length, attemptId: claim.attemptId, reason: outcome.reason };
  const sought: LogLine = { level: "warn", event: events.culpritSought, fields };
  return narrowed(allAgain(claim, null), next, [sought]);
}

/** Some of the scans are refused by name: the service has nothing against the others. */
function judgeSelective(claim: Claim, reasons: ReadonlyMap<number, string>, lessons: Lessons, now: WallMs): Judgement {
  const refusedCalls = lessons.refusedCalls + 1;
  // An answer that tells scans from others has understood the call, so those refused before it were to blame themselves.
  const size = { ...lessons.size, suspects: new Set<number>() };
  const next: Lessons = { ...lessons, size, refusedCalls, isUnderstood: true, blindRefusals: 0 };
  const isTooOften = refusedCalls > refusedCallsMax;
  const settlements = claim.scans.map(({ scanId }): Settlement => {
    const reason = reasons.get(scanId);
    if (reason === undefined) return again(scanId);
    return isTooOften ? again(scanId, later(now)) : { kind: "refused", scanId, reason };
  });
  const { attemptId } = claim;
  const fields = { count: reasons.size, attemptId, forMs: putOffMs };
  const lines: readonly LogLine[] = isTooOften
    ? [{ level: "warn", event: events.putOff, fields }]
    : refusedLines(settlements, attemptId);
  return narrowed(settlements, next, lines);
}

/** Every scan of the call is refused, which tells none of them from any other scan. */
function judgeUnselective(
  claim: Claim,
  reasons: ReadonlyMap<number, string>,
  lessons: Lessons,
  now: WallMs,
): Judgement {
  const refusedCalls = lessons.refusedCalls + 1;
  const [only, ...others] = claim.scans;
  const reason = present(only && reasons.get(only.scanId), "a refusal has its reason");
  if (only !== undefined && others.length === 0) {
    const blindRefusals = lessons.blindRefusals + 1;
    const size = withoutSuspect(lessons.size, only.scanId);
    const next: Lessons = { ...lessons, size, refusedCalls, blindRefusals };
    const forMs = putOffMs * Math.min(blindRefusals, blindPutOffsMax);
    if (blindRefusals >= blindRefusalsMax) return putOff(claim, next, now, { forMs });
    if (!lessons.isUnderstood) {
      return narrowed(allAgain(claim, later(now, forMs)), next, [putOffLine(claim, forMs)]);
    }
    const settlements: Settlement[] = [{ kind: "refused", scanId: only.scanId, reason }];
    return narrowed(settlements, next, refusedLines(settlements, claim.attemptId));
  }
  const size: CallSize = { ...lessons.size, mode: "probing", suspects: new Set<number>() };
  const fields = { count: claim.scans.length, attemptId: claim.attemptId, reason };
  const line: LogLine = { level: "error", event: events.allRefused, fields };
  return narrowed(allAgain(claim, null), { ...lessons, size, refusedCalls }, [line]);
}

function judgeTooLarge(
  claim: Claim,
  { retryAfterMs }: Extract<CallOutcome, { kind: "not-processed" }>,
  lessons: Lessons,
  now: WallMs,
): Judgement {
  const refusedCalls = lessons.refusedCalls + 1;
  if (claim.scans.length <= 1) return putOff(claim, { ...lessons, refusedCalls }, now, { retryAfterMs });
  const size = afterTooLarge(lessons.size, claim.scans.length);
  const fields = { count: claim.scans.length, attemptId: claim.attemptId, nextMax: size.ceiling };
  const line: LogLine = { level: "warn", event: events.batchTooLarge, fields };
  const judgement = narrowed(allAgain(claim, null), { ...lessons, size, refusedCalls }, [line]);
  return retryAfterMs === null ? judgement : { ...judgement, result: { kind: "failed", retryAfterMs } };
}

function judgeFailure(
  claim: Claim,
  outcome: Extract<CallOutcome, { kind: "not-processed" | "ambiguous" }>,
  lessons: Lessons,
  now: WallMs,
): Judgement {
  const isAmbiguous = outcome.kind === "ambiguous";
  const failure = afterFailure(lessons.size, idsOf(claim), isAmbiguous);
  const notBefore = failure.putOff ? later(now) : null;
  const lines: LogLine[] = isAmbiguous ? [doubtLine(claim.scans.length, claim.attemptId, outcome.report)] : [];
  if (failure.putOff) lines.push(putOffLine(claim));
  const result = { kind: "failed", retryAfterMs: outcome.retryAfterMs } as const;
  const size = failure.size;
  if (!isAmbiguous) return { settlements: allAgain(claim, null), lessons: { ...lessons, size }, result, lines };
  const doubtful = claim.scans.map(({ scanId }): Settlement => ({ kind: "doubtful", scanId, notBefore }));
  if (outcome.isUnread !== true) return { settlements: doubtful, lessons: { ...lessons, size }, result, lines };
  const { settlements, unread, lines: aside } = setAsideUnread(doubtful, lessons.unread, claim.attemptId);
  return { settlements, lessons: { ...lessons, size, unread }, result, lines: [...lines, ...aside] };
}

/** A single scan that the service will not take, for a reason that may lie in the call: it waits and others try. */
function putOff(
  claim: Claim,
  lessons: Lessons,
  now: WallMs,
  { forMs = putOffMs, retryAfterMs = null }: { readonly forMs?: number; readonly retryAfterMs?: number | null },
): Judgement {
  return {
    settlements: allAgain(claim, later(now, forMs)),
    lessons: { ...lessons, size: { ...lessons.size, mode: "probing" } },
    result: { kind: "failed", retryAfterMs },
    lines: [putOffLine(claim, forMs)],
  };
}

/** Refused calls that lead somewhere go on at once or paced, until there were too many of them in a row. */
function narrowed(settlements: readonly Settlement[], lessons: Lessons, lines: readonly LogLine[]): Judgement {
  if (lessons.refusedCalls >= refusedCallsMax) {
    const result = { kind: "failed", retryAfterMs: null } as const;
    return { settlements, lessons: { ...lessons, size: afterManyRefusals(lessons.size) }, result, lines };
  }
  const next = lessons.refusedCalls === 1 ? "at-once" : "paced";
  return { settlements, lessons, result: { kind: "narrowed", next }, lines };
}

/** Culprits outside the call are the service's mistake, and count as not named. */
function reasonsByScan(
  claim: Claim,
  culprits: readonly { readonly index: number; readonly reason: string }[],
): ReadonlyMap<number, string> {
  const reasons = new Map<number, string>();
  for (const { index, reason } of culprits) {
    const scan = claim.scans[index];
    if (scan === undefined) continue;
    const earlier = reasons.get(scan.scanId);
    reasons.set(scan.scanId, earlier === undefined ? reason : `${earlier}; ${reason}`);
  }
  return reasons;
}

function again(scanId: number, notBefore: WallMs | null = null): Settlement {
  return { kind: "again", scanId, notBefore };
}

function allAgain(claim: Claim, notBefore: WallMs | null): readonly Settlement[] {
  return claim.scans.map(({ scanId }) => again(scanId, notBefore));
}

function later(now: WallMs, forMs: number = putOffMs): WallMs {
  return wallMs(now + forMs);
}

function idsOf(claim: Claim): readonly number[] {
  return claim.scans.map((scan) => scan.scanId);
}

function count(settlements: readonly Settlement[], kind: Settlement["kind"]): number {
  return settlements.filter((settlement) => settlement.kind === kind).length;
}

function refusedLines(settlements: readonly Settlement[], attemptId: number): readonly LogLine[] {
  const refused = settlements.flatMap((settlement) => (settlement.kind === "refused" ? [settlement.reason] : []));
  if (refused.length === 0) return [];
  const reason = present(refused[0], "a refusal has its reason");
  return [{ level: "warn", event: events.refused, fields: { count: refused.length, attemptId, reason } }];
}

function doubtLine(doubtful: number, attemptId: number, { outcome }: CallReport): LogLine {
  return { level: "warn", event: events.doubtful, fields: { count: doubtful, attemptId, outcome } };
}

function putOffLine(claim: Claim, forMs: number = putOffMs): LogLine {
  const fields = { count: claim.scans.length, attemptId: claim.attemptId, forMs };
  return { level: "warn", event: events.putOff, fields };
}
