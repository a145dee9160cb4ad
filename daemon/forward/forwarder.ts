import { assert, InvariantError, unreachable } from "../base/assert.ts";
import type { Random } from "../base/random.ts";
import { elapsedMs, type MonotonicNs, monotonicNs } from "../base/time.ts";
import { backoffMs, retryAfterMaxMs } from "./backoff.ts";
import { isAtFullSpeed, orderOfNextCall, scansOfNextCall } from "./call-size.ts";
import { forwardEvents as events, type LogLine } from "./events.ts";
import type {
  ForwarderAction,
  ForwarderInput,
  ForwarderState,
  ForwarderStep,
  LookRequest,
  Now,
  Outgoing,
  Phase,
} from "./forwarder-state.ts";
import { isNotReachable, type Judgement, judge } from "./judgement.ts";
import type { AttemptOutcome, AttemptReport, Claim, DoubtRule, Written } from "./queue.ts";
import { judgeSearch } from "./search-judgement.ts";
import {
  afterCall,
  afterLook,
  afterRecovery,
  afterSearch,
  doubtRule,
  quietAfterSearchMs,
  searchInMs,
  throttledQuietMaxMs,
} from "./search-track.ts";
import { askedWaitMs, type CallReport, type SearchOutcome } from "./upstream.ts";

/** The first full call after an outage waits up to this much longer, at random: a thousand boxes get their link back at once. */
export const rejoinSpreadMs: number = 5_000;

/** A call that took longer is not claimed ahead of: what it was judged by would be too old when it may leave. */
export const aheadMaxMs: number = 300;

/**
 * Calls that are held back one after the other rest this long at most: each look puts aside what is too late, and those
 * behind it come nearer to their own limit meanwhile.
 */
export const heldBackRestMaxMs: number = 5_000;

/** Scans of unknown badges given their worker in one transaction. */
export const resolveMaxScans: number = 200;

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
      assert(state.phase.kind === "calling", "what is done beside a call ends before it");
      return { state: { ...state, storeFailures: 0, behind: null, ahead: input.ahead }, actions: [] };
    case "beside-failed":
      return onBesideFailed(state, input.error);
    case "searched":
      return onSearched(state, input.outcome, now, random);
    case "settled":
      return onSettled({ ...state, storeFailures: 0 }, now);
    case "store-failed":
      return onStoreFailed(state, input.error, random);
    case "stop":
      return onStop({ ...state, stopping: true });
    default:
      return unreachable(input);
  }
}

/** How long until the next call may leave; 0 when it may at once. */
export function restMs(state: ForwarderState, now: Now): number {
  return Math.max(0, elapsedMs(now.monotonicNs, state.nextCallNs));
}

/** How long the service asked to be left alone from now on, by an answer to whichever call; 0 when it did not. */
export function quietMsLeft({ askedNs }: ForwarderState, now: Now): number {
  return Math.max(0, elapsedMs(now.monotonicNs, askedNs));
}

