import type { Moment, OutageWindow } from "./windows.ts";

/** A window with the moments of a boot that were noted before the clock knew the time, dated by now. */
export function datedWindow(window: OutageWindow, bootId: string, dateOf: (at: Moment) => Moment): OutageWindow {
  const date = (at: Moment): Moment => (isUndatedOf(at, bootId) ? dateOf(at) : at);
  const [first, ...others] = window.segments;
  return {
    ...window,
    lastGood: window.lastGood === null ? null : date(window.lastGood),
    firstBad: date(window.firstBad),
    openedAt: date(window.openedAt),
    segments: [{ ...first, from: date(first.from) }, ...others.map((each) => ({ ...each, from: date(each.from) }))],
    gaps: window.gaps.map(({ from, to }) => ({ from: date(from), to: date(to) })),
    ...(window.healed === undefined
      ? {}
      : { healed: window.healed.map(({ from, to }) => ({ from: date(from), to: date(to) })) }),
    end: window.end === null ? null : { lastBad: date(window.end.lastBad), firstGood: date(window.end.firstGood) },
  };
}

/** Whether an end of a window is a moment of a boot that its clock can date once it knows the time. */
export function isUndated({ firstBad, end }: OutageWindow, bootId: string): boolean {
  return [firstBad, end?.lastBad, end?.firstGood].some((at) => at !== undefined && isUndatedOf(at, bootId));
}

function isUndatedOf(at: Moment, bootId: string): boolean {
  return at.errorBoundMs === null && at.bootId === bootId;
}
