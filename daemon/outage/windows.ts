import { present, unreachable } from "../base/assert.ts";
import { elapsedMs, type MonotonicNs, type WallMs } from "../base/time.ts";
import type { Finding } from "./cause.ts";
import type { Layers } from "./layers.ts";

/** A moment as the clock had it; its bound is `null` while nothing proved the time. */
export type Moment = {
  readonly bootId: string;
  readonly monotonicNs: MonotonicNs;
  readonly utcMs: WallMs;
  readonly errorBoundMs: number | null;
};

/** A look at the layers; `finding` is `null` when registrations can be made. */
export type Sample = {
  /** A look takes some seconds: what it saw was so at some moment between these two. */
  readonly began: Moment;
  readonly at: Moment;
  readonly layers: Layers;
  readonly finding: Finding | null;
  /** Whether all of them were looked at now, or only the site's own, with the others as they were seen before. */
  readonly isWhole: boolean;
  /** The box slept since the look before: nobody watched, and monotonic time does not tell for how long. */
  readonly hasSlept: boolean;
};

/** The last looks at which all was well: at all layers, and at the site's own. */
export type LastGood = { readonly whole: Moment | null; readonly own: Moment | null };

/** A stretch of a window with one cause. */
export type Segment = { readonly from: Moment; readonly finding: Finding; readonly layers: Layers };

/** Between two looks, in a sleep of the box among others, nobody watched: what happened there is not known, and is no outage. */
export type Gap = { readonly from: Moment; readonly to: Moment };

/**
 * An outage. Both of its ends are intervals: it began after `lastGood` and not later than `firstBad`, and ended after
 * `lastBad` and not later than `firstGood`.
 */
export type OutageWindow = {
  /** Of its first failing sample; unique. */
  readonly key: string;
  /** `null` when nothing good was seen before it. */
  readonly lastGood: Moment | null;
  readonly firstBad: Moment;
  /** When it was known for one: the third failing sample. */
  readonly openedAt: Moment;
  /** Oldest first, at least one. */
  readonly segments: readonly [Segment, ...Segment[]];
  /** How often it seemed over and failed again within `mergeMs`. */
  readonly flaps: number;
  readonly gaps: readonly Gap[];
  /** From a failure to the next one of the same window, with something well in between; absent while there is none. */
  readonly healed?: readonly Gap[];
  /** `null` while it lasts. */
  readonly end: { readonly lastBad: Moment; readonly firstGood: Moment } | null;
};

/*
 * | state | guarantees |
 * | --- | --- |
 * | quiet | the last sample was good, or there was none |
 * | suspect | one or two failing samples in a row: too few for a window |
 * | open | a window lasts; its last sample failed |
 * | settling | the window ended less than `mergeMs` ago: a new failure belongs to it |
 *
 *   quiet ──failing──▶ suspect ──third failing──▶ open ──good──▶ settling ──mergeMs later, good──▶ quiet
 *     ▲ good ────────────┘                          ▲──third failing── (suspect of a settling window)
 *
 * Samples that are missing never open a window: after a gap the count of failing samples begins anew.
 */
export type WatchState =
  | { readonly kind: "quiet"; readonly lastGood: LastGood }
  | {
      readonly kind: "suspect";
      readonly lastGood: LastGood;
      readonly failing: readonly [Sample, ...Sample[]];
      /** The window it belongs to when it is one. */
      readonly ended: OutageWindow | null;
    }
  | { readonly kind: "open"; readonly window: OutageWindow; readonly lastBad: Moment }
  | { readonly kind: "settling"; readonly window: OutageWindow; readonly lastGood: LastGood };

export type WindowChange = {
  readonly kind: "opened" | "reopened" | "cause-changed" | "gap" | "closed";
  readonly window: OutageWindow;
};

export const failingSamplesMin: number = 3;
/** Failing again this soon after its end belongs to the same window. */
export const mergeMs: number = 120_000;
/** Looks are 5 s apart: this long without one is a gap. */
export const gapMs: number = 20_000;

