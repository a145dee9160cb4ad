import { assert, InvariantError, unreachable } from "../base/assert.ts";
import type { Random } from "../base/random.ts";
import { elapsedMs, type MonotonicNs, monotonicNs, type WallMs } from "../base/time.ts";
import { backoffMs } from "./backoff.ts";
import { scansOfNextCall } from "./call-size.ts";
import { forwardEvents as events, type LogLine } from "./events.ts";
import { isNotReachable, type Judgement, judge, type Lessons, noLessons } from "./judgement.ts";
import type { AttemptOutcome, AttemptReport, Claim, DoubtRule, Settlement } from "./queue.ts";
import { judgeSearch } from "./search-judgement.ts";
import {
  afterLook,
  afterRecovery,
  afterSearch,
  doubtRule,
  initialTrack,
  quietAfterSearchMs,
  type SearchTrack,
  searchInMs,
} from "./search-track.ts";
import type { CallOutcome, SearchOutcome } from "./upstream.ts";

/** The first full call after an outage waits up to this much longer, at random: a thousand boxes get their link back at once. */
export const rejoinSpreadMs: number = 5_000;

/** Scans of unknown badges given their worker in one transaction. */
export const resolveMaxScans: number = 200;

/**
 * The forwarder: one call to the service at a time, from what the queue says is due.
 *
 *     starting ──recovered──▶ looking ──claim──▶ calling or ──outcome──▶ settling ──┐
 *                              │  ▲                                              │ written
 *                 nothing due  │  │ woken, polled, rested                        ▼
 *                              └▶ idle ◀────────────────────────────────────── resting
 *
 * - `starting`: scans that a dead process left `sending` are being brought back, doubtful. Nothing was claimed yet.
 * - `idle`: nothing was due at the last look, and nobody has said otherwise since; a scan that lies in the service's
 *   future, by as much as its clock may be behind ours, is looked for again when it does not.
 * - `looking`: the queue is asked. Scans it hands out are `sending` on disk before the call leaves.
 * - `calling`: the call is under way. Its claim lives here and nowhere else.
 * - `searching`: a scan in doubt is looked for at the service before it is sent again; search-track.ts says when. It is
 *   claimed like any other, and settled like any other.
 * - `settling`: what became of each scan is being written; `retrying` while the store cannot. **No claim before it is
 *   written**: a scan that is registered at the service and `sending` on disk would be sent twice. If the process dies
 *   here, the next `starting` finds the scans `sending` and marks them doubtful.
 * - `resting`: until the next call may leave: the pace between calls, the backoff after a failure (the circuit is open;
 *   the call after it carries one scan: `probing` in call-size.ts), or a store that failed.
 * - `stopped`: for ever. The order to stop lets a call under way end and be settled; no other follows.
 *
 * What a call's outcome means for its scans, and how many the next carries, is decided in judgement.ts.
 */
export type ForwarderState = {
  readonly settings: ForwarderSettings;
  readonly phase: Phase;
  readonly stopping: boolean;
  readonly lessons: Lessons;
  readonly search: SearchTrack;
  /** Calls in a row that failed. */
  readonly failures: number;
  /** Calls of the store in a row that failed. */
  readonly storeFailures: number;
  /** How the last call ended; `null` before the first. */
  readonly lastOutcome: AttemptOutcome | null;
  /** Before this no call leaves. */
  readonly nextCallNs: MonotonicNs;
  /** Somebody spoke of new work while the queue was being asked, perhaps too late for its answer. */
  readonly wokenMeanwhile: boolean;
  /** The next look first gives scans of unknown badges their worker, if the roster has learnt them. */
  readonly resolveDue: boolean;
};

export type ForwarderSettings = {
  /** At least this long from the end of a call to the next. */
  readonly callIntervalMs: number;
  /** Whether the adapter can search for scans in doubt; `false` when left out. */
  readonly searches?: boolean;
};

export type Phase =
  | { readonly kind: "starting" }
  | { readonly kind: "idle" }
  | { readonly kind: "looking"; readonly doubts: DoubtRule }
  | { readonly kind: "calling"; readonly claim: Claim }
  | { readonly kind: "searching"; readonly claim: Claim }
  | { readonly kind: "settling"; readonly written: Written; readonly retrying: boolean }
  | { readonly kind: "resting" }
  | { readonly kind: "stopped" };

/** What is being written of one call. */
export type Written = {
  readonly attemptId: number;
  readonly report: AttemptReport;
  readonly settlements: readonly Settlement[];
};

export type ForwarderInput =
  | { readonly kind: "started" }
  | { readonly kind: "recovered"; readonly scans: number }
  /** A scan was stored, or something else that may make one due. */
  | { readonly kind: "woken" }
  /** Time to look for what other processes did. */
  | { readonly kind: "polled" }
  | { readonly kind: "rested" }
  /** An outage is over: what waits for a backoff need not wait any longer. */
  | { readonly kind: "hastened" }
  | {
      readonly kind: "looked";
      readonly claim: Claim | null;
      readonly resolved: number;
      readonly traceId: string;
      /** When nothing was claimed: something may become due by itself after this long; `null` when nothing will. */
      readonly lookAgainMs: number | null;
      readonly oldestDoubt: WallMs | null;
      /** The claim took so long that what was judged of its scans' receipt no longer holds: they are judged anew. */
      readonly isStale: boolean;
    }
  | { readonly kind: "ended"; readonly outcome: CallOutcome }
  | { readonly kind: "searched"; readonly outcome: SearchOutcome }
  | { readonly kind: "settled" }
  | { readonly kind: "store-failed"; readonly error: unknown }
  | { readonly kind: "stop" };

