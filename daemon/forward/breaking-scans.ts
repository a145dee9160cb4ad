import type { Claim } from "./queue.ts";

/**
 * Scans on which the service breaks, as far as calls told: each failed alone, and others went through after it. How often
 * each failed alone since, by its id; the one that was tried longest ago first, for that is whose turn it is next.
 *
 * One that joined a full call would break it each time, and leave all of it in doubt, so such a scan goes alone, longer apart
 * from one time to the next; once it failed again, that it fails says nothing of the service any more. Whom an outage accused
 * is acquitted by the first of these calls. Known as long as the daemon runs.
 */
export type BreakingScans = ReadonlyMap<number, number>;

/**
 * The most that are known at once. A forgotten one is found out again, by failed calls of which the service has a quota, so
 * there is room for one of each worker of a large site; the oldest goes first, which may long have been kept back.
 */
export const breakingScansMax: number = 10_000;

/** It is put off this many times as long at most: its worker's later scans wait behind it. */
export const breakingPutOffsMax: number = 4;

/** @param accused failed alone before a call went through, which carried `passed` */
export function afterPassing(
  breaking: BreakingScans,
  accused: readonly number[],
  passed: readonly number[],
): BreakingScans {
  const known = new Map(breaking);
  for (const scanId of accused) if (!known.has(scanId)) known.set(scanId, 0);
  for (const scanId of passed) known.delete(scanId);
  for (const oldest of known.keys()) {
    if (known.size <= breakingScansMax) break;
    known.delete(oldest);
  }
  return known;
}

/** It broke the service once more. */
export function afterBreaking(
  breaking: BreakingScans,
  scanId: number,
): { readonly breaking: BreakingScans; readonly putOffs: number } {
  const times = (breaking.get(scanId) ?? 0) + 1;
  const known = new Map(breaking);
  known.delete(scanId);
  return { breaking: known.set(scanId, times), putOffs: Math.min(times, breakingPutOffsMax) };
}

type Known = { readonly breaking: BreakingScans };

/** Whether the call carries one scan, on which the service is known to break. */
export function isKnownToBreak({ breaking }: Known, { scans: [only, ...others] }: Pick<Claim, "scans">): boolean {
  return only !== undefined && others.length === 0 && breaking.has(only.scanId);
}

/**
 * Whether it did so again since others went through. Before that an outage may have accused it that went on after one call:
 * the first time counts as any other failure does.
 */
export function hasBrokenAgain({ breaking }: Known, { scans: [only, ...others] }: Pick<Claim, "scans">): boolean {
  return only !== undefined && others.length === 0 && (breaking.get(only.scanId) ?? 0) > 0;
}
