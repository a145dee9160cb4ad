import { type WallMs, wallMs } from "../base/time.ts";

/** What lies between the claim and the receipt at the service: a slow call, and a badge clock a little off. */
export const receiptMarginMinMs: number = 5_000;
export const receiptMarginFraction: number = 0.1;

/**
 * The stamp at or before which a scan sent now is predicted to be received at or past the receipt limit (remark 32:
 * receipt − registration ≥ limit), with a margin; `null` while the limit is not known.
 */
export function withholdAtOrBefore(now: WallMs, receiptLimitMs: number | null): WallMs | null {
  if (receiptLimitMs === null) return null;
  const marginMs = Math.max(receiptMarginMinMs, receiptMarginFraction * receiptLimitMs);
  return wallMs(Math.floor(now - (receiptLimitMs - marginMs)));
}
