import { unreachable } from "../../base/assert.ts";
import type { WallMs } from "../../base/time.ts";
import { afterAnswer } from "../call-size.ts";
import { forwardEvents as events } from "../events.ts";
import type { Claim, DueScan, Settlement } from "../queue.ts";
import { setAsideUnread } from "../unread-answers.ts";
import type { CallOutcome, ItemOutcome } from "../upstream.ts";
import { doubtLine, judgeFailure } from "./failure-judgement.ts";
import { type Judgement, type Lessons, noLessons } from "./lessons.ts";
import { putOffUntil } from "./putting-off.ts";
import { judgeUnselective } from "./refusal-judgement.ts";
import { refusedLines } from "./refused-line.ts";

/** The service answered the call, scan by scan. */
export function judgeAnswer(
  claim: Claim,
  { items, report }: Extract<CallOutcome, { kind: "answered" }>,
  lessons: Lessons,
  now: WallMs,
): Judgement {
  const read = claim.scans.map((scan, index) => settlementOf(scan, items[index], now));
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
  const scanIds = claim.scans.map(({ scanId }) => scanId);
  return {
    settlements,
    lessons: { ...noLessons, isUnderstood: true, size: afterAnswer(lessons.size, scanIds), unread },
    result: { kind: "went-through" },
    lines,
  };
}

function settlementOf({ scanId }: DueScan, item: ItemOutcome = { kind: "unanswered" }, now: WallMs): Settlement {
  switch (item.kind) {
    case "created": {
      const { registrationId, validity, remarks } = item;
      return { kind: "registered", scanId, registrationId, validity, remarks };
    }
    case "refused":
      return { kind: "refused", scanId, reason: item.reason };
    case "unanswered":
      return { kind: "doubtful", scanId, notBefore: putOffUntil(now) };
    default:
      return unreachable(item);
  }
}

function count(settlements: readonly Settlement[], kind: Settlement["kind"]): number {
  return settlements.filter((settlement) => settlement.kind === kind).length;
}