function onRecovered(state: ForwarderState, scans: number, now: Now): ForwarderStep {
  assert(state.phase.kind === "starting", "scans are recovered while none is claimed");
  const line: LogLine = { level: "warn", event: events.interruptedRecovered, fields: { count: scans } };
  const { state: next, actions } = onward({ ...state, storeFailures: 0, isClaimLost: false }, now);
  return { state: next, actions: scans === 0 ? actions : [{ kind: "log", line }, ...actions] };
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

/** Whether an outage may have been why. */
function isAway(outcome: AttemptOutcome): boolean {
  return isNotReachable(outcome) || outcome === "server-error";
}

function onRested(state: ForwarderState, now: Now): ForwarderStep {
  const { phase } = state;
  // A rest that began in another phase may end in one in which the store is being asked.
  if (phase.kind === "starting" && phase.retrying) return recover(state, now);
  if (phase.kind === "settling" && phase.retrying) return settle(state, [phase.written, ...phase.others]);
  return phase.kind === "resting" || phase.kind === "idle" ? onward(state, now) : { state, actions: [] };
}

function onLooked(
  state: ForwarderState,
  { found, resolved, lookAgainMs, oldestDoubt }: Extract<ForwarderInput, { kind: "looked" }>,
  now: Now,
): ForwarderStep {
  assert(state.phase.kind === "looking", "the queue answers while it is asked");
  const { doubts } = state.phase;
  const learnt: LogLine = { level: "info", event: events.badgesLearnt, fields: { count: resolved } };
  const logs: ForwarderAction[] = resolved === 0 ? [] : [{ kind: "log", line: learnt }];
  const search = afterLook(state.search, doubts, found !== null, oldestDoubt, now);
  const looked = { ...state, search, resolveDue: resolved >= resolveMaxScans };
  if (found !== null) {
    assert(found.claim.scans.length > 0, "a claim holds a scan");
    // Another call of ours may have been told to stay away while the queue was being asked.
    const hindrance = state.stopping ? stopped : restMs(looked, now) > 0 ? askedAway : null;
    const { state: next, actions } =
      hindrance === null ? depart(looked, found, doubts, now) : settle(looked, [unsent(found.claim, now, hindrance)]);
    return { state: next, actions: [...logs, ...actions] };
  }
  const { state: next, actions } =
    state.wokenMeanwhile || looked.resolveDue || isMoreToLookAt(looked, doubts, now)
      ? onward(looked, now)
      : nothingDue(looked, earliest(lookAgainMs, searchInMs(search, looked.failures, now)));
  return { state: next, actions: [...logs, ...actions] };
}

function depart(state: ForwarderState, outgoing: Outgoing, doubts: DoubtRule, now: Now): ForwarderStep {
  const { claim } = outgoing;
  if (doubts.kind === "seek") {
    return { state: withPhase(state, { kind: "searching", claim }), actions: [{ kind: "search", outgoing }] };
  }
  return call(state, outgoing, null, now);
}

/** @param behind of the call before, yet to be written */
function call(state: ForwarderState, outgoing: Outgoing, behind: Written | null, now: Now): ForwarderStep {
  const { claim } = outgoing;
  const next = { ...withPhase(state, { kind: "calling", claim }), leftNs: now.monotonicNs, ahead: null, behind };
  const request = isWorthLookingAhead(state, claim) ? lookRequest(state, now) : null;
  const beside: ForwarderAction[] =
    behind === null && request === null ? [] : [{ kind: "beside", written: behind, request }];
  return { state: next, actions: [...beside, { kind: "call", outgoing }] };
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

/** Nothing to search for says nothing of the others, and the other way round. */
function isMoreToLookAt(state: ForwarderState, { kind }: DoubtRule, now: Now): boolean {
  if (state.stopping) return false;
  return kind === "seek" || (kind === "hold" && doubtRule(state.search, state.failures, now).kind === "seek");
}

function earliest(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.min(one, other);
}

function nothingDue(state: ForwarderState, lookAgainMs: number | null): ForwarderStep {
  if (state.stopping) return { state: withPhase(state, { kind: "stopped" }), actions: [] };
  const idle = withPhase(state, { kind: "idle" });
  return { state: idle, actions: lookAgainMs === null ? [] : [{ kind: "rest", delayMs: lookAgainMs }] };
}

function onEnded(
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
  const failures = isFailure ? state.failures + 1 : 0;
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
    askedNs: asked(state, isFailure ? askedWaitMs(outcome) : null, now),
    lastCallMs: elapsedMs(state.leftNs, now.monotonicNs),
  };
  const report: AttemptReport = { ...outcome.report, endedAt: now.wallMs };
  const lines = [...judgement.lines];
  if (isFailure) lines.push(failureLine(report, claim, failures, delayMs));
  else if (state.failures > 0) lines.unshift(recoveryLine(state));
  const written: Written = { attemptId: claim.attemptId, report, settlements: judgement.settlements };
  const mayFollow =
    judgement.result.kind === "went-through" && restMs(next, now) === 0 && !state.stopping && !isAheadStale;
  const { state: following, actions } = mayFollow ? follow(next, written, now) : fallBack(next, written, now);
  return { state: following, actions: [...lines.map((line) => ({ kind: "log", line }) as const), ...actions] };
}

/** An answer that took none of the scans is as good as a refusal to whoever asks how the service is doing. */
function endOf({ outcome }: CallReport, isFailure: boolean): AttemptOutcome {
  return isFailure && outcome === "answered" ? "call-refused" : outcome;
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

function onBesideFailed(state: ForwarderState, error: unknown): ForwarderStep {
  assert(state.phase.kind === "calling", "what is done beside a call ends before it");
  const operation = state.behind === null ? "claim" : "settle";
  const fields = { operation, err: error, retryInMs: 0 };
  const log = { kind: "log", line: { level: "error", event: events.storeFailed, fields } } as const;
  const failed = { ...state, storeFailures: state.storeFailures + 1, isClaimLost: true, ahead: null };
  return { state: failed, actions: [log] };
}

function onSettled(state: ForwarderState, now: Now): ForwarderStep {
  assert(state.phase.kind === "settling", "outcomes are written once they are known");
  const { others } = state.phase;
  return others.length === 0 ? onward(state, now) : settle(state, others);
}

/**
 * Nobody failed: the next look judges these scans anew, and keeps back the one that was too late. At once the first time;
 * where that does not help, as with a store that is slow, each round costs two commits.
 */
function onHeldBack(state: ForwarderState, written: Written, now: Now, random: Random): ForwarderStep {
  const fields = { count: written.settlements.length, attemptId: written.attemptId };
  const { heldBacks } = state;
  const delayMs = heldBacks === 0 ? 0 : Math.min(heldBackRestMaxMs, backoffMs(heldBacks, null, random));
  const rested = { ...state, heldBacks: heldBacks + 1, nextCallNs: notSooner(state, delayMs, now) };
  const { state: settling, actions } = fallBack(rested, written, now);
  return {
    state: settling,
    actions: [{ kind: "log", line: { level: "info", event: events.heldBack, fields } }, ...actions],
  };
}

function onSearched(state: ForwarderState, outcome: SearchOutcome, now: Now, random: Random): ForwarderStep {
  assert(state.phase.kind === "searching", "a search ends while it is under way");
  const { claim } = state.phase;
  const search = afterSearch(state.search, outcome, now, random);
  const quiet = askedToWait(
    { ...state, search, isAnswered: outcome.kind !== "failed" },
    quietAfterSearchMs(outcome),
    now,
  );
  const next = { ...quiet, nextCallNs: notSooner(quiet, state.settings.callIntervalMs, now) };
  const { settlements, line } = judgeSearch(claim, outcome, search, now);
  const report: AttemptReport = { ...outcome.report, endedAt: now.wallMs };
  const { state: settling, actions } = settle(next, [{ attemptId: claim.attemptId, report, settlements }]);
  return { state: settling, actions: [{ kind: "log", line }, ...actions] };
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

function onStoreFailed(state: ForwarderState, error: unknown, random: Random): ForwarderStep {
  const { phase } = state;
  const storeFailures = state.storeFailures + 1;
  const retryInMs = backoffMs(storeFailures, null, random);
  const failed = { ...state, storeFailures };
  const operation = phase.kind === "starting" ? "recover" : phase.kind === "settling" ? "settle" : "claim";
  const line: LogLine = { level: "error", event: events.storeFailed, fields: { operation, err: error, retryInMs } };
  const log = { kind: "log", line } as const;
  if (state.stopping) return { state: withPhase(failed, { kind: "stopped" }), actions: [log] };
  const rest = { kind: "rest", delayMs: retryInMs } as const;
  switch (phase.kind) {
    case "starting":
      return { state: withPhase(failed, { ...phase, retrying: true }), actions: [log, rest] };
    case "settling":
      return { state: withPhase(failed, { ...phase, retrying: true }), actions: [log, rest] };
    case "looking":
      return { state: { ...withPhase(failed, { kind: "resting" }), isClaimLost: true }, actions: [log, rest] };
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

/** To the next look, or to a rest before it, or to the end. */
function onward(state: ForwarderState, now: Now): ForwarderStep {
  if (state.stopping) return { state: withPhase(state, { kind: "stopped" }), actions: [] };
  const delayMs = restMs(state, now);
  if (delayMs > 0) return { state: withPhase(state, { kind: "resting" }), actions: [{ kind: "rest", delayMs }] };
  if (state.isClaimLost) {
    return recover(state, now);
  }
  const request = lookRequest(state, now);
  const look: ForwarderAction = { kind: "look", resolve: state.resolveDue ? resolveMaxScans : 0, request };
  const phase: Phase = { kind: "looking", doubts: request.doubts };
  return { state: { ...withPhase(state, phase), wokenMeanwhile: false }, actions: [look] };
}

function recover(state: ForwarderState, now: Now): ForwarderStep {
  const starting = withPhase(state, { kind: "starting", retrying: false });
  return { state: starting, actions: [{ kind: "recover", now: now.wallMs }] };
}

function lookRequest(state: ForwarderState, now: Now): LookRequest {
  const doubts = doubtRule(state.search, state.failures, now);
  const { size, refusedCalls } = state.lessons;
  if (doubts.kind === "seek") return { limit: 1, now: now.wallMs, doubts };
  return { limit: scansOfNextCall(size), now: now.wallMs, doubts, order: orderOfNextCall(size, refusedCalls) };
}

/** One after the other, in the order of the calls. */
function settle(state: ForwarderState, [written, ...others]: readonly Written[]): ForwarderStep {
  assert(written !== undefined, "something is to be written");
  return {
    state: withPhase(state, { kind: "settling", written, others, retrying: false }),
    actions: [{ kind: "settle", written }],
  };
}

const nobody = { httpStatus: null, relatedTraceId: null } as const;
const stopped = { ...nobody, outcome: "interrupted", detail: "stopped before the call left" } as const;
const askedAway = { ...nobody, outcome: "interrupted", detail: "a rest began before the call left" } as const;
const passedOver = { ...nobody, outcome: "interrupted", detail: "the call before it did not lead to it" } as const;

/** Scans claimed when the order to stop or a rest came, or ahead of a call that did not lead to theirs: theirs never leaves. */
function unsent({ attemptId, scans }: Claim, now: Now, report: CallReport): Written {
  return {
    attemptId,
    report: { ...report, endedAt: now.wallMs },
    settlements: scans.map(({ scanId }) => ({ kind: "again", scanId, notBefore: null })),
  };
}

function failureLine(report: AttemptReport, claim: Claim, failedCalls: number, retryInMs: number): LogLine {
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

function recoveryLine({ failures, lastOutcome }: ForwarderState): LogLine {
  const fields = { failedCalls: failures, afterOutcome: lastOutcome };
  return { level: "info", event: events.reachableAgain, fields };
}

/** What another call was told holds beside what this one has taught. */
function notSooner({ nextCallNs }: ForwarderState, delayMs: number, now: Now): MonotonicNs {
  const until = later(now.monotonicNs, delayMs);
  return until > nextCallNs ? until : nextCallNs;
}

/** As `notSooner`, and no network that is back ends it. */
function askedToWait(state: ForwarderState, delayMs: number, now: Now): ForwarderState {
  return { ...state, nextCallNs: notSooner(state, delayMs, now), askedNs: asked(state, delayMs, now) };
}

/** @param delayMs `null` when nothing was asked for */
function asked({ askedNs }: ForwarderState, delayMs: number | null, now: Now): MonotonicNs {
  const until = later(now.monotonicNs, Math.min(retryAfterMaxMs, Math.max(0, delayMs ?? 0)));
  return delayMs !== null && until > askedNs ? until : askedNs;
}

function quietMs(askedMs: number): number {
  return Math.min(Math.max(0, askedMs), throttledQuietMaxMs);
}

function later(from: MonotonicNs, delayMs: number): MonotonicNs {
  return monotonicNs(from + BigInt(Math.ceil(delayMs * 1e6)));
}

function withPhase(state: ForwarderState, phase: Phase): ForwarderState {
  return { ...state, phase };
}
