import { afterManyRefusals } from "../call-size.ts";
import type { LogLine } from "../events.ts";
import type { Settlement } from "../queue.ts";
import type { Judgement, Lessons } from "./lessons.ts";

/**
 * Refused calls count against a quota of their own at the service; after this many in a row badged backs off. Nor is a scan
 * set aside from then on that such a call names: a service that names one mistake a call may mean all of them.
 */
export const refusedCallsMax: number = 12;

/** Refused calls that lead somewhere go on at once or paced, until there were too many of them in a row. */
export function narrowed(settlements: readonly Settlement[], lessons: Lessons, lines: readonly LogLine[]): Judgement {
  if (lessons.refusedCalls >= refusedCallsMax) {
    const result = { kind: "failed", retryAfterMs: null } as const;
    return { settlements, lessons: { ...lessons, size: afterManyRefusals(lessons.size) }, result, lines };
  }
  const next = lessons.refusedCalls === 1 ? "at-once" : "paced";
  return { settlements, lessons, result: { kind: "narrowed", next }, lines };
}
