import { type MonotonicNs, monotonicNs, type WallMs } from "../../base/time.ts";
import type { LogLine } from "../events.ts";
import { type Lessons, noLessons } from "../judgement/lessons.ts";
import type { AttemptOutcome, Claim, ClaimOrder, DoubtRule, Written } from "../queue.ts";
import type { ReceiptWindow } from "../receipt-window.ts";
import { initialTrack, type SearchTrack } from "../search-track.ts";
import type { CallOutcome, SearchOutcome } from "../upstream.ts";

/**
 * The forwarder: one call to the service at a time, from what the queue says is due.
 *
 *     starting ──recovered──▶ looking ──claim──▶ calling or ──outcome──▶ settling ──┐
 *                              │  ▲                                              │ written
 *                 nothing due  │  │ woken, polled, rested                        ▼
 *                              └▶ idle ◀────────────────────────────────────── resting
 *
 * - `starting`: scans that a dead process left `sending` are being brought back, doubtful; so are those of a claim whose
 *   answer was lost with the store's thread; `retrying` while the store cannot. Nothing is claimed that anybody knows of.
 * - `idle`: nothing was due at the last look, and nobody has said otherwise since; a scan that lies in the service's
 *   future, by as much as its clock may be behind ours, is looked for again when it does not.
 * - `looking`: the queue is asked. Scans it hands out are `sending` on disk before the call leaves.
 * - `calling`: the call is under way. Its claim lives here and nowhere else.
 * - `searching`: a scan in doubt is looked for at the service before it is sent again; search-track.ts says when. It is
 *   claimed like any other, and settled like any other.
 * - `settling`: what became of each scan is being written; `retrying` while the store cannot. If the process dies here,
 *   the next `starting` finds the scans `sending` and marks them doubtful.
 * - `resting`: until the next call may leave: the pace between calls, the backoff after a failure (the circuit is open;
 *   the call after it carries one scan: `probing` in call-size.ts), or a store that failed.
 * - `stopped`: for ever. The order to stop lets a call under way end and be settled; no other follows.
 *
 * A backlog that is sent without a pace does not wait for the store: `beside` a full call, what became of the one before is
 * written and the `ahead` one is claimed, in one transaction. It leaves when the call under way went through, and is given
 * back unsent when it did not. A claim takes `waiting` scans only and passes over every worker with a scan that is
 * `sending`, so neither twice the same nor out of order can come of it.
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
  /** Calls in a row that did not leave, for the receipt of a scan would have been past the limit. */
  readonly heldBacks: number;
  /** How the last call ended; `null` before the first. */
  readonly lastOutcome: AttemptOutcome | null;
  /** A search was answered since the last call: the service is there. */
  readonly isAnswered: boolean;
  /** Before this no call leaves. */
  readonly nextCallNs: MonotonicNs;
  /** Until then the service itself asked to be left alone. */
  readonly askedNs: MonotonicNs;
  /** When an outage was last said to be over; `null` for never. */
  readonly hastenedNs: MonotonicNs | null;
  /** Before this none of the scans on which the service is known to break is tried again. */
  readonly nextBreakingNs: MonotonicNs;
  /** A claim was asked for, and what came of it is not known: its scans may be `sending`, and in nobody's hands. */
  readonly isClaimLost: boolean;
  /** When the call under way left, and how long the one before it took; `null` before the first. */
  readonly leftNs: MonotonicNs;
  readonly lastCallMs: number | null;
  /** The next call, while one is under way. */
  readonly ahead: Outgoing | null;
  /** Of the call before the one under way, as long as it is not written. */
  readonly behind: Written | null;
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

/** A claim with what its call needs. */
export type Outgoing = {
  readonly claim: Claim;
  readonly traceId: string;
  /** By what its scans were judged. */
  readonly window: ReceiptWindow;
};

export type Phase =
  | { readonly kind: "starting"; readonly retrying: boolean }
  | { readonly kind: "idle" }
  | { readonly kind: "looking"; readonly doubts: DoubtRule }
  | { readonly kind: "calling"; readonly claim: Claim }
  | { readonly kind: "searching"; readonly claim: Claim }
  | {
      readonly kind: "settling";
      readonly written: Written;
      readonly others: readonly Written[];
      readonly retrying: boolean;
    }
  | { readonly kind: "resting" }
  | { readonly kind: "stopped" };

export type ForwarderInput =
  | { readonly kind: "started" }
  | { readonly kind: "recovered"; readonly scans: number }
  /** A scan was stored, or something else that may make one due. */
  | { readonly kind: "woken" }
  /** Time to look for what other processes did. */
  | { readonly kind: "polled" }
  | { readonly kind: "rested" }
  /** Another call of ours was told to stay away for so long: the quota is the client's. */
  | { readonly kind: "throttled"; readonly forMs: number }
  /** An outage is over: what waits for a backoff need not wait any longer. */
  | { readonly kind: "hastened" }
  | {
      readonly kind: "looked";
      readonly found: Outgoing | null;
      readonly resolved: number;
      /** When nothing was claimed: something may become due by itself after this long; `null` when nothing will. */
      readonly lookAgainMs: number | null;
      readonly oldestDoubt: WallMs | null;
    }
  | {
      readonly kind: "ended";
      readonly outcome: CallOutcome;
      /** What is claimed ahead was judged too long ago to leave. */
      readonly isAheadStale: boolean;
    }
  /** Of what was done beside the call under way; comes before its end. */
  | { readonly kind: "beside-done"; readonly ahead: Outgoing | null }
  | { readonly kind: "beside-failed"; readonly error: unknown }
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
      readonly request: LookRequest;
    }
  | { readonly kind: "call"; readonly outgoing: Outgoing }
  /** For the only scan of the claim. */
  | { readonly kind: "search"; readonly outgoing: Outgoing }
  /** While the call is under way: writes, then claims, each where there is something to. */
  | { readonly kind: "beside"; readonly written: Written | null; readonly request: LookRequest | null }
  | { readonly kind: "settle"; readonly written: Written }
  /** Replaces the rest before it, if any. */
  | { readonly kind: "rest"; readonly delayMs: number }
  | { readonly kind: "log"; readonly line: LogLine };

export type LookRequest = {
  readonly limit: number;
  readonly now: WallMs;
  readonly doubts: DoubtRule;
  readonly order?: ClaimOrder;
  readonly apart?: readonly number[];
  readonly isApartResting?: boolean;
};

export type Now = { readonly monotonicNs: MonotonicNs; readonly wallMs: WallMs };

export type ForwarderStep = { readonly state: ForwarderState; readonly actions: readonly ForwarderAction[] };

export function initialState(settings: ForwarderSettings): ForwarderState {
  return {
    settings,
    phase: { kind: "starting", retrying: false },
    stopping: false,
    lessons: noLessons,
    search: initialTrack(settings.searches === true),
    failures: 0,
    storeFailures: 0,
    heldBacks: 0,
    lastOutcome: null,
    isAnswered: false,
    nextCallNs: monotonicNs(0n),
    askedNs: monotonicNs(0n),
    hastenedNs: null,
    nextBreakingNs: monotonicNs(0n),
    isClaimLost: false,
    leftNs: monotonicNs(0n),
    lastCallMs: null,
    ahead: null,
    behind: null,
    wokenMeanwhile: false,
    resolveDue: true,
  };
}
