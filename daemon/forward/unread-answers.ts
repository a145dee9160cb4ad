import { forwardEvents as events, type LogLine } from "./events.ts";
import type { Settlement } from "./queue.ts";

/** How often a scan was answered with success and nothing that can be read; none that is settled is among them. */
export type UnreadAnswers = ReadonlyMap<number, number>;

/**
 * After this many answers of success that say nothing badged can read of a scan, it is set aside: the service may well have
 * registered it each time, and would for ever. Nor does a search that finds nothing begin the count anew: what it looks
 * into may lag behind.
 */
export const unreadAnswersMax: number = 5;

/** Counts the answers of success that said nothing of a scan in doubt, and sets aside who had too many. */
export function setAsideUnread(
  settlements: readonly Settlement[],
  before: UnreadAnswers,
  attemptId: number,
): {
  readonly settlements: readonly Settlement[];
  readonly unread: UnreadAnswers;
  readonly lines: LogLine[];
} {
  const unread = new Map(before);
  let count = 0;
  const kept = settlements.map((settlement): Settlement => {
    const { scanId, kind } = settlement;
    const answers = (unread.get(scanId) ?? 0) + 1;
    unread.delete(scanId);
    if (kind !== "doubtful") return settlement;
    if (answers < unreadAnswersMax) {
      unread.set(scanId, answers);
      return settlement;
    }
    count += 1;
    return { kind: "refused", scanId, reason: unreadReason };
  });
  // A worker's next scan is none the better for the memory of one that nobody has sent since.
  for (const oldest of unread.keys()) {
    if (unread.size <= unreadKeptMax) break;
    unread.delete(oldest);
  }
  return {
    settlements: kept,
    unread,
    lines: count === 0 ? [] : [{ level: "error", event: events.unread, fields: { count, attemptId } }],
  };
}

const unreadKeptMax = 10_000;

/** Why such a scan is refused: it is not to be sent again unseen. */
export const unreadReason: string = `the service answered it ${unreadAnswersMax} times with success, in a form that cannot be read: it may hold the registration; look there before it is released`;
