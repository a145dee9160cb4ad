import { elapsedMs, type MonotonicNs, type WallMs, wallMs } from "../base/time.ts";
import { type Anchor, boundAt, mayHaveLeapt, utcAt } from "./anchor.ts";
import { isUnbroken, lastQuorum, provenAt, sleptSinceMs } from "./boot-timeline.ts";
import type { ClockKnowledge } from "./clock-knowledge.ts";
import { anchorOf, type DisciplineState, ppmOf, trustedBoundMaxNs } from "./discipline.ts";
import { answerAgeMaxNs, type Phi, phiOf, putRightMaxNs, type ServiceOffset } from "./service-clock.ts";
import type { Stamp } from "./stamp.ts";
import { liveStamp, wholeMs } from "./stamping.ts";
import { earliest, floorMs, laterBy, nsPerSecond, type UtcNs } from "./utc.ts";

/** The box's own clocks, read together. */
export type HostNow = { readonly monotonicNs: MonotonicNs; readonly wallMs: WallMs };

/** An anchor that is held, and what it says of a moment. */
export type HeldTime = { readonly anchor: Anchor; readonly utc: UtcNs; readonly boundNs: bigint };

/** What a decision about sending rests on. */
export type ClockNow = {
  readonly utcMs: WallMs;
  /** The service's clock − `utcMs`; `null` while it has not told, and no quorum has proven it wrong. */
  readonly phi: Phi | null;
  /** Half-width of the interval that holds the true UTC. */
  readonly errorBoundMs: number;
};

type Moment = Pick<Stamp, "utcMs" | "errorBoundMs">;

/** `null` while no bound is claimed. */
export function heldAt({ state, rates }: ClockKnowledge, atNs: MonotonicNs): HeldTime | null {
  const anchor = anchorOf(state);
  return anchor === null ? null : timeOf(anchor, atNs, ppmOf(state, rates));
}

/** The quorum that is held, or else the last one of this boot, one of the run before among them; `null` without one. */
export function quorumAt(known: ClockKnowledge, atNs: MonotonicNs): HeldTime | null {
  const held = heldAt(known, atNs);
  if (held?.anchor.basis === "quorum") return held;
  const last = lastQuorum(known.timeline, atNs);
  return last === null ? null : timeOf(last, atNs, ppmOf(known.state, known.rates));
}

/**
 * @param service the service's clock; `null` while it has not told
 * @param apart how far it was off when a quorum proved it wrong; `null` where none has
 */
export function nowAt(
  known: ClockKnowledge,
  nowNs: MonotonicNs,
  service: ServiceOffset | null,
  apart: Phi | null,
): ClockNow | null {
  const held = heldAt(known, nowNs);
  if (held === null) return null;
  const phi =
    service === null ? phiSince(apart, held) : phiOf(overLeap(service, held.anchor, nowNs), held.anchor.thetaNs);
  return { ...wholeMs(held.utc, held.boundNs), phi };
}

/** It does not answer: it is as far off as it was, or was put right. `null` where it never was wrong, or our own time is. */
function phiSince(apart: Phi | null, { boundNs }: HeldTime): Phi | null {
  if (apart === null || boundNs > trustedBoundMaxNs) return null;
  const boundMs = Number(boundNs) / 1e6;
  const rightMs = Number(putRightMaxNs) / 1e6;
  return { loMs: Math.min(apart.loMs, -rightMs) - boundMs, hiMs: Math.max(apart.hiMs, rightMs) + boundMs };
}

/** Where a leap second may lie between its answers and now, nobody knows whether the service's clock has made it. */
function overLeap(service: ServiceOffset, anchor: Anchor, nowNs: MonotonicNs): ServiceOffset {
  const oldestSampleNs = earliest(anchor.oldestSampleNs, laterBy(nowNs, -answerAgeMaxNs));
  if (!mayHaveLeapt({ ...anchor, oldestSampleNs }, nowNs)) return service;
  return { ...service, lowNs: service.lowNs - nsPerSecond, highNs: service.highNs + nsPerSecond };
}

/** Of a badge that was just read. */
export function stampAt(known: ClockKnowledge, firstByteNs: MonotonicNs, now: HostNow): Stamp {
  const { bootId, state, rates, timeline } = known;
  // A reader may hand in a first byte from before a sleep when the clock is synchronised again already.
  const isReached = anchorOf(state) === null || isUnbroken(timeline, firstByteNs, now.monotonicNs);
  const reaching: DisciplineState = isReached ? state : { kind: "untrusted", why: "suspended" };
  return liveStamp({ bootId, firstByteNs }, now, reaching, rates);
}

/**
 * When a monotonic moment of this boot was, as far as it is known by now. Without a bound where nothing was proven on its
 * side of a break: it is reckoned back from now then, on the box's own clock while nothing proves the present either.
 */
export function momentAt(known: ClockKnowledge, atNs: MonotonicNs, now: HostNow): Moment {
  const moment = { bootId: known.bootId, monotonicNs: atNs };
  return (
    sinceAnchor(known, atNs, now.monotonicNs) ??
    provenAt(known.timeline, moment, known.rates) ??
    reckonedBack(known, atNs, now)
  );
}

/** After the anchor that is held: what was before it, others may have been nearer to. */
function sinceAnchor(known: ClockKnowledge, atNs: MonotonicNs, nowNs: MonotonicNs): Moment | null {
  const held = heldAt(known, atNs);
  if (held === null || atNs < held.anchor.atNs) return null;
  return isUnbroken(known.timeline, atNs, nowNs) ? wholeMs(held.utc, held.boundNs) : null;
}

function reckonedBack(known: ClockKnowledge, atNs: MonotonicNs, now: HostNow): Moment {
  const held = heldAt(known, now.monotonicNs);
  const nowMs = held === null ? now.wallMs : floorMs(held.utc);
  const agoMs = elapsedMs(atNs, now.monotonicNs) + sleptSinceMs(known.timeline, atNs);
  return { utcMs: wallMs(Math.floor(nowMs - agoMs)), errorBoundMs: null };
}

function timeOf(anchor: Anchor, atNs: MonotonicNs, ppm: number): HeldTime {
  return { anchor, utc: utcAt(anchor, atNs), boundNs: boundAt(anchor, atNs, ppm) };
}
