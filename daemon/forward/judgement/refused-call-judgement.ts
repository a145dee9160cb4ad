import type { WallMs } from "../../base/time.ts";
import { afterRefusedCall, isKnownToBreak } from "../call-size.ts";
import type { Claim } from "../queue.ts";
import type { CallOutcome } from "../upstream.ts";
import type { Judgement, Lessons } from "./lessons.ts";
import { allAgain, putOff, putOffMs } from "./putting-off.ts";

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

/** Whether the service failed the call for its only scan, which it was known to do: that says nothing of how it is doing. */
export function isOfItsScan(claim: Claim, outcome: CallOutcome, { size }: Lessons): boolean {
  if (!isKnownToBreak(size, claim)) return false;
  const isAnswered = outcome.report.httpStatus !== null;
  return isAnswered && (outcome.kind === "ambiguous" || (outcome.kind === "not-processed" && isRefusedCall(outcome)));
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
  const refused = { ...lessons, size, refusedCalls: lessons.refusedCalls + 1 };
  return putOff(claim, refused, now, { forMs: putOffs * putOffMs, retryAfterMs });
}
