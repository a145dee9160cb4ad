import { parseUtcText, utcText } from "../../../base/system-time.ts";
import { type WallMs, wallMs } from "../../../base/time.ts";
import { zonedText } from "../../../base/zoned-time.ts";

/** "Meld deze situatie binnen de 30 dagen via het webformulier." */
export const webFormDays: number = 30;

/** A remark whose last day is this near is told of every day. */
export const dueSoonDays: number = 7;

const dayMs = 24 * 60 * 60 * 1000;

/**
 * The last day on which the web form is in time, `YYYY-MM-DD`. The document does not say from when the 30 days count: they
 * are counted from the registration's own local date, the earliest day that it can mean, and not from when the remark was
 * raised or seen. That date itself is not counted, the last day is.
 */
export function deadlineOf(registeredAt: WallMs, timeZone: string): string {
  return dateOfDay(dayOf(localDate(registeredAt, timeZone)) + webFormDays);
}

/** Whole local days until the last one: 0 on the day itself, negative past it. */
export function daysLeft(deadline: string, now: WallMs, timeZone: string): number {
  return dayOf(deadline) - dayOf(localDate(now, timeZone));
}

/** `YYYY-MM-DD` in an IANA zone. */
export function localDate(at: WallMs, timeZone: string): string {
  return zonedText(at, timeZone).slice(0, 10);
}

/** Days since 1970, counted in UTC, where every day is as long as the next. */
function dayOf(date: string): number {
  return Math.round((parseUtcText(`${date}T00:00:00Z`) ?? Number.NaN) / dayMs);
}

function dateOfDay(day: number): string {
  return utcText(wallMs(day * dayMs)).slice(0, 10);
}
