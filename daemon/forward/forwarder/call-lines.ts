import { forwardEvents as events, type LogLine } from "../events.ts";
import type { AttemptReport, Claim } from "../queue.ts";
import { isNotReachable } from "../reachability.ts";
import type { ForwarderState } from "./forwarder-state.ts";

/** Of a call that failed. */
export function failureLine(report: AttemptReport, claim: Claim, failedCalls: number, retryInMs: number): LogLine {
  const { outcome, detail, httpStatus, relatedTraceId } = report;
  const fields = { outcome, detail, count: claim.scans.length, failedCalls, retryInMs: Math.round(retryInMs) };
  if (outcome === "no-token") return { level: "warn", event: events.noToken, fields };
  if (isNotReachable(outcome)) return { level: "warn", event: events.notReachable, fields };
  const answered = { ...fields, httpStatus, relatedTraceId };
  if (outcome === "unauthorised") return { level: "error", event: events.credentialsRefused, fields: answered };
  if (outcome === "call-refused" || outcome === "answered")
    return { level: "error", event: events.callRefused, fields: answered };
  return { level: "warn", event: events.answeredWithError, fields: answered };
}

/** Of the first call that did not, after others that had. */
export function recoveryLine({ failures, lastOutcome }: ForwarderState): LogLine {
  const fields = { failedCalls: failures, afterOutcome: lastOutcome };
  return { level: "info", event: events.reachableAgain, fields };
}
