import type { Random } from "../base/random.ts";

export const backoffBaseMs: number = 1_000;
export const backoffMaxMs: number = 5 * 60 * 1000;

/** A `Retry-After` further away is believed only this far: a mistyped date must not silence a site for a day. */
export const retryAfterMaxMs: number = 60 * 60 * 1000;

/**
 * How long to wait after `failures` failures in a row (1 or more): exponential with full jitter, in [0, min(cap, base ×
 * 2^(failures − 1))), so that boxes that lost the service together do not return together. A `Retry-After` wins when it
 * is longer; a Retry-After of `null` was not given.
 */
export function backoffMs(failures: number, retryAfterMs: number | null, random: Random): number {
  const ceilingMs = Math.min(backoffMaxMs, backoffBaseMs * 2 ** Math.min(failures - 1, 30));
  const askedMs = Math.min(retryAfterMaxMs, Math.max(0, retryAfterMs ?? 0));
  return Math.max(random() * ceilingMs, askedMs);
}
