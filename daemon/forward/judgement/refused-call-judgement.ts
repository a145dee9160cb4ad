import type { WallMs } from "../../base/time.ts";
import { hasBrokenAgain, isKnownToBreak } from "../breaking-scans.ts";
import { afterRefusedCall } from "../call-size.ts";
import type { Claim } from "../queue.ts";
import type { CallOutcome } from "../upstream.ts";
import type { Judgement, Lessons } from "./lessons.ts";
import { allAgain, putOff, putOffMs } from "./putting-off.ts";

/**
 * The first that is refused alone waits this long, each other twice as long, to `putOffMs`: a service that refuses all calls
 * while it starts must not cost those that it refused two minutes.
 */
const firstPutOffMs = 2_000;

type NotProcessed = Extract<CallOutcome, { kind: "not-processed" }>;

/** Of the caller, the moment or the way: whichever scans a call carries. */
const ofAnyCall: readonly number[] = [401, 408, 429];

/**
 * Whether the service would not have the call, for what may be one scan in it: that its employer gave no permission (403), or
 * that his declaration is not found (404). It may as well be the address, or the permission for all of them.
 */
export function isRefusedCall({ report: { httpStatus } }: NotProcessed): boolean {
  return httpStatus !== null && httpStatus >= 300 && httpStatus < 500 && !ofAnyCall.includes(httpStatus);
}

/** Whether the service failed the call for its only scan, which it was known to do: that says nothing of how others fare. */
export function isOfItsScan(claim: Claim, outcome: CallOutcome, { size }: Lessons): boolean {
  if (!isKnownToBreak(size, claim)) return false;
  const isAnswered = outcome.report.httpStatus !== null;
  return isAnswered && (outcome.kind === "ambiguous" || (outcome.kind === "not-processed" && isRefusedCall(outcome)));
}

/** Whether it did so again and again, and says nothing of how the service is doing. */
export function isNoNews(claim: Claim, outcome: CallOutcome, lessons: Lessons): boolean {
  return isOfItsScan(claim, outcome, lessons) && hasBrokenAgain(lessons.size, claim);
}

/** Nothing was registered, and no scan is set aside: one that is refused alone is put off, and others are tried. */
export function judgeRefusedCall(
  claim: Claim,
  { retryAfterMs }: NotProcessed,
  lessons: Lessons,
  now: WallMs,
): Judgement {
  const { size, putOffs } = afterRefusedCall(
    lessons.size,
    claim.scans.map(({ scanId }) => scanId),
  );
  if (putOffs === 0) {
    const result = { kind: "failed", retryAfterMs } as const;
    return { settlements: allAgain(claim), lessons: { ...lessons, size }, result, lines: [] };
  }
  // What is known of one scan is no refusal in a row of the others.
  if (isKnownToBreak(lessons.size, claim)) {
    return putOff(claim, { ...lessons, size }, now, { forMs: putOffs * putOffMs, retryAfterMs });
  }
  const { refusedCalls } = lessons;
  const forMs = Math.min(putOffs * putOffMs, firstPutOffMs * 2 ** Math.min(refusedCalls, 30));
  return putOff(claim, { ...lessons, size, refusedCalls: refusedCalls + 1 }, now, { forMs, retryAfterMs });
}
