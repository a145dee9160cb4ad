import { durationWords } from "../base/duration-words.ts";
import { wallMs } from "../base/time.ts";
import { zonedText } from "../base/zoned-time.ts";
import {
  beginningOf,
  type Claimed,
  durationOf,
  endOf,
  evidenceFor,
  exemptionOf,
  type Interval,
  lastSegmentOf,
  type Supplier,
  stepsFor,
  stepText,
} from "./explanation.ts";
import { isOtherChannelOpen } from "./other-channel.ts";
import type { KeptEntry, KeptWindow } from "./outage-store.ts";
import type { Moment } from "./windows.ts";
import type { Words } from "./words.ts";

/** What an ordinary clock is trusted with; texts are of whole seconds. */
const vagueMs = 2_000;

/** Longer than the watch is between two looks in peace, with a slow one and the clock's bounds. */
const watchedMs = 120_000;

/** A window in words, for a supervisor. */
export function describeOutage(
  kept: KeptWindow,
  words: Words,
  timeZone: string,
  supplier: Supplier | null,
): readonly string[] {
  const { window, windowId, entries, delayed, withheld, firstRegisteredAfter } = kept;
  const text = words.window;
  const exemption = exemptionOf(kept);
  // Of one that goes on nobody knows it.
  const lasted = durationText(kept);
  // The one name that is longer than the others in most languages, and mostly not there.
  const width = Math.max(22, firstRegisteredAfter === null ? 0 : text.firstAfter.length);
  const line = (name: string, value: string): string => `${name.padEnd(width)}  ${value}`;
  return [
    `${text.title} ${windowId}`,
    line(text.began, intervalText(beginningOf(window), words, timeZone)),
    line(text.ended, endText(kept, words, timeZone)),
    ...(lasted === "" ? [] : [line(text.duration, lasted)]),
    ...window.segments.map(({ from, finding }) =>
      line(
        text.cause,
        `${momentText(from, timeZone)}: ${words.cause[finding.cause]} (${words.exemption[finding.exemption]})`,
      ),
    ),
    ...(mustRegisterElsewhere(kept) ? [words.step.registerElsewhereNow] : []),
    line("", `${words.exemption[exemption]}. ${words.because[exemption]}`),
    ...(window.flaps === 0 ? [] : [line("", text.flaps(window.flaps))]),
    ...(window.gaps.length === 0 ? [] : [line("", text.gaps(window.gaps.length))]),
    line(text.scansOf, text.scans(delayed, withheld)),
    ...(firstRegisteredAfter === null ? [] : [line(text.firstAfter, zonedText(firstRegisteredAfter, timeZone))]),
    `${text.steps}:`,
    ...stepsFor(exemption).map((step, index) => `  ${index + 1}. ${stepText(step, words, supplier)}`),
    ...(exemption === "not-exempt"
      ? []
      : [`${text.settledBy}:`, ...evidenceFor(window).map((each) => `  – ${words.evidence[each]}`)]),
    ...(entries.length === 0 ? [] : [`${text.notes}:`, ...entries.map((each) => `  ${entryText(each, timeZone)}`)]),
  ];
}

/** Of a moment that lies in a sleep of the box no more is known than that it was not later. */
export function momentText({ utcMs, errorBoundMs }: Moment, timeZone: string): string {
  if (errorBoundMs === null || errorBoundMs <= vagueMs) return zonedText(utcMs, timeZone);
  return `≤ ${zonedText(wallMs(utcMs + errorBoundMs), timeZone)}`;
}

/**
 * An end of a window in the one moment of a table: of one that lies in time in which nobody watched, such as that of a box
 * that was off, no more is known than that it was not later.
 *
 * @param interval in which that end lies
 */
export function edgeText(moment: Moment, { fromMs, toMs }: Interval, timeZone: string): string {
  const isWatched = fromMs === null || toMs - fromMs <= watchedMs;
  return isWatched ? momentText(moment, timeZone) : `≤ ${zonedText(toMs, timeZone)}`;
}

/** What has lasted until now and is the site's own. */
function mustRegisterElsewhere({ window }: Pick<Claimed, "window">): boolean {
  return window.end === null && isOtherChannelOpen(lastSegmentOf(window).finding.cause);
}

function endText({ window }: Pick<Claimed, "window">, words: Words, timeZone: string): string {
  const end = endOf(window);
  return end === null ? words.window.lasts : intervalText(end, words, timeZone);
}

function intervalText({ fromMs, toMs, isProven }: Interval, words: Words, timeZone: string): string {
  const to = zonedText(toMs, timeZone);
  if (!isProven) return words.window.notProven(to);
  return fromMs === null ? words.window.notLaterThan(to) : words.window.between(zonedText(fromMs, timeZone), to);
}

export function durationText({ window }: Pick<Claimed, "window">): string {
  const { atLeastMs, atMostMs } = durationOf(window);
  if (atLeastMs === null) return "";
  return atMostMs === null
    ? `≥ ${durationWords(atLeastMs)}`
    : `${durationWords(atLeastMs)} – ${durationWords(atMostMs)}`;
}

function entryText({ at, entry }: KeptEntry, timeZone: string): string {
  const when = zonedText(at, timeZone);
  switch (entry.kind) {
    case "note":
      return `${when}  ${entry.text}`;
    case "attachment":
      return `${when}  ${entry.name}, ${entry.bytes} bytes, SHA-256 ${entry.sha256}`;
    case "attempt":
      return `${when}  ${entry.channel}: ${entry.worked ? "✓" : "✗"}`;
  }
}
