import { unreachable } from "../base/assert.ts";
import type { MonotonicNs } from "../base/time.ts";
import { type Anchor, boundAt, consistent, holds } from "./anchor.ts";
import type { DriftRates } from "./drift.ts";
import type { ClockState } from "./stamp.ts";
import { nsPerSecond } from "./utc.ts";

/*
 * How far the clock can be trusted. It never touches the system clock: it only says what monotonic time means.
 *
 * | state | guarantees |
 * | --- | --- |
 * | unsynchronised | nothing: wall time as the system has it, no bound |
 * | synchronised | UTC is within E = E0 + ρ·elapsed of the anchor, a quorum confirmed it within the last three polls |
 * | holdover | the same with holdover's ρ: no quorum for three polls or an hour, or the anchor is the service's own clock |
 * | untrusted: bound-too-wide | E has passed 2 s; still a bound, but none that a registration may rest on |
 * | untrusted: contradicted | a quorum lies outside the bound, or, where only the service tells the time, an answer of its own: one of both is wrong, so neither bound is claimed |
 * | untrusted: suspended | monotonic time stood still while the box slept: the anchor means nothing any more |
 *
 *   unsynchronised ──quorum──▶ synchronised ──3 missed polls, an hour without any──▶ holdover ──E > 2 s──▶ untrusted: bound-too-wide
 *         └──service's clock──▶ holdover ◀──service's clock── untrusted: bound-too-wide, suspended
 *   holdover, untrusted: bound-too-wide, suspended ──quorum that agrees, or nothing to disagree with──▶ synchronised
 *   synchronised, holdover, bound-too-wide ──quorum that disagrees──▶ untrusted: contradicted
 *   untrusted: contradicted ──a second quorum that agrees with the first, or with the anchor──▶ synchronised
 *   untrusted: contradicted ──service's clock that agrees with one of both──▶ holdover
 *   untrusted: contradicted ──service's clock that vouches for both, when no third quorum came──▶ holdover on that clock
 *   holdover, bound-too-wide on the service's clock ──its answer that disagrees──▶ untrusted: contradicted
 *   untrusted: contradicted by the service itself ──quorum──▶ synchronised, ──answers that agree again──▶ holdover
 *   any but unsynchronised ──suspend──▶ untrusted: suspended
 *
 * Each quorum that contradicts the one before it breaks monotonic time between both, whatever the state makes of it; so does
 * the service that contradicts its own anchor. Which of two quorums the service agrees with, it says by answers from after that.
 * A quorum overrules an anchor of the service at once: the service judges by its clock, it does not prove UTC.
 */
export type DisciplineState =
  | { readonly kind: "unsynchronised" }
  | { readonly kind: "synchronised"; readonly anchor: Anchor; readonly missedPolls: number }
  | { readonly kind: "holdover"; readonly anchor: Anchor }
  | { readonly kind: "untrusted"; readonly why: "bound-too-wide"; readonly anchor: Anchor }
  | {
      readonly kind: "untrusted";
      readonly why: "contradicted";
      readonly anchor: Anchor;
      /** What the quorum, or the answer of the service, that disagrees says; a second one decides. */
      readonly rival: Anchor;
    }
  | { readonly kind: "untrusted"; readonly why: "suspended" };

export type DisciplineInput =
  /** A poll gave a quorum. */
  | { readonly kind: "quorum"; readonly anchor: Anchor }
  /** A poll gave none. */
  | { readonly kind: "missed-poll" }
  /** Nobody was asked for longer than three polls take: every server sent us away, or the process stood still. */
  | { readonly kind: "polls-overdue" }
  /** The service's own clock, as a fallback. */
  | { readonly kind: "service"; readonly anchor: Anchor }
  /** Its newest answer alone, where that does not fit the earlier ones. */
  | { readonly kind: "service-rival"; readonly anchor: Anchor }
  | { readonly kind: "suspended" }
  /** Time has passed. */
  | { readonly kind: "tick" };

export type DisciplineChange = { readonly from: ClockState; readonly to: ClockState; readonly why: DisciplineReason };

export type DisciplineStep = {
  readonly state: DisciplineState;
  readonly change: DisciplineChange | null;
  /** The anchor that the input contradicts: nothing reaches across from one to the other. */
  readonly contradicted: Anchor | null;
};

export type DisciplineReason =
  | "quorum"
  | "service-clock"
  | "polls-missed"
  | "bound-too-wide"
  | "contradicted"
  | "suspended";

