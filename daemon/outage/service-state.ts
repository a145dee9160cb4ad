import { elapsedMs, type MonotonicNs } from "../base/time.ts";
import { type Contradiction, isProven, type SeenCall } from "./contradiction.ts";
import type { Layers } from "./layers.ts";

/** No call speaks for longer than the longest wait for the next, of an hour. */
const callSpeaksMs = 70 * 60_000;

/**
 * What is known of the service: the newest of a call and a look; but a service that refuses what we send may be healthy, and
 * refuses it until the next call.
 *
 * @param looked what the last look beyond the gateway found, and when it began; `null` before the first
 */
export function serviceStateOf(
  looked: { readonly state: Layers["service"]; readonly beganNs: MonotonicNs | null },
  call: SeenCall | null,
  contradiction: Contradiction | null,
  nowNs: MonotonicNs,
): Layers["service"] {
  const { state, beganNs } = looked;
  if (call === null) return state;
  if (call.state === "refuses-us") return state === "ok" || state === "unknown" ? "refuses-us" : state;
  if (isNewer(call, beganNs)) return call.state;
  const isContradicted = contradiction !== null && isProven(contradiction);
  return isContradicted && elapsedMs(call.atNs, nowNs) <= callSpeaksMs ? "health-only" : state;
}

/** Whether a call ended after a look began. */
export function isNewer({ atNs }: SeenCall, beganNs: MonotonicNs | null): boolean {
  return beganNs === null || atNs > beganNs;
}
