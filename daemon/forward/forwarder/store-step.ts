import { assert, InvariantError, unreachable } from "../../base/assert.ts";
import type { Random } from "../../base/random.ts";
import { backoffMs } from "../backoff.ts";
import { forwardEvents as events, type LogLine } from "../events.ts";
import type { ForwarderAction, ForwarderState, ForwarderStep, Now, Phase } from "./forwarder-state.ts";
import { onward, settle, withPhase } from "./moves.ts";

/** Scans that were `sending` in nobody's hands wait again. */
export function onRecovered(state: ForwarderState, scans: number, now: Now): ForwarderStep {
  assert(state.phase.kind === "starting", "scans are recovered while none is claimed");
  const line: LogLine = { level: "warn", event: events.interruptedRecovered, fields: { count: scans } };
  const { state: next, actions } = onward({ ...state, storeFailures: 0, isClaimLost: false }, now);
  return { state: next, actions: scans === 0 ? actions : [{ kind: "log", line }, ...actions] };
}

/** What became of a call is written; the next one's outcome is, where there is one, before anything else is claimed. */
export function onSettled(state: ForwarderState, now: Now): ForwarderStep {
  assert(state.phase.kind === "settling", "outcomes are written once they are known");
  const { others } = state.phase;
  const written = { ...state, storeFailures: 0 };
  return others.length === 0 ? onward(written, now) : settle(written, others);
}

/** The store is asked again after a backoff; the order to stop does not wait for it. */
export function onStoreFailed(state: ForwarderState, error: unknown, random: Random): ForwarderStep {
  const { operation, retry, isClaimLost } = failedRequest(state.phase);
  const storeFailures = state.storeFailures + 1;
  const retryInMs = backoffMs(storeFailures, null, random);
  const failed = { ...state, storeFailures, isClaimLost: state.isClaimLost || isClaimLost };
  const log = failedLine(operation, error, retryInMs);
  if (state.stopping) return { state: withPhase(failed, { kind: "stopped" }), actions: [log] };
  return { state: withPhase(failed, retry), actions: [log, { kind: "rest", delayMs: retryInMs }] };
}

/** The call under way is settled when it ends; nothing leaves ahead of that, for the claim may have been made all the same. */
export function onBesideFailed(state: ForwarderState, error: unknown): ForwarderStep {
  assert(state.phase.kind === "calling", "what is done beside a call ends before it");
  const failed = { ...state, storeFailures: state.storeFailures + 1, isClaimLost: true, ahead: null };
  return { state: failed, actions: [failedLine(state.behind === null ? "claim" : "settle", error, 0)] };
}

/** What the store was being asked for, the phase in which it is asked again, and whether a claim may have been made. */
function failedRequest(phase: Phase): {
  readonly operation: "recover" | "settle" | "claim";
  readonly retry: Phase;
  readonly isClaimLost: boolean;
} {
  switch (phase.kind) {
    case "starting":
      return { operation: "recover", retry: { ...phase, retrying: true }, isClaimLost: false };
    case "settling":
      return { operation: "settle", retry: { ...phase, retrying: true }, isClaimLost: false };
    case "looking":
      return { operation: "claim", retry: { kind: "resting" }, isClaimLost: true };
    case "idle":
    case "calling":
    case "searching":
    case "resting":
    case "stopped":
      throw new InvariantError(`the store is not asked while ${phase.kind}`);
    default:
      return unreachable(phase);
  }
}

function failedLine(operation: "recover" | "settle" | "claim", error: unknown, retryInMs: number): ForwarderAction {
  const fields = { operation, err: error, retryInMs };
  return { kind: "log", line: { level: "error", event: events.storeFailed, fields } };
}
