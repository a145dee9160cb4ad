import type { MonotonicNs } from "../base/time.ts";
import { driftNs, earliest, floorDivide, latest, magnitude, nsPerSecond, type UtcNs, utcNs, utcOf } from "./utc.ts";

/** What one synchronisation proved: at `atNs`, UTC − monotonic time was within `thetaNs` ± `boundNs`. */
export type Anchor = {
  readonly syncId: string;
  readonly bootId: string;
  /** A quorum of NTP servers, or the service's own `Date` where NTP is blocked. */
  readonly basis: "quorum" | "service";
  readonly atNs: MonotonicNs;
  readonly thetaNs: bigint;
  /** E0. */
  readonly boundNs: bigint;
  /** The oldest answer in it: a leap second since then is not in θ. */
  readonly oldestSampleNs: MonotonicNs;
  /** A true chimer announced a leap second for the end of this month. */
  readonly leapAnnounced: boolean;
};

export function utcAt(anchor: Anchor, atNs: MonotonicNs): UtcNs {
  return utcOf(atNs, anchor.thetaNs);
}

/**
 * E = E0 + ρ·elapsed, before and after the anchor alike. Over a possible leap second it is a second more: whether it
 * came, and what each server made of it, is known only at the next synchronisation.
 */
export function boundAt(anchor: Anchor, atNs: MonotonicNs, ppm: number): bigint {
  const bound = anchor.boundNs + driftNs(atNs - anchor.atNs, ppm);
  return isOverLeap(anchor, atNs, bound) ? bound + nsPerSecond : bound;
}

/** Whether both can be true at `atNs`. */
export function consistent(one: Anchor, other: Anchor, atNs: MonotonicNs, ppm: number): boolean {
  return magnitude(one.thetaNs - other.thetaNs) <= boundAt(one, atNs, ppm) + boundAt(other, atNs, ppm);
}

/** Whether all that the narrower one allows at `atNs` is within the wider one. */
export function holds(wider: Anchor, narrower: Anchor, atNs: MonotonicNs, ppm: number): boolean {
  const apart = magnitude(wider.thetaNs - narrower.thetaNs);
  return apart + boundAt(narrower, atNs, ppm) <= boundAt(wider, atNs, ppm);
}

/** Whether a leap second may lie between an anchor and another moment, both as far off as the anchor's own bound says. */
export function mayHaveLeapt(anchor: Anchor, atNs: MonotonicNs): boolean {
  return isOverLeap(anchor, atNs, anchor.boundNs);
}

function isOverLeap(anchor: Anchor, atNs: MonotonicNs, boundNs: bigint): boolean {
  const moments = [anchor.atNs, atNs] as const;
  const from = monthOf(utcNs(utcAt(anchor, earliest(anchor.oldestSampleNs, ...moments)) - boundNs));
  const to = monthOf(utcNs(utcAt(anchor, latest(anchor.oldestSampleNs, ...moments)) + boundNs));
  // ITU-R TF.460 lets a leap second come at the end of any month; all so far came at the end of June or December.
  return anchor.leapAnnounced ? from !== to : Math.floor(from / 6) !== Math.floor(to / 6);
}

const daysFrom0000To1970 = 719_468n;
const daysPer400Years = 146_097n;

/** Months since year 0 of the Gregorian calendar; March-based days make the leap day the last of its year. */
export function monthOf(at: UtcNs): number {
  const days = floorDivide(at, 86_400n * nsPerSecond) + daysFrom0000To1970;
  const cycle = floorDivide(days, daysPer400Years);
  const dayOfCycle = Number(days - cycle * daysPer400Years);
  const year = Math.floor(
    (dayOfCycle - Math.floor(dayOfCycle / 1460) + Math.floor(dayOfCycle / 36_524) - Math.floor(dayOfCycle / 146_096)) /
      365,
  );
  const dayOfYear = dayOfCycle - (365 * year + Math.floor(year / 4) - Math.floor(year / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  return (Number(cycle) * 400 + year) * 12 + monthFromMarch + 2;
}
