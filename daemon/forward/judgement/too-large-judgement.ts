import type { WallMs } from "../../base/time.ts";
import { afterTooLarge } from "../call-size.ts";
import { forwardEvents as events, type LogLine } from "../events.ts";
import type { Claim } from "../queue.ts";
import type { CallOutcome } from "../upstream.ts";
import type { Judgement, Lessons } from "./lessons.ts";
import { narrowed } from "./narrowing.ts";
import { allAgain, putOff } from "./putting-off.ts";

/** 413: nothing was registered, and smaller calls follow. */
export function judgeTooLarge(
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
  const judgement = narrowed(allAgain(claim), { ...lessons, size, refusedCalls }, [line]);
  return retryAfterMs === null ? judgement : { ...judgement, result: { kind: "failed", retryAfterMs } };
}