export type ForwarderAction =
  | { readonly kind: "recover"; readonly now: WallMs }
  | {
      readonly kind: "look";
      /** At most this many scans of unknown badges first; 0 for none. */
      readonly resolve: number;
      readonly limit: number;
      readonly now: WallMs;
      readonly doubts: DoubtRule;
    }
  | { readonly kind: "call"; readonly claim: Claim; readonly traceId: string }
  /** For the only scan of the claim. */
  | { readonly kind: "search"; readonly claim: Claim; readonly traceId: string }
  | { readonly kind: "settle"; readonly written: Written }
  /** Replaces the rest before it, if any. */
  | { readonly kind: "rest"; readonly delayMs: number }
  | { readonly kind: "log"; readonly line: LogLine };

export type Now = { readonly monotonicNs: MonotonicNs; readonly wallMs: WallMs };

export type ForwarderStep = { readonly state: ForwarderState; readonly actions: readonly ForwarderAction[] };

export function initialState(settings: ForwarderSettings): ForwarderState {
  return {
    settings,
    phase: { kind: "starting" },
    stopping: false,
    lessons: noLessons,
    search: initialTrack(settings.searches === true),
    failures: 0,
    storeFailures: 0,
    lastOutcome: null,
    nextCallNs: monotonicNs(0n),
    wokenMeanwhile: false,
    resolveDue: true,
  };
}

