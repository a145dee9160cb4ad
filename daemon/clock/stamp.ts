import type { MonotonicNs, WallMs } from "../base/time.ts";

/** How far the clock can be trusted. */
export type ClockState = "unsynchronised" | "synchronised" | "holdover" | "untrusted";

/** When a badge was read. Written once, never altered afterwards. */
export type Stamp = {
  readonly bootId: string;
  /** Monotonic time of the event that delivered the first byte. */
  readonly monotonicNs: MonotonicNs;
  /** The clock's best estimate of UTC at that moment. */
  readonly utcMs: WallMs;
  /** Half-width of the interval that holds the true UTC; `null` while nothing proves one. */
  readonly errorBoundMs: number | null;
  readonly state: ClockState;
  /** From the first byte's event until the stamp was made: event loop and slow disk. */
  readonly captureLagMs: number;
};

/** Turns monotonic moments of this boot into stamps. */
export interface Clock {
  stamp(firstByteNs: MonotonicNs): Stamp;
}
