import { belgianZone } from "./belgium.ts";
import { dateOf } from "./system-time.ts";
import { type WallMs, wallMs } from "./time.ts";

/** Local date and time with its offset in an IANA zone: `2026-10-25 02:30:00 GMT+1`; both folds of DST stay distinct. */
export function zonedText(at: WallMs, timeZone: string): string {
  const parts = zonedParts(at, timeZone);
  const part = (wanted: string): string => parts.find(({ type }) => type === wanted)?.value ?? "";
  return `${part("year")}-${part("month")}-${part("day")} ${part("hour")}:${part("minute")}:${part("second")} ${part("timeZoneName")}`;
}

export type ZonedPart = { readonly type: string; readonly value: string };

/**
 * `year`, `month`, `day`, `hour` (00 to 23), `minute`, `second`, `weekday` (`Mon`) and `timeZoneName` (`GMT+1`), as
 * `Intl.DateTimeFormat` names and writes them. The first formatter of a process opens the calendar of every language
 * that Node knows, 10 MB that stay in memory; where the process's own zone is the one that is asked for, it says the same.
 */
export function zonedParts(at: WallMs, timeZone: string): readonly ZonedPart[] {
  return isOwnZone(timeZone) ? ownParts(at) : intlParts(at, timeZone);
}

/**
 * Makes the zone of a Belgian site that of this process, of the threads that share its environment, and of those that it
 * starts later. Any other zone is left to `Intl`, which refuses a name that it does not know; `TZ` would silently mean
 * another zone.
 */
export function adoptZone(timeZone: string): void {
  if (timeZone === belgianZone) process.env["TZ"] = timeZone;
}

/** The offset of Belgium in a winter and in a summer: a Node whose zones are missing or wrong does not pass. */
const probes = [
  { at: wallMs(1_767_225_600_000), minutes: 60 },
  { at: wallMs(1_782_864_000_000), minutes: 120 },
] as const;

function isOwnZone(timeZone: string): boolean {
  return (
    timeZone === belgianZone &&
    process.env["TZ"] === timeZone &&
    probes.every(({ at, minutes }) => offsetMinutes(at) === minutes)
  );
}

function offsetMinutes(at: WallMs): number {
  return -dateOf(at).getTimezoneOffset();
}

const weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const;

function ownParts(at: WallMs): readonly ZonedPart[] {
  const date = dateOf(at);
  return [
    { type: "year", value: String(date.getFullYear()) },
    { type: "month", value: twoDigits(date.getMonth() + 1) },
    { type: "day", value: twoDigits(date.getDate()) },
    { type: "hour", value: twoDigits(date.getHours()) },
    { type: "minute", value: twoDigits(date.getMinutes()) },
    { type: "second", value: twoDigits(date.getSeconds()) },
    { type: "weekday", value: weekdays[date.getDay()] ?? "" },
    // Belgium's offset has been whole hours, east of Greenwich or none, since 1892.
    { type: "timeZoneName", value: `GMT${offsetMinutes(at) === 0 ? "" : `+${offsetMinutes(at) / 60}`}` },
  ];
}

function intlParts(at: WallMs, timeZone: string): readonly ZonedPart[] {
  return new Intl.DateTimeFormat("en-GB", {
    timeZone,
    weekday: "short",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
    timeZoneName: "shortOffset",
  }).formatToParts(at);
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
