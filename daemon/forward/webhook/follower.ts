import { assert, InvariantError, present, unreachable } from "../../base/assert.ts";
import type { Random } from "../../base/random.ts";
import { elapsedMs, type MonotonicNs, monotonicNs } from "../../base/time.ts";
import { backoffMs } from "../backoff.ts";
import { forwardEvents as events, type LogLine } from "../events.ts";
import type { WebhookScan } from "./cursor.ts";
import { type DeliveryOutcome, deliveryMaxScans } from "./delivery.ts";
import {
  afterAnother,
  afterServerError,
  besideAnother,
  chosen,
  type HaltingScan,
  haltingLimit,
} from "./halting-scan.ts";

/** From this many skipped scans in a row on a backoff goes before each: a broken receiver must not empty the cursor. */
export const skipsInARowMax: number = 3;

/**
 * A webhook that follows the scans in the order they were stored, at its own pace. Nothing here touches the service's queue.
 *
 *     idle ──woken──▶ reading ──scans──▶ posting ──accepted, or one refused──▶ advancing ──written──▶ reading
 *       ▲                │ none             │ several refused: reading, one by one
 *       └────────────────┘                  └─failed──▶ resting ──rested──▶ reading
 *
 * - `posting`: at most once under way. What is under way when the process dies is posted again: at least once.
 * - `advancing`: the cursor is being written; `retrying` while the store cannot. Nothing is posted before it is written.
 * - One by one: up to the last scan of a refused delivery, so that one bad record costs itself alone. It is skipped, with
 *   the receiver's reason. So it is where the receiver breaks on it and takes others: to tell, one of those is delivered
 *   before it, and again in its turn (halting-scan.ts).
 */
export type FollowerState = {
  readonly phase: FollowerPhase;
  readonly stopping: boolean;
  /** Deliveries carry one scan until the cursor has passed this one. */
  readonly oneByOneTo: number | null;
  readonly skipsInARow: number;
  /** The receiver breaks on it, or on whatever it gets; `null` while it does not. */
  readonly halting: HaltingScan | null;
  readonly failures: number;
  readonly storeFailures: number;
  /** How the last delivery ended; `call-refused` when the receiver answered that it takes none now; `null` before the first. */
  readonly lastOutcome: DeliveryOutcome["kind"] | "call-refused" | null;
  readonly nextPostNs: MonotonicNs;
  readonly wokenMeanwhile: boolean;
};

export type FollowerPhase =
  | { readonly kind: "idle" }
  | { readonly kind: "reading" }
  | { readonly kind: "posting"; readonly scans: readonly WebhookScan[] }
  | { readonly kind: "advancing"; readonly advance: Advance; readonly retrying: boolean }
  | { readonly kind: "resting" }
  | { readonly kind: "stopped" };

export type Advance = {
  readonly scanId: number;
  readonly skipped: { readonly scanId: number; readonly reason: string } | null;
};

export type FollowerInput =
  | { readonly kind: "woken" }
  | { readonly kind: "rested" }
  | { readonly kind: "read"; readonly scans: readonly WebhookScan[] }
  | { readonly kind: "ended"; readonly outcome: DeliveryOutcome }
  | { readonly kind: "advanced" }
  | { readonly kind: "store-failed"; readonly error: unknown }
  | { readonly kind: "stop" };

export type FollowerAction =
  | { readonly kind: "read"; readonly limit: number }
  | { readonly kind: "post"; readonly scans: readonly WebhookScan[] }
  | { readonly kind: "advance"; readonly advance: Advance }
  | { readonly kind: "rest"; readonly delayMs: number }
  | { readonly kind: "log"; readonly line: LogLine };

export type FollowerStep = { readonly state: FollowerState; readonly actions: readonly FollowerAction[] };

export const initialFollower: FollowerState = {
  phase: { kind: "idle" },
  stopping: false,
  oneByOneTo: null,
  skipsInARow: 0,
  halting: null,
  failures: 0,
  storeFailures: 0,
  lastOutcome: null,
  nextPostNs: monotonicNs(0n),
  wokenMeanwhile: false,
};

