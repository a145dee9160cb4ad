import { assert } from "../../base/assert.ts";
import {
  drawsNoFurther,
  isTurnOfOthers,
  orderOfNextCall,
  orderOfOthers,
  scansApart,
  scansOfNextCall,
} from "../call-size.ts";
import type { Written } from "../queue.ts";
import { doubtRule } from "../search-track.ts";
import type { ForwarderAction, ForwarderState, ForwarderStep, LookRequest, Now, Phase } from "./forwarder-state.ts";
import { restMs } from "./next-call.ts";

/** Scans of unknown badges given their worker in one transaction. */
export const resolveMaxScans: number = 200;

/** To the next look, or to a rest before it, or to the end. */
export function onward(state: ForwarderState, now: Now): ForwarderStep {
  if (state.stopping) return { state: withPhase(state, { kind: "stopped" }), actions: [] };
  const delayMs = restMs(state, now);
  if (delayMs > 0) return { state: withPhase(state, { kind: "resting" }), actions: [{ kind: "rest", delayMs }] };
  return state.isClaimLost ? recover(state, now) : look(state, now);
}

/** Brings back the scans that are `sending` in nobody's hands. */
export function recover(state: ForwarderState, now: Now): ForwarderStep {
  const starting = withPhase(state, { kind: "starting", retrying: false });
  return { state: starting, actions: [{ kind: "recover", now: now.wallMs }] };
}

/** One after the other, in the order of the calls. */
export function settle(state: ForwarderState, [written, ...others]: readonly Written[]): ForwarderStep {
  assert(written !== undefined, "something is to be written");
  return {
    state: withPhase(state, { kind: "settling", written, others, retrying: false }),
    actions: [{ kind: "settle", written }],
  };
}

/** What the next look asks the queue for. */
export function lookRequest(state: ForwarderState, now: Now): LookRequest {
  const { size, refusedCalls } = state.lessons;
  const rule = doubtRule(state.search, state.failures, now, drawsNoFurther(size));
  if (rule.kind === "seek") return { limit: 1, now: now.wallMs, doubts: rule };
  const isTurn = isTurnOfOthers(size);
  const { isOffered, nothingElseWaits } = state.search;
  // Those that were drawn in are in doubt, all of them.
  const doubts = isTurn && isOffered && !nothingElseWaits ? ({ kind: "hold" } as const) : rule;
  const order = isTurn ? orderOfOthers(size) : orderOfNextCall(size, refusedCalls);
  const apart = scansApart(size, isTurn);
  const isApartResting = !isTurn && now.monotonicNs < state.nextBreakingNs;
  return { limit: scansOfNextCall(size), now: now.wallMs, doubts, order, apart, isApartResting };
}

export function withPhase(state: ForwarderState, phase: Phase): ForwarderState {
  return { ...state, phase };
}

function look(state: ForwarderState, now: Now): ForwarderStep {
  const request = lookRequest(state, now);
  const action: ForwarderAction = { kind: "look", resolve: state.resolveDue ? resolveMaxScans : 0, request };
  const phase: Phase = { kind: "looking", doubts: request.doubts };
  return { state: { ...withPhase(state, phase), wokenMeanwhile: false }, actions: [action] };
}
