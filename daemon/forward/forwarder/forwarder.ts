import { unreachable } from "../../base/assert.ts";
import type { Random } from "../../base/random.ts";
import { isAway } from "../reachability.ts";
import { onBesideDone, onEnded } from "./call-step.ts";
import type { ForwarderInput, ForwarderState, ForwarderStep, Now } from "./forwarder-state.ts";
import { onLooked } from "./look-step.ts";
import { onward, recover, settle, withPhase } from "./moves.ts";
import { askedToWait, quietMs } from "./next-call.ts";
import { onSearched } from "./search-step.ts";
import { onBesideFailed, onRecovered, onSettled, onStoreFailed } from "./store-step.ts";

/** What an input makes of the state, and what is to be done; forwarder-state.ts has the phases. */
export function step(state: ForwarderState, input: ForwarderInput, now: Now, random: Random): ForwarderStep {
  if (state.phase.kind === "stopped") return { state, actions: [] };
  switch (input.kind) {
    case "started":
      return recover(state, now);
    case "recovered":
      return onRecovered(state, input.scans, now);
    case "woken":
      return onWoken(state, now);
    case "polled":
      return onWoken({ ...state, resolveDue: true }, now);
    case "rested":
      return onRested(state, now);
    case "throttled":
      return { state: askedToWait(state, quietMs(input.forMs), now), actions: [] };
    case "hastened":
      return onHastened(state, now);
    case "looked":
      return onLooked({ ...state, storeFailures: 0 }, input, now);
    case "ended":
      return onEnded(state, input, now, random);
    case "beside-done":
      return onBesideDone(state, input.ahead);
    case "beside-failed":
      return onBesideFailed(state, input.error);
    case "searched":
      return onSearched(state, input.outcome, now, random);
    case "settled":
      return onSettled(state, now);
    case "store-failed":
      return onStoreFailed(state, input.error, random);
    case "stop":
      return onStop({ ...state, stopping: true });
    default:
      return unreachable(input);
  }
}

function onWoken(state: ForwarderState, now: Now): ForwarderStep {
  if (state.phase.kind === "idle") return onward(state, now);
  return { state: state.phase.kind === "looking" ? { ...state, wokenMeanwhile: true } : state, actions: [] };
}

/** A service that asked to be left alone, or refuses what it gets, is none the readier for a network that is back. */
function onHastened(state: ForwarderState, now: Now): ForwarderStep {
  const { phase, failures, lastOutcome } = state;
  const told = { ...state, hastenedNs: now.monotonicNs };
  if (failures === 0 || lastOutcome === null || !isAway(lastOutcome)) return { state: told, actions: [] };
  const hastened = { ...told, nextCallNs: state.askedNs };
  return phase.kind === "resting" ? onward(hastened, now) : { state: hastened, actions: [] };
}

function onRested(state: ForwarderState, now: Now): ForwarderStep {
  const { phase } = state;
  // A rest that began in another phase may end in one in which the store is being asked.
  if (phase.kind === "starting" && phase.retrying) return recover(state, now);
  if (phase.kind === "settling" && phase.retrying) return settle(state, [phase.written, ...phase.others]);
  return phase.kind === "resting" || phase.kind === "idle" ? onward(state, now) : { state, actions: [] };
}

function onStop(state: ForwarderState): ForwarderStep {
  const { phase } = state;
  switch (phase.kind) {
    case "starting":
    case "idle":
    case "resting":
    case "stopped":
      return { state: withPhase(state, { kind: "stopped" }), actions: [] };
    case "settling":
      return phase.retrying ? settle(state, [phase.written, ...phase.others]) : { state, actions: [] };
    case "looking":
    case "calling":
    case "searching":
      return { state, actions: [] };
    default:
      return unreachable(phase);
  }
}