const nothingGood: LastGood = { whole: null, own: null };

export const initialWatch: WatchState = { kind: "quiet", lastGood: nothingGood };

/** @param mergeWithinMs failing again this soon after its end belongs to the same window */
export function step(
  state: WatchState,
  sample: Sample,
  mergeWithinMs: number = mergeMs,
): { readonly state: WatchState; readonly changes: readonly WindowChange[] } {
  return sample.finding === null
    ? onGood(state, sample, mergeWithinMs)
    : onFailing(state, sample, sample.finding, mergeWithinMs);
}

function onGood(state: WatchState, sample: Sample, mergeWithinMs: number): ReturnType<typeof step> {
  const { began, at, isWhole } = sample;
  switch (state.kind) {
    case "quiet":
      return unchanged({ kind: "quiet", lastGood: goodAt(state.lastGood, sample) });
    case "suspect": {
      // One or two failing samples are an event of the network, not an outage.
      const lastGood = goodAt(state.lastGood, sample);
      return unchanged(
        state.ended === null ? { kind: "quiet", lastGood } : settled(state.ended, sample, lastGood, mergeWithinMs),
      );
    }
    case "settling":
      return unchanged(settled(state.window, sample, goodAt(state.lastGood, sample), mergeWithinMs));
    case "open": {
      // What failed has to be looked at to be well again.
      if (!isWhole) return unchanged(state);
      const isGap = isGapBefore(sample, state.lastBad);
      const window = {
        ...(isGap ? withGap(state.window, { from: state.lastBad, to: at }) : state.window),
        end: { lastBad: state.lastBad, firstGood: at },
      };
      const closed: WindowChange = { kind: "closed", window };
      return { state: { kind: "settling", window, lastGood: { whole: began, own: began } }, changes: [closed] };
    }
    default:
      return unreachable(state);
  }
}

/** A look at the site's own layers says nothing of those beyond. */
function goodAt({ whole }: LastGood, { began, isWhole }: Sample): LastGood {
  return { whole: isWhole ? began : whole, own: began };
}

function onFailing(
  state: WatchState,
  sample: Sample,
  finding: Finding,
  mergeWithinMs: number,
): ReturnType<typeof step> {
  switch (state.kind) {
    case "quiet":
      return unchanged({ kind: "suspect", lastGood: state.lastGood, failing: [sample], ended: null });
    case "settling": {
      const ended = stillSettling(state.window, sample, mergeWithinMs);
      return unchanged({ kind: "suspect", lastGood: state.lastGood, failing: [sample], ended });
    }
    case "suspect":
      return onSuspect(state, sample, mergeWithinMs);
    case "open":
      return onOpen(state, sample, finding);
    default:
      return unreachable(state);
  }
}

function onSuspect(
  state: Extract<WatchState, { kind: "suspect" }>,
  sample: Sample,
  mergeWithinMs: number,
): ReturnType<typeof step> {
  const before = state.failing.at(-1) ?? state.failing[0];
  if (isGapBefore(sample, before.at)) {
    const ended = stillSettling(state.ended, sample, mergeWithinMs);
    return unchanged({ kind: "suspect", lastGood: nothingGood, failing: [sample], ended });
  }
  const failing: readonly [Sample, ...Sample[]] = [...state.failing, sample];
  if (failing.length < failingSamplesMin) return unchanged({ ...state, failing });
  // Each cause is a change of its own: whoever keeps the last cause of each change would else never hear of an own fault
  // that was followed by another before it was known for a window.
  const [first, ...later] = segmentsOf(failing);
  let window = state.ended === null ? opened(state.lastGood, first, failing) : reopened(state.ended, first, failing);
  const changes: WindowChange[] = [{ kind: state.ended === null ? "opened" : "reopened", window }];
  for (const segment of later) {
    window = withSegment(window, segment);
    changes.push({ kind: "cause-changed", window });
  }
  return { state: { kind: "open", window, lastBad: sample.began }, changes };
}

