import { counted } from "../base/counted.ts";
import { elapsedMs, type MonotonicNs } from "../base/time.ts";
import type { Anchorer, AnchorOutcome } from "./anchorer.ts";
import type { AnchorType } from "./record.ts";

/** How it stands with one of those who anchor the log, since badged started. */
export type AnchorerStatus = {
  readonly type: AnchorType;
  readonly name: string;
  /** Since the last time it anchored; `null` before the first. */
  readonly anchoredAgoMs: number | null;
  /** Records that it anchored then. */
  readonly size: number;
  /** Why it did not the last time it was asked; `null` when it did, or was not asked yet. */
  readonly failure: string | null;
};

type Told = { readonly anchoredNs: MonotonicNs | null; readonly size: number; readonly failure: string | null };

const nothingTold: Told = { anchoredNs: null, size: 0, failure: null };

/** Keeps for people how each anchorer answered. Decides nothing. */
export class AnchorTrack {
  readonly #told: Map<Anchorer, Told>;

  constructor(anchorers: readonly Anchorer[]) {
    this.#told = new Map(anchorers.map((anchorer) => [anchorer, nothingTold]));
  }

  /** @param size of the checkpoint that it was asked about */
  answered(anchorer: Anchorer, outcomes: readonly AnchorOutcome[], size: number, nowNs: MonotonicNs): void {
    const before = this.#told.get(anchorer) ?? nothingTold;
    const failure = outcomes.map(failureOf).find((why) => why !== null) ?? null;
    this.#told.set(anchorer, failure === null ? { anchoredNs: nowNs, size, failure } : { ...before, failure });
  }

  status(nowNs: MonotonicNs): readonly AnchorerStatus[] {
    return [...this.#told].map(([{ type, name }, { anchoredNs, size, failure }]) => ({
      type,
      name,
      anchoredAgoMs: anchoredNs === null ? null : Math.round(elapsedMs(anchoredNs, nowNs)),
      size,
      failure,
    }));
  }
}

function failureOf(outcome: AnchorOutcome): string | null {
  switch (outcome.kind) {
    case "anchored":
      return null;
    case "ahead":
      return `has seen ${counted(outcome.size, "record")} of another history: a new log was begun`;
    case "failed":
      return outcome.why;
  }
}
