import type { AttemptOutcome } from "./queue.ts";

/** Whether the outcome says that the service could not be reached at all, or nobody tried for want of a token. */
export function isNotReachable(outcome: AttemptOutcome): boolean {
  return notReachable.includes(outcome);
}

/** Whether an outage may have been why. */
export function isAway(outcome: AttemptOutcome): boolean {
  return isNotReachable(outcome) || outcome === "server-error";
}

/** Whether people are told that the service is not to be had: what answers is not it, or does not work. */
export function isDown(outcome: AttemptOutcome): boolean {
  return isAway(outcome) || outcome === "unintelligible";
}

const notReachable: readonly AttemptOutcome[] = [
  "not-connected",
  "tls-failed",
  "pin-mismatch",
  "no-token",
  "connection-lost",
  "timed-out",
  "interrupted",
];
