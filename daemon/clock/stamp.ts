import { type MonotonicNs, type WallMs, wallMs } from "../base/time.ts";

/** How far the clock can be trusted. */
export type ClockState = "unsynchronised" | "synchronised" | "holdover" | "untrusted";

/**
 * How a stamp came by its UTC.
 *
 * - `live`: when the badge was read.
 * - `retroactive`: the badge was read while nothing proved the time; its UTC follows from a synchronisation of the same
 *   boot.
 * - `bracket`: its boot never synchronised. The interval is proven, the middle is no estimate: a person decides.
 */
export type StampHow = "live" | "retroactive" | "bracket";

/** When a badge was read, with all that lets someone else recompute it. Written once, never altered afterwards. */
export type Stamp = StampMoment & {
  readonly how: StampHow;
  /** The clock's best estimate of UTC at that moment. */
  readonly utcMs: WallMs;
  /** Half-width of the interval that holds the true UTC; `null` while nothing proves one. */
  readonly errorBoundMs: number | null;
  /** `utcMs` − `errorBoundMs` and `utcMs` + `errorBoundMs`; `null` while nothing proves a bound. */
  readonly earliestMs: WallMs | null;
  readonly latestMs: WallMs | null;
  /** The synchronisation it rests on; `null` when it rests on none. */
  readonly syncId: string | null;
  readonly state: ClockState;
};

/** What of a stamp is known whatever the time: which moment of which boot. */
export type StampMoment = {
  readonly bootId: string;
  /** Monotonic time of the event that delivered the first byte. */
  readonly monotonicNs: MonotonicNs;
  /** From the first byte's event until the stamp was made: event loop and slow disk. */
  readonly captureLagMs: number;
};

/** Turns monotonic moments of this boot into stamps. */
export interface Clock {
  stamp(firstByteNs: MonotonicNs): Stamp;
}

/** A stamp from what is kept of it: the interval follows from the estimate and its bound. */
export function withInterval(stamp: Omit<Stamp, "earliestMs" | "latestMs">): Stamp {
  const { utcMs, errorBoundMs } = stamp;
  return {
    ...stamp,
    earliestMs: errorBoundMs === null ? null : wallMs(utcMs - errorBoundMs),
    latestMs: errorBoundMs === null ? null : wallMs(utcMs + errorBoundMs),
  };
}