function onOpen(
  state: Extract<WatchState, { kind: "open" }>,
  sample: Sample,
  finding: Finding,
): ReturnType<typeof step> {
  const changes: WindowChange[] = [];
  let { window } = state;
  if (isGapBefore(sample, state.lastBad)) {
    window = withGap(window, { from: state.lastBad, to: sample.at });
    changes.push({ kind: "gap", window });
  }
  if (window.segments.at(-1)?.finding.cause !== finding.cause) {
    window = withSegment(window, segmentOf(sample, finding));
    changes.push({ kind: "cause-changed", window });
  }
  return { state: { kind: "open", window, lastBad: sample.began }, changes };
}

/** Dated from the first failing sample, not from the one that made it certain. */
function opened(lastGood: LastGood, segment: Segment, failing: readonly [Sample, ...Sample[]]): OutageWindow {
  const [first] = failing;
  return {
    key: `${first.at.bootId}/${first.at.monotonicNs}`,
    // The site's own layers are looked at more often than what lies beyond them.
    lastGood: segment.finding.cause === "own-network" ? lastGood.own : lastGood.whole,
    firstBad: first.at,
    openedAt: (failing.at(-1) ?? first).at,
    segments: [segment],
    flaps: 0,
    gaps: [],
    end: null,
  };
}

function reopened(window: OutageWindow, segment: Segment, failing: readonly [Sample, ...Sample[]]): OutageWindow {
  const isSameCause = window.segments.at(-1)?.finding.cause === segment.finding.cause;
  const { healed = [], end, flaps } = window;
  const interval = end === null ? [] : [{ from: end.lastBad, to: failing[0].at }];
  const again = { ...window, flaps: flaps + 1, healed: [...healed, ...interval], end: null };
  return isSameCause ? again : withSegment(again, segment);
}

function withSegment(window: OutageWindow, segment: Segment): OutageWindow {
  return { ...window, segments: [...window.segments, segment] };
}

function segmentsOf(failing: readonly [Sample, ...Sample[]]): readonly [Segment, ...Segment[]] {
  const segments: Segment[] = [];
  for (const sample of failing) {
    if (sample.finding === null || segments.at(-1)?.finding.cause === sample.finding.cause) continue;
    segments.push(segmentOf(sample, sample.finding));
  }
  const [first, ...others] = segments;
  return [present(first, "a failing sample has its finding"), ...others];
}

function segmentOf({ at, layers }: Sample, finding: Finding): Segment {
  return { from: at, finding, layers };
}

function settled(window: OutageWindow, sample: Sample, lastGood: LastGood, mergeWithinMs: number): WatchState {
  return belongsTo(window, sample, mergeWithinMs)
    ? { kind: "settling", window, lastGood }
    : { kind: "quiet", lastGood };
}

/** The window to which a failure belongs; `null` when it is another one's. */
function stillSettling(ended: OutageWindow | null, sample: Sample, mergeWithinMs: number): OutageWindow | null {
  return ended !== null && belongsTo(ended, sample, mergeWithinMs) ? ended : null;
}

function belongsTo({ end }: OutageWindow, { at, hasSlept }: Sample, mergeWithinMs: number): boolean {
  return end !== null && !hasSlept && msBetween(end.firstGood, at) < mergeWithinMs;
}

function withGap(window: OutageWindow, gap: Gap): OutageWindow {
  return { ...window, gaps: [...window.gaps, gap] };
}

function isGapBefore({ at, hasSlept }: Sample, from: Moment): boolean {
  return hasSlept || from.bootId !== at.bootId || msBetween(from, at) > gapMs;
}

export function laterOf(one: Moment, other: Moment): Moment {
  return msBetween(one, other) > 0 ? other : one;
}

/** Monotonic time within a boot, wall time across boots. */
function msBetween(from: Moment, to: Moment): number {
  return from.bootId === to.bootId ? elapsedMs(from.monotonicNs, to.monotonicNs) : to.utcMs - from.utcMs;
}

function unchanged(state: WatchState): ReturnType<typeof step> {
  return { state, changes: [] };
}