export const missedPollsMax: number = 3;
/** A contradiction makes the next poll urgent: longer than three of these without a quorum, and none is to be waited for. */
export const thirdQuorumMaxNs: bigint = BigInt(missedPollsMax) * 64n * nsPerSecond;
export const trustedBoundMaxNs: bigint = 2n * nsPerSecond;

export function stepDiscipline(
  state: DisciplineState,
  input: DisciplineInput,
  nowNs: MonotonicNs,
  rates: DriftRates,
): DisciplineStep {
  const next = bounded(nextState(state, input, nowNs, rates), nowNs, rates);
  const reason = reasonOf(state, next);
  return {
    state: next,
    change: reason === null ? null : { from: state.kind, to: next.kind, why: reason },
    contradicted: contradictedBy(state, input, nowNs, rates),
  };
}

/** ρ of a state. */
export function ppmOf(state: DisciplineState, rates: DriftRates): number {
  return state.kind === "synchronised" ? rates.synchronisedPpm : rates.holdoverPpm;
}

/** The anchor whose bound is claimed in this state; `null` while none is. */
export function anchorOf(state: DisciplineState): Anchor | null {
  if (state.kind === "unsynchronised") return null;
  if (state.kind === "untrusted" && state.why !== "bound-too-wide") return null;
  return state.anchor;
}

function nextState(
  state: DisciplineState,
  input: DisciplineInput,
  nowNs: MonotonicNs,
  rates: DriftRates,
): DisciplineState {
  switch (input.kind) {
    case "quorum":
      return onQuorum(state, input.anchor, nowNs, rates);
    case "service":
      return onService(state, input.anchor, nowNs, rates);
    case "service-rival":
      return onServiceRival(state, input.anchor, nowNs, rates);
    case "missed-poll":
      if (state.kind !== "synchronised") return state;
      return state.missedPolls + 1 < missedPollsMax
        ? { ...state, missedPolls: state.missedPolls + 1 }
        : { kind: "holdover", anchor: state.anchor };
    case "polls-overdue":
      return state.kind === "synchronised" ? { kind: "holdover", anchor: state.anchor } : state;
    case "suspended":
      return state.kind === "unsynchronised" ? state : { kind: "untrusted", why: "suspended" };
    case "tick":
      return state;
    default:
      return unreachable(input);
  }
}

function onQuorum(state: DisciplineState, fresh: Anchor, nowNs: MonotonicNs, rates: DriftRates): DisciplineState {
  const held = state.kind === "unsynchronised" || !("anchor" in state) ? null : state.anchor;
  if (held === null || held.basis === "service") return { kind: "synchronised", anchor: fresh, missedPolls: 0 };
  const ppm = ppmOf(state, rates);
  const agrees = (anchor: Anchor): boolean => consistent(anchor, fresh, nowNs, ppm);
  if (state.kind === "untrusted" && state.why === "contradicted") {
    // The fresh one whichever it agrees with: no rate of monotonic time is known since the others.
    if (agrees(held) || agrees(state.rival)) return { kind: "synchronised", anchor: fresh, missedPolls: 0 };
  } else if (agrees(held)) {
    return { kind: "synchronised", anchor: narrower(held, fresh, nowNs, ppm), missedPolls: 0 };
  }
  return { kind: "untrusted", why: "contradicted", anchor: held, rival: fresh };
}

function onService(state: DisciplineState, fresh: Anchor, nowNs: MonotonicNs, rates: DriftRates): DisciplineState {
  switch (state.kind) {
    case "synchronised":
      return state;
    case "unsynchronised":
      return { kind: "holdover", anchor: fresh };
    case "holdover":
      // A quorum's bound that excludes the service's clock proves that one wrong, however narrow it is.
      if (!consistent(state.anchor, fresh, nowNs, rates.holdoverPpm))
        return isOfService(state.anchor) ? { kind: "holdover", anchor: fresh } : state;
      return { kind: "holdover", anchor: narrower(state.anchor, fresh, nowNs, rates.holdoverPpm) };
    case "untrusted":
      return untrustedOnService(state, fresh, nowNs, rates);
    default:
      return unreachable(state);
  }
}

/** The service is all there is, and its clock was set, or several of its servers answer: which one is right, nobody knows. */
function onServiceRival(state: DisciplineState, rival: Anchor, nowNs: MonotonicNs, rates: DriftRates): DisciplineState {
  if (state.kind === "untrusted" && state.why === "contradicted")
    return isOfService(state.rival) ? { ...state, rival } : state;
  const held = anchorOf(state);
  if (held === null || !isOfService(held) || consistent(held, rival, nowNs, rates.holdoverPpm)) return state;
  return { kind: "untrusted", why: "contradicted", anchor: held, rival };
}

