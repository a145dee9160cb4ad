import type { Language } from "../../../base/language.ts";
import { type WallMs, wallMs } from "../../../base/time.ts";
import type { KeptRemark, RemarkFilter } from "../../follow-up/remark-archive.ts";
import { type RemarkEntry, remarkEntry, remarkWords } from "./catalogue.ts";
import { daysLeft, deadlineOf, dueSoonDays, webFormDays } from "./deadline.ts";
import { webFormNumbers } from "./numbers.ts";

/** A kept remark with what the catalogue says of it, as of one moment. */
export type RemarkView = {
  readonly kept: KeptRemark;
  readonly entry: RemarkEntry;
  readonly state: "open" | "done" | "gone";
  /** The last day of the web form, `YYYY-MM-DD`; `null` where it does not apply. */
  readonly deadline: string | null;
  /** Negative past it. */
  readonly daysLeft: number | null;
};

export function remarkView(kept: KeptRemark, language: Language, timeZone: string, now: WallMs): RemarkView {
  const entry = remarkEntry(kept.code, kept.text, language);
  const deadline = entry.webForm ? deadlineOf(kept.registeredAt, timeZone) : null;
  return {
    kept,
    entry,
    state: kept.doneAt !== null ? "done" : kept.goneAt !== null ? "gone" : "open",
    deadline,
    daysLeft: deadline === null ? null : daysLeft(deadline, now, timeZone),
  };
}

/**
 * All that can be due yet, the nearest last day first, and little else: a list has a limit, and what nobody has to do
 * anything about, or is too late for, must not take up its room. Two days more than the web form has: that of the
 * registration, and what a day of 25 hours adds.
 */
export function dueFilter(now: WallMs): Pick<RemarkFilter, "openOnly" | "seenFrom" | "codes" | "registeredFrom"> {
  const registeredFrom = wallMs(now - (webFormDays + 2) * dayMs);
  return { openOnly: true, seenFrom: null, codes: webFormNumbers(), registeredFrom };
}

const dayMs = 24 * 60 * 60 * 1000;

/** Whether it is open and its last day is within `days`, today included; what is already too late is not due any more. */
export function isDueWithin({ state, daysLeft: left }: RemarkView, days: number): boolean {
  return state === "open" && left !== null && left >= 0 && left <= days;
}

export function isDueSoon(view: RemarkView): boolean {
  return isDueWithin(view, dueSoonDays);
}

/** The published text, or the service's own where the document has none. */
export function officialText({ entry, kept }: RemarkView): string {
  return entry.official?.remark ?? kept.text;
}

export function leftText({ daysLeft: left }: RemarkView, language: Language): string {
  const words = remarkWords[language];
  if (left === null) return "";
  if (left === 0) return words.lastDay;
  return left > 0 ? words.daysLeft(left) : words.overdue(-left);
}
