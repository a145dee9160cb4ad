import { type MonotonicNs, monotonicNs, type WallMs, wallMs } from "../base/time.ts";

declare const kind: unique symbol;

/** Nanoseconds since 1970-01-01T00:00:00Z, leap seconds not counted (POSIX). */
export type UtcNs = bigint & { readonly [kind]: "utc" };

export const nsPerMs: bigint = 1_000_000n;
export const nsPerSecond: bigint = 1_000_000_000n;

export function utcNs(value: bigint): UtcNs {
  return value as UtcNs;
}

export function utcNsOfWall(at: WallMs): UtcNs {
  // Whole and broken milliseconds apart: together they are more digits than a double holds.
  const whole = Math.floor(at);
  return utcNs(BigInt(whole) * nsPerMs + BigInt(Math.floor((at - whole) * 1e6)));
}

/** Whole milliseconds, cut towards the past. */
export function floorMs(at: UtcNs): WallMs {
  return wallMs(Number(floorDivide(at, nsPerMs)));
}

/** Whole milliseconds, towards the future. */
export function ceilMs(at: UtcNs): WallMs {
  return wallMs(Number(-floorDivide(-at, nsPerMs)));
}

/** `thetaNs` is UTC − monotonic: what has to be added to a monotonic moment of the same boot. */
export function utcOf(at: MonotonicNs, thetaNs: bigint): UtcNs {
  return utcNs(at + thetaNs);
}

export function laterBy(at: MonotonicNs, ns: bigint): MonotonicNs {
  return monotonicNs(at + ns);
}

export function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}

/** How far a clock that is wrong by at most `ppm` runs off in `elapsedNs`, rounded up: it is part of a bound. */
export function driftNs(elapsedNs: bigint, ppm: number): bigint {
  return -floorDivide(-magnitude(elapsedNs) * BigInt(Math.ceil(ppm)), 1_000_000n);
}

/** BigInt division cuts towards zero; bounds need the floor on both sides of it. */
export function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by !== 0n && value < 0n !== by < 0n ? quotient - 1n : quotient;
}

export function earliest<T extends bigint>(first: T, ...others: readonly T[]): T {
  let found = first;
  for (const each of others) if (each < found) found = each;
  return found;
}

export function latest<T extends bigint>(first: T, ...others: readonly T[]): T {
  let found = first;
  for (const each of others) if (each > found) found = each;
  return found;
}
