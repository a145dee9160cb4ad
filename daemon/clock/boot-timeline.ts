import type { MonotonicNs } from "../base/time.ts";
import { type Anchor, utcAt } from "./anchor.ts";
import type { DriftRates } from "./drift.ts";
import type { Stamp } from "./stamp.ts";
import { type BreakSides, breakStamp, isBroken, retroactiveStamp, type TimeBreak } from "./stamping.ts";
import { earliest, latest } from "./utc.ts";

/**
 * What is known of the monotonic time of one boot: the anchors that were proven in it, oldest first, and the breaks that
 * none of them reaches across.
 */
export type BootTimeline = { readonly anchors: readonly Anchor[]; readonly breaks: readonly TimeBreak[] };

export const nothingKnown: BootTimeline = { anchors: [], breaks: [] };

export const anchorsOfBootMax: number = 512;
export const breaksMax: number = 256;
/** On either side of a moment; as many as the store looks at for a scan. */
const nearMax = 4;

export function withAnchor(timeline: BootTimeline, anchor: Anchor): BootTimeline {
  return { ...timeline, anchors: [...timeline.anchors, anchor].slice(-anchorsOfBootMax) };
}

/** Beyond the limit the two oldest become one: no break is ever forgotten. */
export function withBreak(timeline: BootTimeline, found: TimeBreak): BootTimeline {
  const breaks = [...timeline.breaks, found];
  const [oldest, next, ...others] = breaks;
  if (breaks.length <= breaksMax || oldest === undefined || next === undefined) return { ...timeline, breaks };
  const both: TimeBreak = {
    kind: "contradiction",
    sinceNs: earliest(oldest.sinceNs, next.sinceNs),
    atNs: latest(oldest.atNs, next.atNs),
  };
  return { ...timeline, breaks: [both, ...others] };
}

/**
 * When a moment of the boot was: from the anchor that bounds it best, else between the anchors around the break that it
 * lies in, as a scan is dated. `null` when neither proves it: nothing was proven on its side of a break.
 */
export function provenAt(
  { anchors, breaks }: BootTimeline,
  moment: { readonly bootId: string; readonly monotonicNs: MonotonicNs },
  rates: DriftRates,
): Pick<Stamp, "utcMs" | "errorBoundMs"> | null {
  const scan = { ...moment, captureLagMs: 0 };
  const later = anchors.findIndex(({ atNs }) => atNs > scan.monotonicNs);
  const split = later < 0 ? anchors.length : later;
  // What breaks the way to the nearest breaks that to all beyond it.
  const near = anchors.slice(Math.max(0, split - nearMax), split + nearMax);
  const reached = retroactiveStamp(scan, near, breaks, rates);
  if (reached !== null) return reached;
  const [before, after] = [anchors[split - 1], anchors[split]];
  if (before === undefined || after === undefined) return null;
  const sides: BreakSides = { before, proofBeforeBoot: utcAt(before, before.atNs), after };
  return breakStamp(scan, sides, breaks, rates);
}

/** How long the box is known to have slept after a moment: what the wall clock counts and monotonic time does not. */
export function sleptSinceMs({ breaks }: BootTimeline, atNs: MonotonicNs): number {
  return breaks.reduce((sum, each) => sum + (each.kind === "suspend" && each.sinceNs >= atNs ? each.forMs : 0), 0);
}

/** Whether what holds at one moment holds at the other. */
export function isUnbroken({ breaks }: BootTimeline, one: MonotonicNs, other: MonotonicNs): boolean {
  return !isBroken(breaks, one, other);
}

/** The last quorum of the boot from which nothing has broken monotonic time until now; `null` when there is none. */
export function lastQuorum(timeline: BootTimeline, nowNs: MonotonicNs): Anchor | null {
  const last = timeline.anchors.findLast(({ basis }) => basis === "quorum");
  return last !== undefined && isUnbroken(timeline, last.atNs, nowNs) ? last : null;
}
