import { pick, type Random } from "../../base/random.ts";
import type { Fault } from "../../simulator/service/fault.ts";

/** Every way in which the service can fail a call, with and without having processed it. */
export const campaignFaults: readonly [Fault, ...Fault[]] = [
  { kind: "refuse", forMs: null },
  { kind: "time-out", processed: false },
  { kind: "time-out", processed: true },
  { kind: "reset-before" },
  { kind: "reset-during-answer" },
  { kind: "reset-after-processing" },
  { kind: "throttle", problem: "tooManyRequests", retryAfter: { form: "seconds", seconds: 1 } },
  { kind: "throttle", problem: "tooManyFailedRequests", retryAfter: { form: "date", seconds: 1 } },
  { kind: "throttle", problem: "tooManyRequests", retryAfter: null },
  { kind: "server-error", status: 500, processed: true, retryAfterSeconds: null },
  { kind: "server-error", status: 502, processed: false, retryAfterSeconds: null },
  { kind: "server-error", status: 503, processed: false, retryAfterSeconds: 1 },
  { kind: "server-error", status: 504, processed: true, retryAfterSeconds: null },
  { kind: "garbage", form: "html" },
  { kind: "garbage", form: "half-json" },
  { kind: "garbage", form: "wrong-shape" },
  { kind: "garbage", form: "reordered" },
  { kind: "garbage", form: "fewer-items" },
  { kind: "slow", bytesPerChunk: 64, everyMs: 5 },
  { kind: "huge", bytes: 10_000_000 },
];

/** The same, with what only a client that does not restart shows: access refused in mid-run, answers with no end or more than is known. */
export const serviceFaults: readonly Fault[] = [
  ...campaignFaults,
  { kind: "unauthorised", problem: "expiredAccessToken" },
  { kind: "unauthorised", problem: "missingPermission" },
  { kind: "throttle", problem: "tooManyFailedRequests", retryAfter: { form: "seconds", seconds: 2 } },
  { kind: "garbage", form: "unknown-fields" },
  { kind: "endless", everyMs: 50 },
];

export function pickFault(random: Random): Fault {
  return pick(random, campaignFaults);
}