export function stepFollower(
  state: FollowerState,
  input: FollowerInput,
  now: MonotonicNs,
  random: Random,
): FollowerStep {
  const { phase } = state;
  if (phase.kind === "stopped") return { state, actions: [] };
  switch (input.kind) {
    case "woken":
      if (phase.kind === "idle") return onward(state, now);
      return { state: phase.kind === "reading" ? { ...state, wokenMeanwhile: true } : state, actions: [] };
    case "rested":
      if (phase.kind === "advancing" && phase.retrying) return write(state, phase.advance);
      return phase.kind === "resting" ? onward(state, now) : { state, actions: [] };
    case "read":
      return onRead({ ...state, storeFailures: 0 }, input.scans, now);
    case "ended":
      return onEnded(state, input.outcome, now, random);
    case "advanced":
      assert(phase.kind === "advancing", "the cursor is written after a delivery");
      return onward(passed({ ...state, storeFailures: 0 }, phase.advance.scanId), now);
    case "store-failed":
      return onStoreFailed(state, input.error, random);
    case "stop":
      return onStop({ ...state, stopping: true });
    default:
      return unreachable(input);
  }
}

/** How long until the next delivery; 0 when at once. */
export function followerRestMs(state: FollowerState, now: MonotonicNs): number {
  return Math.max(0, elapsedMs(now, state.nextPostNs));
}

function onRead(state: FollowerState, scans: readonly WebhookScan[], now: MonotonicNs): FollowerStep {
  assert(state.phase.kind === "reading", "scans come while they are read");
  if (state.stopping) return { state: withPhase(state, { kind: "stopped" }), actions: [] };
  if (scans.length > 0) {
    const posted = chosen(state.halting, scans);
    return { state: withPhase(state, { kind: "posting", scans: posted }), actions: [{ kind: "post", scans: posted }] };
  }
  return state.wokenMeanwhile ? onward(state, now) : { state: withPhase(state, { kind: "idle" }), actions: [] };
}

function onEnded(state: FollowerState, outcome: DeliveryOutcome, now: MonotonicNs, random: Random): FollowerStep {
  assert(state.phase.kind === "posting", "a delivery ends while it is under way");
  const { scans } = state.phase;
  const lastScanId = present(scans.at(-1), "a delivery carries a scan").scanId;
  const beside = besideAnother(state.halting, scans);
  if (outcome.kind !== "failed" && beside !== null) {
    // It is delivered again in its turn, whatever became of it.
    return onward({ ...state, halting: afterAnother(beside, outcome.kind), nextPostNs: now }, now);
  }
  const ended: FollowerState = { ...state, lastOutcome: outcome.kind, halting: null };
  const recovered: FollowerAction[] =
    state.failures > 0 && outcome.kind !== "failed"
      ? [log("info", events.webhookAgain, { failedCalls: state.failures })]
      : [];
  switch (outcome.kind) {
    case "accepted": {
      const done = log("debug", events.webhookDelivered, { count: scans.length, lastScanId });
      const { state: next, actions } = write(
        { ...ended, failures: 0, skipsInARow: 0, nextPostNs: now },
        { scanId: lastScanId, skipped: null },
      );
      return { state: next, actions: [...recovered, done, ...actions] };
    }
    case "refused": {
      if (scans.length > 1) {
        const { state: next, actions } = onward(
          { ...ended, failures: 0, oneByOneTo: lastScanId, nextPostNs: now },
          now,
        );
        return { state: next, actions: [...recovered, ...actions] };
      }
      const skipsInARow = state.skipsInARow + 1;
      const tooMany = skipsInARow - skipsInARowMax + 1;
      const delayMs = tooMany <= 0 ? 0 : backoffMs(tooMany, null, random);
      const skipped = { scanId: lastScanId, reason: outcome.reason };
      // The receiver's own words may repeat the badge: they are kept with the cursor, and stay out of the log.
      const told = { scanId: lastScanId, httpStatus: outcome.httpStatus };
      const { state: next, actions } = write(
        { ...ended, failures: 0, skipsInARow, nextPostNs: later(now, delayMs) },
        { scanId: lastScanId, skipped },
      );
      return { state: next, actions: [...recovered, log("error", events.webhookSkipped, told), ...actions] };
    }
    case "failed": {
      const failures = state.failures + 1;
      const delayMs = backoffMs(failures, outcome.retryAfterMs, random);
      const { detail, httpStatus } = outcome;
      const fields = { detail, httpStatus, failedCalls: failures, retryInMs: Math.round(delayMs) };
      // Whoever answers so is there: an address or a token that is wrong is found nowhere in the network.
      const isRefusal = httpStatus !== null && httpStatus >= 300 && httpStatus < 500;
      const lastOutcome = isRefusal ? "call-refused" : outcome.kind;
      const isBroken = httpStatus !== null && httpStatus >= 500 && outcome.retryAfterMs === null;
      const halt = isBroken ? afterServerError(state.halting, scans) : ({ halting: null, next: "wait" } as const);
      if (halt.next === "skip") return skipHalting(ended, scans, detail, httpStatus);
      const oneByOneTo = halt.next === "narrow" ? lastScanId : state.oneByOneTo;
      const nextPostNs = later(now, delayMs);
      const failed = { ...ended, lastOutcome, failures, nextPostNs, oneByOneTo, halting: halt.halting } as const;
      const { state: next, actions } = onward(failed, now);
      return { state: next, actions: [log("warn", events.webhookFailed, fields), ...actions] };
    }
    default:
      return unreachable(outcome);
  }
}

