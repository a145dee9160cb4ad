/**
 * The two kinds of time, as two types.
 *
 * Durations come from monotonic time; what people and the service read is wall time. Mixing them is how a
 * badge clock ends up two hours off, so the compiler keeps them apart.
 */

declare const kind: unique symbol;

/** Nanoseconds of CLOCK_MONOTONIC; comparable only within one boot. */
export type MonotonicNs = bigint & { readonly [kind]: "monotonic" };

/** Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted (POSIX). */
export type WallMs = number & { readonly [kind]: "wall" };

export function monotonicNs(value: bigint): MonotonicNs {
  return value as MonotonicNs;
}

export function wallMs(value: number): WallMs {
  return value as WallMs;
}

/** Whole and broken milliseconds from `from` to `to`; negative when `to` is earlier. */
export function elapsedMs(from: MonotonicNs, to: MonotonicNs): number {
  return Number(to - from) / 1e6;
}

/** Reads the clocks and owns the timers. Handed to every shell, so that tests own time. */
export interface Time {
  monotonicNs(): MonotonicNs;
  wallMs(): WallMs;
  /** Calls `run` once after `delayMs`; disposing cancels. The timer does not keep the process alive. */
  after(delayMs: number, run: () => void): Disposable;
  /** Calls `run` every `periodMs` until disposed. The timer does not keep the process alive. */
  every(periodMs: number, run: () => void): Disposable;
  /** Resolves after `delayMs`, or at once when `signal` aborts. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}
