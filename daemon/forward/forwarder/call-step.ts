import { assert, unreachable } from "../../base/assert.ts";
import type { Random } from "../../base/random.ts";
import { elapsedMs } from "../../base/time.ts";
import { backoffMs } from "../backoff.ts";
import { isKnownToBreak } from "../breaking-scans.ts";
import { isAtFullSpeed, scansOfNextCall } from "../call-size.ts";
import { forwardEvents as events, type LogLine } from "../events.ts";
import { judge } from "../judgement/judgement.ts";
import type { Judgement } from "../judgement/lessons.ts";
import { isNoNews, isOfItsScan } from "../judgement/refused-call-judgement.ts";
import type { AttemptOutcome, AttemptReport, Claim, Written } from "../queue.ts";
import { isAway } from "../reachability.ts";
import { afterCall, afterRecovery } from "../search-track.ts";
import { askedWaitMs, type CallReport } from "../upstream.ts";
import { failureLine, recoveryLine } from "./call-lines.ts";
import type {
  ForwarderAction,
  ForwarderInput,
  ForwarderState,
  ForwarderStep,
  Now,
  Outgoing,
} from "./forwarder-state.ts";
import { lookRequest, settle, withPhase } from "./moves.ts";
import { heldBackRestMs, nextBreakingNs, notSooner, notSoonerThanAsked, restMs } from "./next-call.ts";
import { passedOver, stopped, unsent } from "./unsent.ts";

/** The first full call after an outage waits up to this much longer, at random: a thousand boxes get their link back at once. */
export const rejoinSpreadMs: number = 5_000;

/** A call that took longer is not claimed ahead of: what it was judged by would be too old when it may leave. */
export const aheadMaxMs: number = 300;

/** @param behind of the call before, yet to be written */
export function call(state: ForwarderState, outgoing: Outgoing, behind: Written | null, now: Now): ForwarderStep {
  const { claim } = outgoing;
  const next = { ...withPhase(state, { kind: "calling", claim }), leftNs: now.monotonicNs, ahead: null, behind };
  const request = isWorthLookingAhead(state, claim) ? lookRequest(state, now) : null;
  const beside: ForwarderAction[] =
    behind === null && request === null ? [] : [{ kind: "beside", written: behind, request }];
  return { state: next, actions: [...beside, { kind: "call", outgoing }] };
}

export function onBesideDone(state: ForwarderState, ahead: Outgoing | null): ForwarderStep {
  assert(state.phase.kind === "calling", "what is done beside a call ends before it");
  return { state: { ...state, storeFailures: 0, behind: null, ahead }, actions: [] };
}

export function onEnded(
  state: ForwarderState,
  { outcome, isAheadStale }: Extract<ForwarderInput, { kind: "ended" }>,
  now: Now,
  random: Random,
): ForwarderStep {
  assert(state.phase.kind === "calling", "a call ends while it is under way");
  const { claim } = state.phase;
  if (outcome.kind === "held-back") return onHeldBack(state, unsent(claim, now, outcome.report), now, random);
  const judgement = judge(claim, outcome, state.lessons, now.wallMs);
  const isFailure = judgement.result.kind === "failed";
  // Such a scan has a pace of its own, and nobody waits for the backoff after it.
  const isOfScan = isFailure && askedWaitMs(outcome) === null && isOfItsScan(claim, outcome, state.lessons);
  const ofScan = isOfScan && isNoNews(claim, outcome, state.lessons) ? state.failures : Math.max(1, state.failures);
  const failures = isOfScan ? ofScan : isFailure ? state.failures + 1 : 0;
  // A call that left while the outage lasted says nothing of what came after it.
  const isOver = state.hastenedNs !== null && state.hastenedNs >= state.leftNs && isAway(outcome.report.outcome);
  const delayMs = delayBeforeNext(state, judgement, isOver ? 1 : failures, random);
  const next: ForwarderState = {
    ...state,
    lessons: judgement.lessons,
    heldBacks: 0,
    search: afterCall(state.failures > 0 && !isFailure ? afterRecovery(state.search) : state.search),
    failures,
    lastOutcome: endOf(outcome.report, isFailure),
    isAnswered: false,
    nextCallNs: notSooner(state, delayMs, now),
    askedNs: notSoonerThanAsked(state, isFailure ? askedWaitMs(outcome) : null, now),
    nextBreakingNs: nextBreakingNs(state, isFailure && isKnownToBreak(state.lessons.size, claim), now),
    lastCallMs: elapsedMs(state.leftNs, now.monotonicNs),
  };
  const report: AttemptReport = { ...outcome.report, endedAt: now.wallMs };
  const lines = [...judgement.lines];
  if (isFailure) lines.push(failureLine(report, claim, failures, delayMs));
  else if (state.failures > 0) lines.unshift(recoveryLine(state));
  const written: Written = { attemptId: claim.attemptId, report, settlements: judgement.settlements };
  const mayFollow =
    judgement.result.kind === "went-through" && restMs(next, now) === 0 && !state.stopping && !isAheadStale;
  return told(lines, mayFollow ? follow(next, written, now) : fallBack(next, written, now));
}

