import type { Claim, Written } from "../queue.ts";
import type { CallReport } from "../upstream.ts";
import type { Now } from "./forwarder-state.ts";

const nobody = { httpStatus: null, relatedTraceId: null } as const;

/** Why a call never left, in the words that its attempt keeps. */
export const stopped: CallReport = { ...nobody, outcome: "interrupted", detail: "stopped before the call left" };
export const askedAway: CallReport = { ...nobody, outcome: "interrupted", detail: "a rest began before the call left" };
export const passedOver: CallReport = {
  ...nobody,
  outcome: "interrupted",
  detail: "the call before it did not lead to it",
};

export const untried: CallReport = {
  ...nobody,
  outcome: "interrupted",
  detail: "one scan goes first, for the service has not said yet whether so long a delay is within its limit",
};

/** Scans whose call never leaves wait again, without doubt. */
export function unsent({ attemptId, scans }: Claim, now: Now, report: CallReport): Written {
  return {
    attemptId,
    report: { ...report, endedAt: now.wallMs },
    settlements: scans.map(({ scanId }) => ({ kind: "again", scanId, notBefore: null })),
  };
}
