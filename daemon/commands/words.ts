import type { ArchivedScan } from "../scan/archive.ts";
import { foreignMark } from "../scan/draft.ts";
import type { ScanState } from "../scan/scan.ts";

/** A state as a supervisor reads it. A queued scan is never called a registration. */
export const stateWords: Readonly<Record<ScanState, string>> = {
  waiting: "recorded, to be sent",
  sending: "being sent",
  registered: "registered",
  refused: "refused by the service",
  withheld: "kept back for a person to decide",
  "unknown-badge": "unknown badge, not sent",
  double: "double scan, not sent",
};

/** Of a time that nothing but the service's `Date` bounds, in the status and of a scan alike. */
export const serviceClockWords = "from the service's own clock";

/** Of a scan that is kept as it came. */
export const foreignWords = "not understood with the reader's badge settings: these are wrong, or it is no badge";

/** Whether what the reader sent could not be brought into the roster's form. */
export function isForeign({ badgeNumber, badgeRaw }: ArchivedScan): boolean {
  return badgeNumber === `${foreignMark}${badgeRaw}`;
}

/** The state of one scan: one that waits may wait for its time. */
export function stateOf({ state, stamp }: ArchivedScan): string {
  return state === "waiting" && stamp.errorBoundMs === null
    ? "recorded, waits for the box to know the time"
    : stateWords[state];
}

export function doubtWords(scan: ArchivedScan): string {
  if (scan.doubt === null) return "";
  const { attemptId, outcome, searched } = scan.doubt;
  const search = searched === null ? "" : `; then ${searched === "found" ? "found" : "not found"} at the service`;
  return `possible duplicate (attempt ${attemptId}: ${outcome}${search})`;
}
