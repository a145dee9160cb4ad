import { assert } from "../../base/assert.ts";
import { drawsNoFurther } from "../call-size.ts";
import { forwardEvents as events, type LogLine } from "../events.ts";
import type { DoubtRule } from "../queue.ts";
import { afterLook, doubtRule, searchInMs } from "../search-track.ts";
import { call } from "./call-step.ts";
import type {
  ForwarderAction,
  ForwarderInput,
  ForwarderState,
  ForwarderStep,
  Now,
  Outgoing,
} from "./forwarder-state.ts";
import { onward, resolveMaxScans, settle, withPhase } from "./moves.ts";
import { restMs } from "./next-call.ts";
import { askedAway, stopped, unsent } from "./unsent.ts";

/** The queue answered: what it handed out leaves, and where it handed out nothing there may be something else to look for. */
export function onLooked(
  state: ForwarderState,
  { found, resolved, lookAgainMs, oldestDoubt }: Extract<ForwarderInput, { kind: "looked" }>,
  now: Now,
): ForwarderStep {
  assert(state.phase.kind === "looking", "the queue answers while it is asked");
  const { doubts } = state.phase;
  const search = afterLook(state.search, doubts, found !== null, oldestDoubt, now);
  const looked = { ...state, search, resolveDue: resolved >= resolveMaxScans };
  const { state: next, actions } =
    found === null ? nothingFound(looked, doubts, lookAgainMs, now) : depart(looked, found, doubts, now);
  return { state: next, actions: [...learnt(resolved), ...actions] };
}

function depart(state: ForwarderState, outgoing: Outgoing, doubts: DoubtRule, now: Now): ForwarderStep {
  const { claim } = outgoing;
  assert(claim.scans.length > 0, "a claim holds a scan");
  // Another call of ours may have been told to stay away while the queue was being asked.
  const hindrance = state.stopping ? stopped : restMs(state, now) > 0 ? askedAway : null;
  if (hindrance !== null) return settle(state, [unsent(claim, now, hindrance)]);
  if (doubts.kind === "seek") {
    return { state: withPhase(state, { kind: "searching", claim }), actions: [{ kind: "search", outgoing }] };
  }
  return call(state, outgoing, null, now);
}

function nothingFound(state: ForwarderState, doubts: DoubtRule, lookAgainMs: number | null, now: Now): ForwarderStep {
  const isMore = state.wokenMeanwhile || state.resolveDue || isMoreToLookAt(state, doubts, now);
  if (isMore || state.stopping) return onward(state, now);
  // By the rule that the next look goes by: another would have it made at once, and again, for as long as they differ.
  const delayMs = earliest(
    lookAgainMs,
    searchInMs(state.search, state.failures, now, drawsNoFurther(state.lessons.size)),
  );
  const idle = withPhase(state, { kind: "idle" });
  return { state: idle, actions: delayMs === null ? [] : [{ kind: "rest", delayMs }] };
}

/** Nothing to search for says nothing of the others, and the other way round. */
function isMoreToLookAt({ search, failures, lessons }: ForwarderState, { kind }: DoubtRule, now: Now): boolean {
  if (kind !== "hold") return kind === "seek";
  return doubtRule(search, failures, now, drawsNoFurther(lessons.size)).kind !== "hold";
}

function earliest(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.min(one, other);
}

function learnt(resolved: number): readonly ForwarderAction[] {
  if (resolved === 0) return [];
  const line: LogLine = { level: "info", event: events.badgesLearnt, fields: { count: resolved } };
  return [{ kind: "log", line }];
}
