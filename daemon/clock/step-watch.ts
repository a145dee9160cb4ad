import type { MonotonicNs, WallMs } from "../base/time.ts";
import { utcNsOfWall } from "./utc.ts";

/** Three clocks read together. */
export type ClockReading = {
  /** Monotonic time before and after the others were read: a process that lost the processor between them saw nothing. */
  readonly beforeNs: MonotonicNs;
  readonly afterNs: MonotonicNs;
  /** CLOCK_REALTIME, which is stepped. */
  readonly wallMs: WallMs;
  /** CLOCK_BOOTTIME, which counts suspend (`/proc/uptime`); `null` where it cannot be read. */
  readonly uptimeMs: number | null;
};

/** BOOTTIME − MONOTONIC changed: the box slept between both moments. */
export type Suspend = {
  readonly kind: "suspend";
  readonly sinceNs: MonotonicNs;
  readonly atNs: MonotonicNs;
  readonly forMs: number;
};

/** Events, never corrections: badged's time does not rest on the system clock. */
export type ClockEvent =
  /** REALTIME − MONOTONIC changed: somebody set the system clock. */
  | { readonly kind: "step"; readonly sinceNs: MonotonicNs; readonly atNs: MonotonicNs; readonly byMs: number }
  | Suspend
  /**
   * A quorum contradicted that of `sinceNs`, or the service its own anchor of then: in between, monotonic time or that one
   * was wrong.
   */
  | { readonly kind: "contradiction"; readonly sinceNs: MonotonicNs; readonly atNs: MonotonicNs };

export type StepWatch = {
  readonly lastNs: MonotonicNs;
  readonly wallOffsetNs: bigint;
  readonly uptimeOffsetMs: number | null;
  /** How long the reading took that these are of, and how much too high they may be; 0 for a quick one. */
  readonly slackMs: number;
} | null;

/** A slew moves both clocks alike and is not seen here; a step this small was found with readings every 100 ms. */
export const stepThresholdMs: number = 5;
/** `/proc/uptime` cuts to hundredths of a second. */
export const uptimeStepMs: number = 10;
/**
 * Both clocks are of one timekeeper: of four million comparisons none was off by more than that step and the length of the
 * reading.
 */
export const suspendThresholdMs: number = 15;
/** Two runs are compared by readings of any length. */
export const sleptBetweenMinMs: number = 100;
/**
 * The clocks are compared with a first reading that took no longer than this; a later one that takes long says nothing
 * finer than its own length.
 */
export const readingMaxMs: number = 2;

export function lengthMs({ beforeNs, afterNs }: ClockReading): number {
  return Number(afterNs - beforeNs) / 1e6;
}

export function isQuick(reading: ClockReading): boolean {
  return lengthMs(reading) <= readingMaxMs;
}

export function watchClocks(
  watch: StepWatch,
  reading: ClockReading,
): { readonly watch: StepWatch; readonly events: readonly ClockEvent[] } {
  const atNs = reading.afterNs;
  const wallOffsetNs = utcNsOfWall(reading.wallMs) - reading.beforeNs;
  const uptimeOffsetMs = reading.uptimeMs === null ? null : reading.uptimeMs - Number(reading.beforeNs) / 1e6;
  const tookMs = lengthMs(reading);
  const slackMs = isQuick(reading) ? 0 : tookMs;
  if (watch === null) {
    return { watch: slackMs === 0 ? { lastNs: atNs, wallOffsetNs, uptimeOffsetMs, slackMs } : null, events: [] };
  }
  const forMs = watch.uptimeOffsetMs === null || uptimeOffsetMs === null ? 0 : uptimeOffsetMs - watch.uptimeOffsetMs;
  const suspended = forMs >= suspendThresholdMs + tookMs;
  // The wall clock runs on through a suspend, so only what is left beyond it was a step.
  const movedMs = Number(wallOffsetNs - watch.wallOffsetNs) / 1e6;
  const byMs = movedMs - (suspended ? forMs : 0);
  const stepped = Math.abs(byMs) >= (suspended ? suspendThresholdMs : stepThresholdMs) + tookMs + watch.slackMs;
  const isNew = suspended || stepped;
  const isRefined = !isNew && watch.slackMs > slackMs;
  const since = { sinceNs: watch.lastNs, atNs };
  return {
    // The reference stays where it was until something happened, so that many small steps add up to one that is seen. What a
    // slow reading found leaves a reference that the next quick one makes exact.
    watch: {
      // What a slow reading cannot tell may have been before it.
      lastNs: slackMs > 0 && !isNew ? watch.lastNs : atNs,
      wallOffsetNs: isNew || isRefined ? wallOffsetNs : watch.wallOffsetNs,
      uptimeOffsetMs: suspended || isRefined || watch.uptimeOffsetMs === null ? uptimeOffsetMs : watch.uptimeOffsetMs,
      slackMs: isNew || isRefined ? slackMs : watch.slackMs,
    },
    events: [
      ...(suspended ? [{ kind: "suspend", ...since, forMs } as const] : []),
      ...(stepped ? [{ kind: "step", ...since, byMs } as const] : []),
    ],
  };
}

/** The suspend that lies between two looks of two runs at one boot; `null` when there was none, or nobody can tell. */
export function sleptBetween(
  before: { readonly atNs: MonotonicNs; readonly sleptMs: number | null },
  now: { readonly atNs: MonotonicNs; readonly sleptMs: number | null },
): Suspend | null {
  if (before.sleptMs === null || now.sleptMs === null) return null;
  const forMs = now.sleptMs - before.sleptMs;
  return forMs < sleptBetweenMinMs ? null : { kind: "suspend", sinceNs: before.atNs, atNs: now.atNs, forMs };
}