export function step(state: ForwarderState, input: ForwarderInput, now: Now, random: Random): ForwarderStep {
  if (state.phase.kind === "stopped") return { state, actions: [] };
  switch (input.kind) {
    case "started":
      return { state, actions: [{ kind: "recover", now: now.wallMs }] };
    case "recovered":
      return onRecovered(state, input.scans, now);
    case "woken":
      return onWoken(state, now);
    case "polled":
      return onWoken({ ...state, resolveDue: true }, now);
    case "rested":
      return onRested(state, now);
    case "hastened":
      return onHastened(state, now);
    case "looked":
      return onLooked({ ...state, storeFailures: 0 }, input, now);
    case "ended":
      return onEnded(state, input.outcome, now, random);
    case "searched":
      return onSearched(state, input.outcome, now, random);
    case "settled":
      assert(state.phase.kind === "settling", "outcomes are written once they are known");
      return onward({ ...state, storeFailures: 0 }, now);
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

function onRecovered(state: ForwarderState, scans: number, now: Now): ForwarderStep {
  assert(state.phase.kind === "starting", "scans are recovered at the start only");
  const line: LogLine = { level: "warn", event: events.interruptedRecovered, fields: { count: scans } };
  const { state: next, actions } = onward({ ...state, storeFailures: 0 }, now);
  return { state: next, actions: scans === 0 ? actions : [{ kind: "log", line }, ...actions] };
}

function onWoken(state: ForwarderState, now: Now): ForwarderStep {
  if (state.phase.kind === "idle") return onward(state, now);
  return { state: state.phase.kind === "looking" ? { ...state, wokenMeanwhile: true } : state, actions: [] };
}

/** A service that asked to be left alone, or refuses what it gets, is none the readier for a network that is back. */
function onHastened(state: ForwarderState, now: Now): ForwarderStep {
  const { phase, failures, lastOutcome } = state;
  const wasAway = lastOutcome !== null && (isNotReachable(lastOutcome) || lastOutcome === "server-error");
  if (phase.kind !== "resting" || failures === 0 || !wasAway) return { state, actions: [] };
  return onward({ ...state, nextCallNs: now.monotonicNs }, now);
}

function onRested(state: ForwarderState, now: Now): ForwarderStep {
  const { phase } = state;
  if (phase.kind === "starting") return { state, actions: [{ kind: "recover", now: now.wallMs }] };
  if (phase.kind === "settling" && phase.retrying) return settle(state, phase.written);
  return phase.kind === "resting" || phase.kind === "idle" ? onward(state, now) : { state, actions: [] };
}

function onLooked(
  state: ForwarderState,
  { claim, resolved, traceId, lookAgainMs, oldestDoubt, isStale }: Extract<ForwarderInput, { kind: "looked" }>,
  now: Now,
): ForwarderStep {
  assert(state.phase.kind === "looking", "the queue answers while it is asked");
  const { doubts } = state.phase;
  const learnt: LogLine = { level: "info", event: events.badgesLearnt, fields: { count: resolved } };
  const logs: ForwarderAction[] = resolved === 0 ? [] : [{ kind: "log", line: learnt }];
  const search = afterLook(state.search, doubts, claim !== null, oldestDoubt, now);
  const looked = { ...state, search, resolveDue: resolved >= resolveMaxScans };
  if (claim !== null) {
    assert(claim.scans.length > 0, "a claim holds a scan");
    const { state: next, actions } =
      state.stopping || isStale ? settle(looked, unsent(claim, now)) : depart(looked, claim, doubts, traceId);
    return { state: next, actions: [...logs, ...actions] };
  }
  const { state: next, actions } =
    state.wokenMeanwhile || looked.resolveDue || isMoreToLookAt(looked, doubts, now)
      ? onward(looked, now)
      : nothingDue(looked, earliest(lookAgainMs, searchInMs(search, now)));
  return { state: next, actions: [...logs, ...actions] };
}

function depart(state: ForwarderState, claim: Claim, doubts: DoubtRule, traceId: string): ForwarderStep {
  const kind = doubts.kind === "seek" ? "search" : "call";
  const phase: Phase = { kind: kind === "search" ? "searching" : "calling", claim };
  return { state: withPhase(state, phase), actions: [{ kind, claim, traceId }] };
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

function onEnded(state: ForwarderState, outcome: CallOutcome, now: Now, random: Random): ForwarderStep {
  assert(state.phase.kind === "calling", "a call ends while it is under way");
  const { claim } = state.phase;
  const judgement = judge(claim, outcome, state.lessons, now.wallMs);
  const isFailure = judgement.result.kind === "failed";
  const failures = isFailure ? state.failures + 1 : 0;
  const delayMs = delayBeforeNext(state, judgement, failures, random);
  const next: ForwarderState = {
    ...state,
    lessons: judgement.lessons,
    search: state.failures > 0 && !isFailure ? afterRecovery(state.search) : state.search,
    failures,
    lastOutcome: outcome.report.outcome,
    nextCallNs: later(now.monotonicNs, delayMs),
  };
  const report: AttemptReport = { ...outcome.report, endedAt: now.wallMs };
  const lines = [...judgement.lines];
  if (isFailure) lines.push(failureLine(report, claim, failures, delayMs));
  else if (state.failures > 0) lines.unshift(recoveryLine(state));
  const { settlements } = judgement;
  const { state: settling, actions } = settle(next, { attemptId: claim.attemptId, report, settlements });
  return { state: settling, actions: [...lines.map((line) => ({ kind: "log", line }) as const), ...actions] };
}

function onSearched(state: ForwarderState, outcome: SearchOutcome, now: Now, random: Random): ForwarderStep {
  assert(state.phase.kind === "searching", "a search ends while it is under way");
  const { claim } = state.phase;
  const search = afterSearch(state.search, outcome, now, random);
  const delayMs = Math.max(state.settings.callIntervalMs, quietAfterSearchMs(outcome));
  const next = { ...state, search, nextCallNs: later(now.monotonicNs, delayMs) };
  const { settlements, line } = judgeSearch(claim, outcome, search, now);
  const report: AttemptReport = { ...outcome.report, endedAt: now.wallMs };
  const { state: settling, actions } = settle(next, { attemptId: claim.attemptId, report, settlements });
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
      return { state: failed, actions: [log, rest] };
    case "settling":
      return { state: withPhase(failed, { ...phase, retrying: true }), actions: [log, rest] };
    case "looking":
      return { state: withPhase(failed, { kind: "resting" }), actions: [log, rest] };
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
      return phase.retrying ? settle(state, phase.written) : { state, actions: [] };
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
  const doubts = doubtRule(state.search, state.failures, now);
  const look: ForwarderAction = {
    kind: "look",
    resolve: state.resolveDue ? resolveMaxScans : 0,
    limit: doubts.kind === "seek" ? 1 : scansOfNextCall(state.lessons.size),
    now: now.wallMs,
    doubts,
  };
  return { state: { ...withPhase(state, { kind: "looking", doubts }), wokenMeanwhile: false }, actions: [look] };
}

function settle(state: ForwarderState, written: Written): ForwarderStep {
  return {
    state: withPhase(state, { kind: "settling", written, retrying: false }),
    actions: [{ kind: "settle", written }],
  };
}

/** Scans that were claimed when the order to stop came, or too long ago: their call never leaves. */
function unsent({ attemptId, scans }: Claim, now: Now): Written {
  return {
    attemptId,
    report: {
      outcome: "interrupted",
      httpStatus: null,
      relatedTraceId: null,
      detail: "stopped before the call left",
      endedAt: now.wallMs,
    },
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
  if (outcome === "call-refused") return { level: "error", event: events.callRefused, fields: answered };
  return { level: "warn", event: events.answeredWithError, fields: answered };
}

function recoveryLine({ failures, lastOutcome }: ForwarderState): LogLine {
  const fields = { failedCalls: failures, afterOutcome: lastOutcome };
  return { level: "info", event: events.reachableAgain, fields };
}

function later(from: MonotonicNs, delayMs: number): MonotonicNs {
  return monotonicNs(from + BigInt(Math.ceil(delayMs * 1e6)));
}

function withPhase(state: ForwarderState, phase: Phase): ForwarderState {
  return { ...state, phase };
}
