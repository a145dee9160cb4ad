import { wallMs } from "../../base/time.ts";
import { zonedText } from "../../base/zoned-time.ts";
import type { Interval } from "../verify/log-line.ts";
import type { ReportWords } from "./report-words.ts";

/** A moment as a site's people read it: date, time of day, and the offset from UTC, since an hour comes twice in autumn. */
export type LocalTime = { readonly date: string; readonly clock: string; readonly offset: string };

export function localTime(atMs: number, timeZone: string): LocalTime {
  const [date = "", clock = "", offset = ""] = zonedText(wallMs(atMs), timeZone).split(" ");
  return { date, clock, offset: offset.replace("GMT", "UTC") };
}

export function momentText(atMs: number, timeZone: string): string {
  const { date, clock, offset } = localTime(atMs, timeZone);
  return `${date} ${clock} ${offset}`;
}

/** Whole seconds, widened and never narrowed; the date and the offset once where both ends share them. */
export function intervalText([fromMs, toMs]: Interval, words: ReportWords, timeZone: string): string {
  if (fromMs === null && toMs === null) return words.notProven;
  const floor = fromMs === null ? null : Math.floor(fromMs / 1000) * 1000;
  const ceiling = toMs === null ? null : Math.ceil(toMs / 1000) * 1000;
  if (floor === null) return ceiling === null ? words.notProven : words.notAfter(momentText(ceiling, timeZone));
  if (ceiling === null) return words.notBefore(momentText(floor, timeZone));
  const from = localTime(floor, timeZone);
  const to = localTime(ceiling, timeZone);
  return from.date === to.date && from.offset === to.offset
    ? `${words.between(`${from.date} ${from.clock}`, to.clock)} (${from.offset})`
    : words.between(momentText(floor, timeZone), momentText(ceiling, timeZone));
}
