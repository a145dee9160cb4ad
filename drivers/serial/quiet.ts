import { type MonotonicNs, monotonicNs } from "../../daemon/base/time.ts";

/** `silenceMs` after `lastByteNs`. */
export function quietAfter(lastByteNs: MonotonicNs, silenceMs: number): MonotonicNs {
  return monotonicNs(lastByteNs + BigInt(silenceMs) * 1_000_000n);
}
