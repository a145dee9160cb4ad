import { parseHttpDate } from "../base/system-time.ts";
import type { WallMs } from "../base/time.ts";

/**
 * `Retry-After` (RFC 9110 section 10.2.3) in milliseconds from the answer on; `null` when it is absent or in neither form.
 *
 * @param answeredText the answer's own `Date`: a date is then counted by the service's clock, for the box's may be wrong
 */
export function retryAfterMs(text: string | null, answeredText: string | null, now: WallMs): number | null {
  const written = text?.trim() ?? "";
  // Of any length: who asks for more than a caller believes is believed as far as that.
  if (/^\d+$/.test(written)) return Math.min(Number(written) * 1000, Number.MAX_SAFE_INTEGER);
  const until = parseHttpDate(written);
  if (until === null) return null;
  const answered = answeredText === null ? null : parseHttpDate(answeredText.trim());
  return Math.max(0, until - (answered ?? now));
}
