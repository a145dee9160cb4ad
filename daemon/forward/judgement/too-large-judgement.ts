import { assert } from "../../base/assert.ts";
import { afterTooLarge } from "../call-size.ts";
import { forwardEvents as events, type LogLine } from "../events.ts";
import type { Claim } from "../queue.ts";
import type { CallOutcome } from "../upstream.ts";
import type { Judgement, Lessons } from "./lessons.ts";
import { narrowed } from "./narrowing.ts";
import { allAgain } from "./putting-off.ts";

/** 413 to a call of several scans: nothing was registered, and smaller calls follow. */
export function judgeTooLarge(
  claim: Claim,
  { retryAfterMs }: Extract<CallOutcome, { kind: "not-processed" }>,
  lessons: Lessons,
): Judgement {
  assert(claim.scans.length > 1, "of one scan no smaller call can be made");
  const refusedCalls = lessons.refusedCalls + 1;
  const size = afterTooLarge(lessons.size, claim.scans.length);
  const fields = { count: claim.scans.length, attemptId: claim.attemptId, nextMax: size.ceiling };
  const line: LogLine = { level: "warn", event: events.batchTooLarge, fields };
  const judgement = narrowed(allAgain(claim), { ...lessons, size, refusedCalls }, [line]);
  return retryAfterMs === null ? judgement : { ...judgement, result: { kind: "failed", retryAfterMs } };
}
