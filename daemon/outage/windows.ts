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

/** One look at all layers; `finding` is `null` when registrations can be made. */
export type Sample = { readonly at: Moment; readonly layers: Layers; readonly finding: Finding | null };

/** A stretch of a window with one cause. */
export type Segment = { readonly from: Moment; readonly finding: Finding; readonly layers: Layers };

/** Between two looks nobody watched: what happened there is not known, and is no outage. */
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
  | { readonly kind: "quiet"; readonly lastGood: Moment | null }
  | {
      readonly kind: "suspect";
      readonly lastGood: Moment | null;
      readonly failing: readonly [Sample, ...Sample[]];
      /** The window it belongs to when it is one. */
      readonly ended: OutageWindow | null;
    }
  | { readonly kind: "open"; readonly window: OutageWindow; readonly lastBad: Moment }
  | { readonly kind: "settling"; readonly window: OutageWindow; readonly lastGood: Moment };

export type WindowChange = {
  readonly kind: "opened" | "reopened" | "cause-changed" | "gap" | "closed";
  readonly window: OutageWindow;
};

export const failingSamplesMin: number = 3;
/** Failing again this soon after its end belongs to the same window. */
export const mergeMs: number = 120_000;
/** Looks are 5 s apart: this long without one is a gap. */
export const gapMs: number = 20_000;

export const initialWatch: WatchState = { kind: "quiet", lastGood: null };

export function step(
  state: WatchState,
  sample: Sample,
): { readonly state: WatchState; readonly changes: readonly WindowChange[] } {
  return sample.finding === null ? onGood(state, sample.at) : onFailing(state, sample, sample.finding);
}

/** When the watch last looked; `null` before the first look. */
export function lastLook(state: WatchState): Moment | null {
  switch (state.kind) {
    case "quiet":
    case "settling":
      return state.lastGood;
    case "suspect":
      return state.failing.at(-1)?.at ?? null;
    case "open":
      return state.lastBad;
    default:
      return unreachable(state);
  }
}

function onGood(state: WatchState, at: Moment): ReturnType<typeof step> {
  switch (state.kind) {
    case "quiet":
      return unchanged({ kind: "quiet", lastGood: at });
    case "suspect":
      // One or two failing samples are an event of the network, not an outage.
      return unchanged(state.ended === null ? { kind: "quiet", lastGood: at } : settled(state.ended, at));
    case "settling":
      return unchanged(settled(state.window, at));
    case "open": {
      const isGap = isGapBetween(state.lastBad, at);
      const window = {
        ...(isGap ? withGap(state.window, { from: state.lastBad, to: at }) : state.window),
        end: { lastBad: state.lastBad, firstGood: at },
      };
      const closed: WindowChange = { kind: "closed", window };
      return { state: { kind: "settling", window, lastGood: at }, changes: [closed] };
    }
    default:
      return unreachable(state);
  }
}

function onFailing(state: WatchState, sample: Sample, finding: Finding): ReturnType<typeof step> {
  switch (state.kind) {
    case "quiet":
      return unchanged({ kind: "suspect", lastGood: state.lastGood, failing: [sample], ended: null });
    case "settling": {
      const ended = belongsTo(state.window, sample.at) ? state.window : null;
      return unchanged({ kind: "suspect", lastGood: state.lastGood, failing: [sample], ended });
    }
    case "suspect":
      return onSuspect(state, sample);
    case "open":
      return onOpen(state, sample, finding);
    default:
      return unreachable(state);
  }
}

function onSuspect(state: Extract<WatchState, { kind: "suspect" }>, sample: Sample): ReturnType<typeof step> {
  const before = state.failing.at(-1) ?? state.failing[0];
  if (isGapBetween(before.at, sample.at)) {
    return unchanged({ ...state, lastGood: null, failing: [sample] });
  }
  const failing: readonly [Sample, ...Sample[]] = [...state.failing, sample];
  if (failing.length < failingSamplesMin) return unchanged({ ...state, failing });
  const window = state.ended === null ? opened(state.lastGood, failing, sample.at) : reopened(state.ended, failing);
  const kind = state.ended === null ? "opened" : "reopened";
  return { state: { kind: "open", window, lastBad: sample.at }, changes: [{ kind, window }] };
}

function onOpen(
  state: Extract<WatchState, { kind: "open" }>,
  sample: Sample,
  finding: Finding,
): ReturnType<typeof step> {
  const changes: WindowChange[] = [];
  let { window } = state;
  if (isGapBetween(state.lastBad, sample.at)) {
    window = withGap(window, { from: state.lastBad, to: sample.at });
    changes.push({ kind: "gap", window });
  }
  if (window.segments.at(-1)?.finding.cause !== finding.cause) {
    window = { ...window, segments: [...window.segments, segmentOf(sample, finding)] };
    changes.push({ kind: "cause-changed", window });
  }
  return { state: { kind: "open", window, lastBad: sample.at }, changes };
}

/** Dated from the first failing sample, not from the one that made it certain. */
function opened(lastGood: Moment | null, failing: readonly [Sample, ...Sample[]], openedAt: Moment): OutageWindow {
  const [first] = failing;
  return {
    key: `${first.at.bootId}/${first.at.monotonicNs}`,
    lastGood,
    firstBad: first.at,
    openedAt,
    segments: segmentsOf(failing),
    flaps: 0,
    gaps: [],
    end: null,
  };
}

function reopened(window: OutageWindow, failing: readonly [Sample, ...Sample[]]): OutageWindow {
  const [first, ...others] = segmentsOf(failing);
  const isSameCause = window.segments.at(-1)?.finding.cause === first.finding.cause;
  const segments: OutageWindow["segments"] = [...window.segments, ...(isSameCause ? [] : [first]), ...others];
  return { ...window, segments, flaps: window.flaps + 1, end: null };
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

function settled(window: OutageWindow, at: Moment): WatchState {
  return belongsTo(window, at) ? { kind: "settling", window, lastGood: at } : { kind: "quiet", lastGood: at };
}

function belongsTo({ end }: OutageWindow, at: Moment): boolean {
  return end !== null && msBetween(end.firstGood, at) < mergeMs;
}

function withGap(window: OutageWindow, gap: Gap): OutageWindow {
  return { ...window, gaps: [...window.gaps, gap] };
}

function isGapBetween(from: Moment, to: Moment): boolean {
  return from.bootId !== to.bootId || msBetween(from, to) > gapMs;
}

/** Monotonic time within a boot, wall time across boots. */
function msBetween(from: Moment, to: Moment): number {
  return from.bootId === to.bootId ? elapsedMs(from.monotonicNs, to.monotonicNs) : to.utcMs - from.utcMs;
}

function unchanged(state: WatchState): ReturnType<typeof step> {
  return { state, changes: [] };
}
