import { present } from "../../base/assert.ts";
import { forwardEvents as events, type LogLine } from "../events.ts";
import type { Settlement } from "../queue.ts";

/** One line for all of a call's scans that are set aside, with the reason of the first; none where none is. */
export function refusedLines(settlements: readonly Settlement[], attemptId: number): readonly LogLine[] {
  const refused = settlements.flatMap((settlement) => (settlement.kind === "refused" ? [settlement.reason] : []));
  if (refused.length === 0) return [];
  const reason = present(refused[0], "a refusal has its reason");
  return [{ level: "warn", event: events.refused, fields: { count: refused.length, attemptId, reason } }];
}
