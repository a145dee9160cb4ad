import { present } from "../../base/assert.ts";
import type { WallMs } from "../../base/time.ts";
import { afterBlindRefusal, type CallSize, withoutSuspect } from "../call-size.ts";
import { forwardEvents as events, type LogLine } from "../events.ts";
import type { Claim, DueScan, Settlement } from "../queue.ts";
import type { CallOutcome } from "../upstream.ts";
import type { Judgement, Lessons } from "./lessons.ts";
import { narrowed, refusedCallsMax } from "./narrowing.ts";
import { again, allAgain, putOff, putOffLine, putOffMs, putOffUntil } from "./putting-off.ts";
import { refusedLines } from "./refused-line.ts";

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

/** Why the service refuses a scan, by its id. */
type Reasons = ReadonlyMap<number, string>;

/** The call was refused as a whole, and nothing of it registered. */
export function judgeRefusal(
  claim: Claim,
  { culprits, reason }: Extract<CallOutcome, { kind: "refused" }>,
  lessons: Lessons,
  now: WallMs,
): Judgement {
  const named = reasonsByScan(claim, culprits);
  if (named.size > 0 && named.size < claim.scans.length) return judgeSelective(claim, named, lessons, now);
  if (named.size > 0) return judgeUnselective(claim, named, lessons, now);
  const only = onlyScan(claim);
  if (only !== null) return judgeUnselective(claim, new Map([[only.scanId, reason]]), lessons, now);
  const scanIds = claim.scans.map(({ scanId }) => scanId);
  const size = afterBlindRefusal(lessons.size, scanIds);
  const fields = { count: scanIds.length, attemptId: claim.attemptId, reason };
  const sought: LogLine = { level: "warn", event: events.culpritSought, fields };
  return narrowed(allAgain(claim), { ...lessons, size, refusedCalls: lessons.refusedCalls + 1 }, [sought]);
}

/** Every scan of the call is refused, which tells none of them from any other scan. */
export function judgeUnselective(claim: Claim, reasons: Reasons, lessons: Lessons, now: WallMs): Judgement {
  const only = onlyScan(claim);
  if (only !== null) return judgeAlone(claim, only, reasons, lessons, now);
  const [first] = claim.scans;
  const reason = present(first && reasons.get(first.scanId), "a refusal has its reason");
  const size: CallSize = { ...lessons.size, mode: "probing", suspects: new Set<number>() };
  const fields = { count: claim.scans.length, attemptId: claim.attemptId, reason };
  const line: LogLine = { level: "error", event: events.allRefused, fields };
  return narrowed(allAgain(claim), { ...lessons, size, refusedCalls: lessons.refusedCalls + 1 }, [line]);
}

/** Some of the scans are refused by name: the service has nothing against the others. */
function judgeSelective(claim: Claim, reasons: Reasons, lessons: Lessons, now: WallMs): Judgement {
  const refusedCalls = lessons.refusedCalls + 1;
  // An answer that tells scans from others has understood the call, so those refused before it were to blame themselves.
  const size = { ...lessons.size, suspects: new Set<number>() };
  const next: Lessons = { ...lessons, size, refusedCalls, isUnderstood: true, blindRefusals: 0 };
  const isTooOften = refusedCalls > refusedCallsMax;
  const settlements = claim.scans.map(({ scanId }): Settlement => {
    const reason = reasons.get(scanId);
    if (reason === undefined) return again(scanId);
    return isTooOften ? again(scanId, putOffUntil(now)) : { kind: "refused", scanId, reason };
  });
  const { attemptId } = claim;
  const lines = isTooOften ? [putOffLine(attemptId, reasons.size)] : refusedLines(settlements, attemptId);
  return narrowed(settlements, next, lines);
}

/** The only scan of a call is refused: for what it says itself, or for what every call says. */
function judgeAlone(claim: Claim, { scanId }: DueScan, reasons: Reasons, lessons: Lessons, now: WallMs): Judgement {
  const blindRefusals = lessons.blindRefusals + 1;
  const size = withoutSuspect(lessons.size, scanId);
  const next: Lessons = { ...lessons, size, refusedCalls: lessons.refusedCalls + 1, blindRefusals };
  const forMs = putOffMs * Math.min(blindRefusals, blindPutOffsMax);
  if (blindRefusals >= blindRefusalsMax) return putOff(claim, next, now, { forMs });
  if (!lessons.isUnderstood) {
    return narrowed(allAgain(claim, putOffUntil(now, forMs)), next, [putOffLine(claim.attemptId, 1, forMs)]);
  }
  const reason = present(reasons.get(scanId), "a refusal has its reason");
  const settlements: Settlement[] = [{ kind: "refused", scanId, reason }];
  return narrowed(settlements, next, refusedLines(settlements, claim.attemptId));
}

function onlyScan({ scans: [only, ...others] }: Claim): DueScan | null {
  return only !== undefined && others.length === 0 ? only : null;
}

/** Culprits outside the call are the service's mistake, and count as not named. */
function reasonsByScan(
  claim: Claim,
  culprits: readonly { readonly index: number; readonly reason: string }[],
): Reasons {
  const reasons = new Map<number, string>();
  for (const { index, reason } of culprits) {
    const scan = claim.scans[index];
    if (scan === undefined) continue;
    const earlier = reasons.get(scan.scanId);
    reasons.set(scan.scanId, earlier === undefined ? reason : `${earlier}; ${reason}`);
  }
  return reasons;
}