/** Nobody failed: the next look judges these scans anew, and keeps back the one that was too late. */
function onHeldBack(state: ForwarderState, written: Written, now: Now, random: Random): ForwarderStep {
  const fields = { count: written.settlements.length, attemptId: written.attemptId };
  const nextCallNs = notSooner(state, heldBackRestMs(state.heldBacks, random), now);
  const rested = { ...state, heldBacks: state.heldBacks + 1, nextCallNs };
  return told([{ level: "info", event: events.heldBack, fields }], fallBack(rested, written, now));
}

/**
 * Whether there is a next call that may leave as soon as this one went through. Not after a slow one: its scans would be
 * given back, and what is written for that wears the card. Nor while a scan is in doubt: looks take turns with searches.
 */
function isWorthLookingAhead({ settings, lessons, search, ...state }: ForwarderState, claim: Claim): boolean {
  const isQuick = state.lastCallMs !== null && state.lastCallMs <= aheadMaxMs;
  const isUndisturbed = state.failures === 0 && lessons.refusedCalls === 0 && isAtFullSpeed(lessons.size);
  const isFull = claim.scans.length >= scansOfNextCall(lessons.size);
  const isInTurn = search.oldestDoubt === null && !state.resolveDue && !state.stopping;
  return settings.callIntervalMs === 0 && isQuick && isUndisturbed && isFull && isInTurn;
}

/** The call that was claimed ahead leaves at once. */
function follow(state: ForwarderState, written: Written, now: Now): ForwarderStep {
  const { ahead, behind } = state;
  return ahead === null || behind !== null ? fallBack(state, written, now) : call(state, ahead, written, now);
}

/** All that is not written yet is, what was claimed ahead as unsent, before anything else is claimed. */
function fallBack(state: ForwarderState, written: Written, now: Now): ForwarderStep {
  const { ahead, behind } = state;
  const before = behind === null ? [] : [behind];
  const after = ahead === null ? [] : [unsent(ahead.claim, now, state.stopping ? stopped : passedOver)];
  return settle({ ...state, ahead: null, behind: null }, [...before, written, ...after]);
}

/** An answer that took none of the scans is as good as a refusal to whoever asks how the service is doing. */
function endOf({ outcome }: CallReport, isFailure: boolean): AttemptOutcome {
  return isFailure && outcome === "answered" ? "call-refused" : outcome;
}

function delayBeforeNext(state: ForwarderState, { result }: Judgement, failures: number, random: Random): number {
  const { callIntervalMs } = state.settings;
  switch (result.kind) {
    case "went-through":
      return callIntervalMs + (state.failures > 0 ? random() * rejoinSpreadMs : 0);
    case "narrowed":
      return result.next === "at-once" ? 0 : callIntervalMs;
    case "failed":
      return Math.max(callIntervalMs, backoffMs(failures, result.retryAfterMs, random));
    default:
      return unreachable(result);
  }
}

function told(lines: readonly LogLine[], { state, actions }: ForwarderStep): ForwarderStep {
  return { state, actions: [...lines.map((line): ForwarderAction => ({ kind: "log", line })), ...actions] };
}
