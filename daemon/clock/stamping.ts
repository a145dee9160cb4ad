import { elapsedMs, type MonotonicNs, type WallMs, wallMs } from "../base/time.ts";
import { type Anchor, boundAt, utcAt } from "./anchor.ts";
import { anchorOf, type DisciplineState, ppmOf, trustedBoundMaxNs } from "./discipline.ts";
import { type DriftRates, holdoverPpmMin } from "./drift.ts";
import type { ClockState, Stamp } from "./stamp.ts";
import { ceilMs, driftNs, floorMs, type UtcNs, utcNs } from "./utc.ts";

/**
 * A stamp with all that lets someone else recompute it.
 *
 * - `live`: made when the badge was read.
 * - `retroactive`: the badge was read before its boot synchronised; its UTC follows from a later synchronisation of
 *   the same boot.
 * - `bracket`: its boot never synchronised. The interval is proven, the middle is no estimate: a person decides.
 */
export type ResolvedStamp = Stamp & {
  readonly how: "live" | "retroactive" | "bracket";
  /** `utcMs` − `errorBoundMs` and `utcMs` + `errorBoundMs`; `null` while nothing proves a bound. */
  readonly earliestMs: WallMs | null;
  readonly latestMs: WallMs | null;
  /** The synchronisation it rests on; `null` when it rests on none. */
  readonly syncId: string | null;
};

/** A scan that was stamped without a bound. */
export type UnresolvedScan = {
  readonly bootId: string;
  readonly monotonicNs: MonotonicNs;
  readonly captureLagMs: number;
};

/** What is known of a boot that came to its end without a synchronisation. */
export type BootBracket = {
  /** The last moment before this boot that a bound was proven for, at its earliest; the build date when there is none. */
  readonly lastProof: UtcNs;
  /** An anchor of the boot that followed: its monotonic zero is when that boot began. */
  readonly nextBoot: Anchor;
};

/** A stamp of a badge that was just read. */
export function liveStamp(
  scan: { readonly bootId: string; readonly firstByteNs: MonotonicNs },
  now: { readonly monotonicNs: MonotonicNs; readonly wallMs: WallMs },
  state: DisciplineState,
  rates: DriftRates,
): ResolvedStamp {
  const captureLagMs = elapsedMs(scan.firstByteNs, now.monotonicNs);
  const moment = { bootId: scan.bootId, monotonicNs: scan.firstByteNs, captureLagMs };
  const anchor = anchorOf(state);
  if (anchor !== null) return anchored(moment, anchor, ppmOf(state, rates), state.kind, "live");
  return {
    ...moment,
    how: "live",
    utcMs: wallMs(Math.floor(now.wallMs - captureLagMs)),
    errorBoundMs: null,
    earliestMs: null,
    latestMs: null,
    syncId: null,
    state: state.kind,
  };
}

/**
 * The stamp of a scan whose boot synchronised later (or, after a gap, again); `null` when no anchor reaches it: none of
 * its boot, or a suspend lies between. Of several, the anchor that bounds it best.
 */
export function retroactiveStamp(
  scan: UnresolvedScan,
  anchors: readonly Anchor[],
  suspends: readonly { readonly sinceNs: MonotonicNs; readonly atNs: MonotonicNs }[],
  rates: DriftRates,
): ResolvedStamp | null {
  const reaching = anchors.filter(
    (anchor) =>
      anchor.bootId === scan.bootId &&
      !suspends.some(({ sinceNs, atNs }) => between(anchor.atNs, scan.monotonicNs, sinceNs, atNs)),
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
export function bracketStamp(scan: UnresolvedScan, bracket: BootBracket): ResolvedStamp | null {
  const sinceBootNs = scan.monotonicNs - driftNs(scan.monotonicNs, holdoverPpmMin);
  const earliestMs = floorMs(utcNs(bracket.lastProof + sinceBootNs));
  const nextBootNs = 0n as MonotonicNs;
  const latestMs = ceilMs(
    utcNs(utcAt(bracket.nextBoot, nextBootNs) + boundAt(bracket.nextBoot, nextBootNs, holdoverPpmMin)),
  );
  if (latestMs < earliestMs) return null;
  const half = Math.ceil((latestMs - earliestMs) / 2);
  return {
    ...scan,
    how: "bracket",
    utcMs: wallMs(earliestMs + half),
    errorBoundMs: half,
    earliestMs,
    latestMs: wallMs(earliestMs + 2 * half),
    syncId: bracket.nextBoot.syncId,
    state: "untrusted",
  };
}

/** E = E0 + ρ·elapsed + capture lag, in whole milliseconds that hold the exact interval. */
function anchored(
  scan: UnresolvedScan,
  anchor: Anchor,
  ppm: number,
  state: ClockState,
  how: "live" | "retroactive",
): ResolvedStamp {
  const utc = utcAt(anchor, scan.monotonicNs);
  const lagNs = BigInt(Math.ceil(Math.max(0, scan.captureLagMs) * 1e6));
  const bound = boundAt(anchor, scan.monotonicNs, ppm) + lagNs;
  const utcMs = floorMs(utc);
  const errorBoundMs = Math.max(utcMs - floorMs(utcNs(utc - bound)), ceilMs(utcNs(utc + bound)) - utcMs);
  return {
    bootId: scan.bootId,
    monotonicNs: scan.monotonicNs,
    captureLagMs: scan.captureLagMs,
    how,
    utcMs,
    errorBoundMs,
    earliestMs: wallMs(utcMs - errorBoundMs),
    latestMs: wallMs(utcMs + errorBoundMs),
    syncId: anchor.syncId,
    state,
  };
}

/** Whether [sinceNs, atNs] touches the way from one moment to the other. */
function between(one: MonotonicNs, other: MonotonicNs, sinceNs: MonotonicNs, atNs: MonotonicNs): boolean {
  const [low, high] = one < other ? [one, other] : [other, one];
  return sinceNs <= high && atNs >= low;
}
