import { elapsedMs, type MonotonicNs } from "../base/time.ts";
import type { AnchorType, RecordContent } from "./record.ts";

/** How often what is done. */
export type Cadence = {
  /** In peace a commit no more often than this, so that an SD card is not worn: records wait in memory for it. */
  readonly checkpointMs: number;
  readonly anchorMs: Readonly<Record<AnchorType, number>>;
  /** Somebody who did not answer is asked again after this. */
  readonly retryMs: number;
};

export const anchoredCadence: Cadence = {
  checkpointMs: 300_000,
  anchorMs: { witness: 300_000, rfc3161: 3_600_000 },
  retryMs: 60_000,
};

/** Nobody asks for checkpoints: they only bound what a power cut costs. */
export const lonelyCadence: Cadence = { ...anchoredCadence, checkpointMs: 600_000 };

/** Records of peace that wait at most; more than an hour of them means that nothing can be written. */
export const waitingMax: number = 10_000;

/**
 * Whether a record can wait for the next commit: what is lost with it in a power cut is that nothing happened. The rest
 * is written at once, together with what waited before it.
 */
export function canWait({ kind, data }: RecordContent): boolean {
  switch (kind) {
    case "sample":
      return data.cause === null;
    case "synchronisation":
      return true;
    case "anchor":
      // Made every five minutes; the hour's token is worth a commit of its own.
      return data.type === "witness";
    default:
      return false;
  }
}

/** What is known of one who anchors. */
export type AnchorState = {
  /** When it was asked for last; `null` before the first time. */
  readonly askedNs: MonotonicNs | null;
  /** Whether the last question was answered. */
  readonly answered: boolean;
  /** Asked for beside its interval: an outage ended, a shift began or ended. */
  readonly wanted: boolean;
};

export const neverAsked: AnchorState = { askedNs: null, answered: true, wanted: false };

export function isAnchorDue(state: AnchorState, type: AnchorType, nowNs: MonotonicNs, cadence: Cadence): boolean {
  if (state.askedNs === null) return true;
  const sinceMs = elapsedMs(state.askedNs, nowNs);
  if (!state.answered) return sinceMs >= cadence.retryMs;
  return state.wanted || sinceMs >= cadence.anchorMs[type];
}
