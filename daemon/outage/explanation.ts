import { type WallMs, wallMs } from "../base/time.ts";
import type { Evidence, Exemption } from "./cause.ts";
import type { Moment, OutageWindow, Segment } from "./windows.ts";
import type { Language, Words } from "./words.ts";
import { german } from "./words-de.ts";
import { english } from "./words-en.ts";
import { french } from "./words-fr.ts";
import { dutch } from "./words-nl.ts";

export const wordsIn: Readonly<Record<Language, Words>> = { nl: dutch, fr: french, de: german, en: english };

/** A window, and whether somebody recorded that another channel worked while it lasted. */
export type Claimed = { readonly window: OutageWindow; readonly otherChannelWorked: boolean };

/** Whom to telephone first; from the configuration. */
export type Supplier = { readonly name: string; readonly phone: string };

/** A step of the procedure, in the order in which it has to be taken. */
export type ProcedureStep = "supplier" | "otherChannel" | "exempt" | "nextMoment" | "keepVerifiable";

/**
 * What the procedure document asks for: the supplier first, then another channel, and only then the exemption, which
 * nobody has by an own fault. Whatever it was, nobody registers afterwards what could not be registered then.
 */
export function stepsFor(exemption: Exemption): readonly ProcedureStep[] {
  switch (exemption) {
    case "not-exempt":
      return ["supplier", "otherChannel", "nextMoment"];
    case "presumed":
    case "ambiguous":
      return ["supplier", "otherChannel", "exempt", "keepVerifiable", "nextMoment"];
  }
}

export function stepText(step: ProcedureStep, words: Words, supplier: Supplier | null): string {
  if (step !== "supplier") return words.step[step];
  return supplier === null ? words.step.supplierUnknown : words.step.supplier(supplier.name, supplier.phone);
}

/**
 * What a window as a whole may claim: the least of its segments, for one own fault in it is enough to ask, and nothing
 * when another channel worked.
 */
export function exemptionOf({ window: { segments }, otherChannelWorked }: Claimed): Exemption {
  if (otherChannelWorked) return "not-exempt";
  const found = new Set(segments.map(({ finding }) => finding.exemption));
  if (found.has("not-exempt")) return "not-exempt";
  return found.has("ambiguous") ? "ambiguous" : "presumed";
}

/** Everything that would settle or support the findings of a window, each once, in the order in which it came up. */
export function evidenceFor({ segments }: OutageWindow): readonly Evidence[] {
  return [...new Set(segments.flatMap(({ finding }) => finding.settledBy))];
}

/**
 * The interval in which a window began or ended, widened by the clock's bound at both of its moments. Where nothing proves
 * the time of its later one, that is the box's own clock, and `isProven` false.
 */
export type Interval = { readonly fromMs: WallMs | null; readonly toMs: WallMs; readonly isProven: boolean };

export function beginningOf({ lastGood, firstBad }: OutageWindow): Interval {
  return between(lastGood, firstBad);
}

export function endOf({ end }: OutageWindow): Interval | null {
  return end === null ? null : between(end.lastBad, end.firstGood);
}

function between(before: Moment | null, after: Moment): Interval {
  return { fromMs: earliestOf(before), toMs: latestOf(after), isProven: after.errorBoundMs !== null };
}

/** How long it lasted for certain, and at most; `null` for what is not bounded. */
export function durationOf(window: OutageWindow): {
  readonly atLeastMs: number | null;
  readonly atMostMs: number | null;
} {
  const { lastGood, firstBad, end } = window;
  const [earliest, latest] = [earliestOf(lastGood), end === null ? null : latestOf(end.firstGood)];
  const lastBad = earliestOf(end?.lastBad ?? null);
  const isProven = firstBad.errorBoundMs !== null && end?.firstGood.errorBoundMs !== null;
  if (end === null || lastBad === null || !isProven) return { atLeastMs: null, atMostMs: null };
  return {
    atLeastMs: Math.max(0, lastBad - latestOf(firstBad) - unwatchedMs(window, end.lastBad.utcMs)),
    atMostMs: earliest === null || latest === null ? null : latest - earliest,
  };
}

/**
 * Time up to a moment that was not watched, or in which something was well, at most: each millisecond once. An end of a gap
 * that lies in a sleep of the box is bounded by no less than that.
 */
function unwatchedMs({ gaps, healed = [] }: OutageWindow, untilMs: WallMs): number {
  const spans = [...healed, ...gaps].map(({ from, to }) => ({
    fromMs: earliestOf(from) ?? from.utcMs,
    toMs: latestOf(to),
  }));
  let sumMs = 0;
  let countedTo = Number.NEGATIVE_INFINITY;
  for (const { fromMs, toMs } of spans.toSorted((one, other) => one.fromMs - other.fromMs)) {
    const end = Math.min(toMs, untilMs);
    sumMs += Math.max(0, end - Math.max(fromMs, countedTo));
    countedTo = Math.max(countedTo, end);
  }
  return sumMs;
}

/** The segment in force, or the last one. */
export function lastSegmentOf({ segments }: OutageWindow): Segment {
  return segments.at(-1) ?? segments[0];
}

/** `null` for no moment, or one whose time nothing proves. */
function earliestOf(moment: Moment | null): WallMs | null {
  return moment === null || moment.errorBoundMs === null ? null : wallMs(moment.utcMs - moment.errorBoundMs);
}

function latestOf({ utcMs, errorBoundMs }: Moment): WallMs {
  return wallMs(utcMs + (errorBoundMs ?? 0));
}
