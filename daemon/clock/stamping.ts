import { elapsedMs, type MonotonicNs, type WallMs, wallMs } from "../base/time.ts";
import { type Anchor, boundAt, utcAt } from "./anchor.ts";
import { anchorOf, type DisciplineState, ppmOf, trustedBoundMaxNs } from "./discipline.ts";
import { type DriftRates, slewingPpm } from "./drift.ts";
import { type ClockState, type Stamp, type StampMoment, withInterval } from "./stamp.ts";
import type { ClockEvent } from "./step-watch.ts";
import { ceilMs, driftNs, floorMs, type UtcNs, utcNs } from "./utc.ts";

/** What is known of a boot that came to its end without a synchronisation. */
export type BootBracket = {
  /** The last moment before this boot that a bound was proven for, at its earliest; the build date when there is none. */
  readonly lastProof: UtcNs;
  /** An anchor of the boot that followed: its monotonic zero is when that boot began. */
  readonly nextBoot: Anchor;
};

/**
 * A stretch of a boot that no anchor reaches across: monotonic time stood still in a suspend, or the clock was proven
 * wrong by a quorum that contradicted it, nobody knows since when.
 */
export type TimeBreak = Exclude<ClockEvent, { readonly kind: "step" }>;

/** What is proven around a scan that no anchor reaches. */
export type BreakSides = {
  /** Of the same boot; `null` when nothing was proven in it before the scan. */
  readonly before: Anchor | null;
  /** The earliest that this boot can have begun. */
  readonly proofBeforeBoot: UtcNs;
  readonly after: Anchor;
};

/** A stamp of a badge that was just read. */
export function liveStamp(
  scan: { readonly bootId: string; readonly firstByteNs: MonotonicNs },
  now: { readonly monotonicNs: MonotonicNs; readonly wallMs: WallMs },
  state: DisciplineState,
  rates: DriftRates,
): Stamp {
  const captureLagMs = elapsedMs(scan.firstByteNs, now.monotonicNs);
  const moment = { bootId: scan.bootId, monotonicNs: scan.firstByteNs, captureLagMs };
  const anchor = anchorOf(state);
  if (anchor !== null) return anchored(moment, anchor, ppmOf(state, rates), state.kind, "live");
  const utcMs = wallMs(Math.floor(now.wallMs - captureLagMs));
  return withInterval({ ...moment, how: "live", utcMs, errorBoundMs: null, syncId: null, state: state.kind });
}

/**
 * The stamp of a scan whose boot synchronised later (or, after a gap, again); `null` when no anchor reaches it: none of
 * its boot, or a break lies between. Of several, the anchor that bounds it best.
 */
export function retroactiveStamp(
  scan: StampMoment,
  anchors: readonly Anchor[],
  breaks: readonly TimeBreak[],
  rates: DriftRates,
): Stamp | null {
  const reaching = anchors.filter(
    (anchor) => anchor.bootId === scan.bootId && !isBroken(breaks, anchor.atNs, scan.monotonicNs),
  );
  const [first, ...others] = reaching;
  if (first === undefined) return null;
  const bound = (anchor: Anchor): bigint => boundAt(anchor, scan.monotonicNs, rates.holdoverPpm);
  const best = others.reduce((held, each) => (bound(each) < bound(held) ? each : held), first);
  const state = bound(best) > trustedBoundMaxNs ? "untrusted" : "holdover";
  return anchored(scan, best, rates.holdoverPpm, state, "retroactive");
}

/**
 * The interval in which a scan of a boot that never synchronised must have been made: after the last proof plus the
 * time since its boot began, before the next boot began. `null` when the proofs contradict each other.
 */
export function bracketStamp(scan: StampMoment, bracket: BootBracket): Stamp | null {
  const sinceBootNs = scan.monotonicNs - driftNs(scan.monotonicNs, slewingPpm);
  const earliestMs = floorMs(utcNs(bracket.lastProof + sinceBootNs));
  const nextBootNs = 0n as MonotonicNs;
  const latestMs = ceilMs(
    utcNs(utcAt(bracket.nextBoot, nextBootNs) + boundAt(bracket.nextBoot, nextBootNs, slewingPpm)),
  );
  return bracketed(scan, earliestMs, latestMs, bracket.nextBoot.syncId);
}

