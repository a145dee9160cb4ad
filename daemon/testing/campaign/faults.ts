import { pick, type Random } from "../../base/random.ts";
import type { CallKind } from "../../simulator/service/call-kind.ts";
import type { CallFault, Fault } from "../../simulator/service/fault.ts";

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
  { kind: "garbage", form: "another-registration" },
  { kind: "endless", everyMs: 50 },
];

/** Those that strike one call; the others refuse the connection, whatever is called. */
export const callFaults: readonly CallFault[] = serviceFaults.filter(
  (fault): fault is CallFault => fault.kind !== "refuse",
);

/** Those of them that count against the quota of failed calls. */
export const failedCallFaults: readonly CallFault[] = callFaults.filter(
  ({ kind }) => kind === "server-error" || kind === "unauthorised",
);

/** Why a fault makes no sense for a kind of call; `null` when it does. */
export function whyNot(call: CallKind, fault: CallFault): string | null {
  if (fault.kind !== "garbage") return null;
  const isList = call === "register" || call === "search" || call === "history";
  if ((fault.form === "reordered" || fault.form === "fewer-items") && !isList) return "the answer is no list of items";
  const tells = call === "search" || call === "get" || call === "cancel";
  if (fault.form === "another-registration" && !tells) return "the answer repeats nothing of a registration";
  return null;
}

export function pickFault(random: Random): Fault {
  return pick(random, campaignFaults);
}