/** The latest answer by which the service contradicts itself, and nobody else the clock: one after it has to settle it. */
export function serviceRivalOf(state: DisciplineState): Anchor | null {
  return state.kind === "untrusted" && state.why === "contradicted" && isOfService(state.rival) ? state.rival : null;
}

function untrustedOnService(
  state: Extract<DisciplineState, { kind: "untrusted" }>,
  fresh: Anchor,
  nowNs: MonotonicNs,
  rates: DriftRates,
): DisciplineState {
  const agrees = (anchor: Anchor): boolean => consistent(anchor, fresh, nowNs, rates.holdoverPpm);
  switch (state.why) {
    case "suspended":
      return { kind: "holdover", anchor: fresh };
    case "bound-too-wide":
      return agrees(state.anchor) || isOfService(state.anchor) ? { kind: "holdover", anchor: fresh } : state;
    case "contradicted": {
      if (isOfService(state.rival)) return { kind: "holdover", anchor: fresh };
      // A third opinion settles it when it takes one side.
      const [held, rival] = [agrees(state.anchor), agrees(state.rival)];
      if (held !== rival) return { kind: "holdover", anchor: held ? state.anchor : state.rival };
      // One that is wide enough for both is right whichever of them is. A quorum would overrule it at once, and a third that
      // is to be confirmed by one of the two is better.
      const isLeftOpen = nowNs - state.rival.atNs > thirdQuorumMaxNs;
      const vouches = (anchor: Anchor): boolean => holds(fresh, anchor, nowNs, rates.holdoverPpm);
      return isLeftOpen && vouches(state.anchor) && vouches(state.rival) ? { kind: "holdover", anchor: fresh } : state;
    }
    default:
      return unreachable(state);
  }
}

/** The latest counts, also where the state goes back to an older one: the clock may have run off and come back. */
function contradictedBy(
  state: DisciplineState,
  input: DisciplineInput,
  nowNs: MonotonicNs,
  rates: DriftRates,
): Anchor | null {
  if (input.kind !== "quorum" && input.kind !== "service" && input.kind !== "service-rival") return null;
  if (input.kind !== "quorum" && serviceRivalOf(state) !== null) return null;
  const last = state.kind === "untrusted" && state.why === "contradicted" ? state.rival : anchorOf(state);
  // A quorum and the service that differ break nothing: the service is wrong then, as it may be.
  if (last === null || isOfService(last) !== isOfService(input.anchor)) return null;
  return consistent(last, input.anchor, nowNs, ppmOf(state, rates)) ? null : last;
}

function isOfService({ basis }: Anchor): boolean {
  return basis === "service";
}

/**
 * The anchor with the smaller bound now. The intersection of both would be smaller still, but then no single
 * synchronisation would let anyone recompute the stamp.
 */
function narrower(held: Anchor, fresh: Anchor, nowNs: MonotonicNs, ppm: number): Anchor {
  if (held.basis === "service" && fresh.basis === "service") return fresh;
  return boundAt(fresh, nowNs, ppm) <= boundAt(held, nowNs, ppm) ? fresh : held;
}

/** Whatever happened, a bound above two seconds is not trusted. */
function bounded(state: DisciplineState, nowNs: MonotonicNs, rates: DriftRates): DisciplineState {
  if (state.kind !== "synchronised" && state.kind !== "holdover") return state;
  if (boundAt(state.anchor, nowNs, ppmOf(state, rates)) <= trustedBoundMaxNs) return state;
  return { kind: "untrusted", why: "bound-too-wide", anchor: state.anchor };
}

function reasonOf(before: DisciplineState, after: DisciplineState): DisciplineReason | null {
  if (before.kind === after.kind && (after.kind !== "untrusted" || whyUntrusted(before) === after.why)) return null;
  switch (after.kind) {
    case "synchronised":
      return "quorum";
    case "holdover":
      return after.anchor.basis === "service" ? "service-clock" : "polls-missed";
    case "untrusted":
      return after.why;
    case "unsynchronised":
      return null;
    default:
      return unreachable(after);
  }
}

function whyUntrusted(state: DisciplineState): string | null {
  return state.kind === "untrusted" ? state.why : null;
}
