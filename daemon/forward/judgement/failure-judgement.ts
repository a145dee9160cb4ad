import type { WallMs } from "../../base/time.ts";
import { afterFailure } from "../call-size.ts";
import { forwardEvents as events, type LogLine } from "../events.ts";
import type { Claim, Settlement } from "../queue.ts";
import { setAsideUnread } from "../unread-answers.ts";
import type { CallOutcome, CallReport } from "../upstream.ts";
import type { Judgement, Lessons } from "./lessons.ts";
import { allAgain, putOffLine, putOffMs, putOffUntil } from "./putting-off.ts";

/** The call failed, and says nothing of any of its scans; what it may have registered is in doubt. */
export function judgeFailure(
  claim: Claim,
  outcome: Extract<CallOutcome, { kind: "not-processed" | "ambiguous" }>,
  lessons: Lessons,
  now: WallMs,
): Judgement {
  const { attemptId, scans } = claim;
  const isAmbiguous = outcome.kind === "ambiguous";
  const scanIds = scans.map(({ scanId }) => scanId);
  const { size, putOffs } = afterFailure(lessons.size, scanIds, isAmbiguous);
  const forMs = putOffs * putOffMs;
  const notBefore = putOffs > 0 ? putOffUntil(now, forMs) : null;
  const lines: LogLine[] = isAmbiguous ? [doubtLine(scans.length, attemptId, outcome.report)] : [];
  if (putOffs > 0) lines.push(putOffLine(attemptId, scans.length, forMs));
  const result = { kind: "failed", retryAfterMs: outcome.retryAfterMs } as const;
  if (!isAmbiguous) return { settlements: allAgain(claim), lessons: { ...lessons, size }, result, lines };
  const doubtful = scanIds.map((scanId): Settlement => ({ kind: "doubtful", scanId, notBefore }));
  if (outcome.isUnread !== true) return { settlements: doubtful, lessons: { ...lessons, size }, result, lines };
  const { settlements, unread, lines: aside } = setAsideUnread(doubtful, lessons.unread, attemptId);
  return { settlements, lessons: { ...lessons, size, unread }, result, lines: [...lines, ...aside] };
}

export function doubtLine(doubtful: number, attemptId: number, { outcome }: CallReport): LogLine {
  return { level: "warn", event: events.doubtful, fields: { count: doubtful, attemptId, outcome } };
}
