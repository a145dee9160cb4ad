import { type WallMs, wallMs } from "../base/time.ts";

/** What our own clock says, with its error bound in ms; `null` while nothing vouches for it. */
export type ClockReading = { readonly wallMs: WallMs; readonly boundMs: number | null };

/**
 * Where the clock of somebody who answered between two readings may be; `null` when nothing vouched for our own, which then
 * cannot judge another's.
 */
export function plausibleBetween(
  before: ClockReading,
  after: ClockReading,
  toleranceMs: number,
): { readonly notBeforeMs: WallMs; readonly notAfterMs: WallMs } | null {
  if (before.boundMs === null || after.boundMs === null) return null;
  return {
    notBeforeMs: wallMs(Math.floor(before.wallMs - before.boundMs - toleranceMs)),
    notAfterMs: wallMs(Math.ceil(after.wallMs + after.boundMs + toleranceMs)),
  };
}