/**
 * The interval of a scan that no anchor reaches across a break, from the anchors on both sides of it: over a suspend true
 * time went on at least as far as monotonic time did, over a contradiction nobody knows. `null` when the proofs contradict
 * each other.
 */
export function breakStamp(
  scan: StampMoment,
  { before, proofBeforeBoot, after }: BreakSides,
  breaks: readonly TimeBreak[],
  rates: DriftRates,
): Stamp | null {
  const contradictions = breaks.filter(({ kind }) => kind === "contradiction");
  if (isBroken(contradictions, before?.atNs ?? (0n as MonotonicNs), after.atNs)) {
    return hullStamp(scan, before === null ? proofBeforeBoot : earliestAt(before), after);
  }
  const at = scan.monotonicNs;
  const ppm = rates.holdoverPpm;
  const low =
    before === null ? proofBeforeBoot + at - driftNs(at, slewingPpm) : utcAt(before, at) - boundAt(before, at, ppm);
  const earliestMs = floorMs(utcNs(low));
  const latestMs = ceilMs(utcNs(utcAt(after, at) + boundAt(after, at, ppm)));
  return bracketed(scan, earliestMs, latestMs, after.syncId);
}

/**
 * The interval of a scan that was made after a moment of UTC and before an anchor: whatever monotonic time did in between.
 * `null` when the proofs contradict each other.
 */
export function hullStamp(scan: StampMoment, earliest: UtcNs, after: Anchor): Stamp | null {
  const latestMs = ceilMs(utcNs(utcAt(after, after.atNs) + boundAt(after, after.atNs, 0)));
  return bracketed(scan, floorMs(earliest), latestMs, after.syncId);
}

/** The earliest that the moment of an anchor can have been. */
function earliestAt(anchor: Anchor): UtcNs {
  return utcNs(utcAt(anchor, anchor.atNs) - boundAt(anchor, anchor.atNs, 0));
}

/** E = E0 + ρ·elapsed + capture lag, in whole milliseconds that hold the exact interval. */
function anchored(
  scan: StampMoment,
  anchor: Anchor,
  ppm: number,
  state: ClockState,
  how: "live" | "retroactive",
): Stamp {
  const utc = utcAt(anchor, scan.monotonicNs);
  const lagNs = BigInt(Math.ceil(Math.max(0, scan.captureLagMs) * 1e6));
  const { utcMs, errorBoundMs } = wholeMs(utc, boundAt(anchor, scan.monotonicNs, ppm) + lagNs);
  return withInterval({ ...momentOf(scan), how, utcMs, errorBoundMs, syncId: anchor.syncId, state });
}

/** A moment and its bound in whole milliseconds that hold the exact interval. */
export function wholeMs(utc: UtcNs, boundNs: bigint): { readonly utcMs: WallMs; readonly errorBoundMs: number } {
  const utcMs = floorMs(utc);
  const errorBoundMs = Math.max(utcMs - floorMs(utcNs(utc - boundNs)), ceilMs(utcNs(utc + boundNs)) - utcMs);
  return { utcMs, errorBoundMs };
}

function bracketed(scan: StampMoment, earliestMs: WallMs, latestMs: WallMs, syncId: string): Stamp | null {
  if (latestMs < earliestMs) return null;
  const half = Math.ceil((latestMs - earliestMs) / 2);
  const utcMs = wallMs(earliestMs + half);
  return withInterval({ ...momentOf(scan), how: "bracket", utcMs, errorBoundMs: half, syncId, state: "untrusted" });
}

function momentOf({ bootId, monotonicNs, captureLagMs }: StampMoment): StampMoment {
  return { bootId, monotonicNs, captureLagMs };
}

/** Whether a break touches the way from one moment to the other. */
export function isBroken(breaks: readonly TimeBreak[], one: MonotonicNs, other: MonotonicNs): boolean {
  const [low, high] = one < other ? [one, other] : [other, one];
  return breaks.some(({ sinceNs, atNs }) => sinceNs <= high && atNs >= low);
}