/** In several rounds the receiver took another and broke on this one. */
function skipHalting(
  state: FollowerState,
  scans: readonly WebhookScan[],
  detail: string,
  httpStatus: number | null,
): FollowerStep {
  const { scanId } = present(scans[0], "a delivery carries a scan");
  const reason = `${detail}, again and again, while it took another`;
  const { state: next, actions } = write({ ...state, failures: 0 }, { scanId, skipped: { scanId, reason } });
  return { state: next, actions: [log("error", events.webhookSkipped, { scanId, httpStatus }), ...actions] };
}

function onStoreFailed(state: FollowerState, error: unknown, random: Random): FollowerStep {
  const { phase } = state;
  if (phase.kind !== "reading" && phase.kind !== "advancing") {
    throw new InvariantError(`the store is not asked while ${phase.kind}`);
  }
  const storeFailures = state.storeFailures + 1;
  const delayMs = backoffMs(storeFailures, null, random);
  const fields = { operation: phase.kind === "reading" ? "next" : "advance", err: error, retryInMs: delayMs };
  const actions = [log("error", events.webhookStoreFailed, fields)];
  const failed = { ...state, storeFailures };
  if (state.stopping) return { state: withPhase(failed, { kind: "stopped" }), actions };
  const next: FollowerPhase = phase.kind === "reading" ? { kind: "resting" } : { ...phase, retrying: true };
  return { state: withPhase(failed, next), actions: [...actions, { kind: "rest", delayMs }] };
}

function onStop(state: FollowerState): FollowerStep {
  const { phase } = state;
  if (phase.kind === "advancing" && phase.retrying) return write(state, phase.advance);
  const isBusy = phase.kind === "reading" || phase.kind === "posting" || phase.kind === "advancing";
  return { state: isBusy ? state : withPhase(state, { kind: "stopped" }), actions: [] };
}

function onward(state: FollowerState, now: MonotonicNs): FollowerStep {
  if (state.stopping) return { state: withPhase(state, { kind: "stopped" }), actions: [] };
  const delayMs = followerRestMs(state, now);
  if (delayMs > 0) return { state: withPhase(state, { kind: "resting" }), actions: [{ kind: "rest", delayMs }] };
  const limit = haltingLimit(state.halting) ?? (state.oneByOneTo === null ? deliveryMaxScans : 1);
  const reading = { ...withPhase(state, { kind: "reading" }), wokenMeanwhile: false };
  return { state: reading, actions: [{ kind: "read", limit }] };
}

function write(state: FollowerState, advance: Advance): FollowerStep {
  return {
    state: withPhase(state, { kind: "advancing", advance, retrying: false }),
    actions: [{ kind: "advance", advance }],
  };
}

function passed(state: FollowerState, scanId: number): FollowerState {
  return state.oneByOneTo !== null && scanId >= state.oneByOneTo ? { ...state, oneByOneTo: null } : state;
}

function log(level: LogLine["level"], event: LogLine["event"], fields: object): FollowerAction {
  return { kind: "log", line: { level, event, fields } };
}

function later(from: MonotonicNs, delayMs: number): MonotonicNs {
  return monotonicNs(from + BigInt(Math.ceil(delayMs * 1e6)));
}

function withPhase(state: FollowerState, phase: FollowerPhase): FollowerState {
  return { ...state, phase };
}
