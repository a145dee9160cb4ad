import type { Random } from "../../../base/random.ts";
import { elapsedMs, type MonotonicNs, monotonicNs } from "../../../base/time.ts";
import { retryAfterMaxMs } from "../../backoff.ts";
import type { TokenFailure, TokenFailureKind, TokenOutcome } from "./token-outcome.ts";

/** (I) For a token whose endpoint does not say how long it holds; RFC 6749 makes `expires_in` recommended only. */
export const lifetimeUnsaidMs: number = 5 * 60 * 1000;

/** A token that claims to hold longer is renewed as if it held this long, for its claim may be a slip of the unit. */
export const lifetimeMaxMs: number = 24 * 60 * 60 * 1000;

/** Renewed at this share of its life: a minute before its end for every token that holds five minutes or more. */
export const renewalShare: number = 0.8;

/** Not used so near its end: it has to hold until the service has looked at it. */
export const lastUseMs: number = 5_000;

/**
 * What is known of the one token.
 *
 * Three things cause a request: there is no token that can be used, the one there is has come to its renewal, or the
 * service refused it. Three things hold one back: another under way (the shell's affair), the backoff after a failure,
 * and, for a token that the service refuses, the backoff after the renewal that its last refusal caused: a service that
 * refuses every token must not have us hammer the endpoint that gives them.
 */
export type TokenLife = {
  readonly held: HeldToken | null;
  readonly failure: TokenFailure | null;
  /** Requests in a row that failed. */
  readonly failures: number;
  /** No request before this; `null` for none to wait for. */
  readonly notBeforeNs: MonotonicNs | null;
  /** Renewals in a row that a refusal by the service caused, and when the last of them was. */
  readonly refusals: number;
  readonly refusedNs: MonotonicNs | null;
};

export type HeldToken = {
  readonly value: string;
  readonly renewNs: MonotonicNs;
  readonly endNs: MonotonicNs;
};

export const noTokenYet: TokenLife = {
  held: null,
  failure: null,
  failures: 0,
  notBeforeNs: null,
  refusals: 0,
  refusedNs: null,
};

/** The token that can be sent now; `null` when there is none. */
export function usable({ held }: TokenLife, nowNs: MonotonicNs): string | null {
  return held !== null && nowNs < held.endNs ? held.value : null;
}

export function shouldAsk({ held, notBeforeNs }: TokenLife, nowNs: MonotonicNs): boolean {
  if (held !== null && nowNs < held.renewNs) return false;
  return notBeforeNs === null || nowNs >= notBeforeNs;
}

/** How long no request leaves; 0 when one may at once. */
export function waitMs({ notBeforeNs }: TokenLife, nowNs: MonotonicNs): number {
  return notBeforeNs === null ? 0 : Math.max(0, elapsedMs(nowNs, notBeforeNs));
}

/** How long until it is asked again without anybody wanting the token. */
export function retryMs(life: TokenLife, nowNs: MonotonicNs): number {
  return life.failure?.kind === "clock-unknown" ? clockWaitMs : waitMs(life, nowNs);
}

/** @param askedNs before the request left: the endpoint counts the token's life from a moment after it */
export function afterOutcome(
  life: TokenLife,
  outcome: TokenOutcome,
  { askedNs, nowNs }: { readonly askedNs: MonotonicNs; readonly nowNs: MonotonicNs },
  random: Random,
): TokenLife {
  if (outcome.kind === "granted") {
    const saidMs = outcome.lifetimeMs ?? lifetimeUnsaidMs;
    const lifetimeMs = Math.min(saidMs, lifetimeMaxMs);
    const held = {
      value: outcome.token,
      renewNs: later(askedNs, lifetimeMs * renewalShare),
      endNs: later(askedNs, Math.max(lifetimeMs - lastUseMs, lifetimeMs * renewalShare)),
    };
    return { ...life, held, failure: null, failures: 0, notBeforeNs: null };
  }
  if (outcome.kind === "interrupted") return life;
  // Nothing was sent, so there is nothing to back off from: whoever needs the token may have the clock looked at again.
  if (outcome.kind === "clock-unknown") return { ...life, failure: outcome, notBeforeNs: null };
  const failures = life.failures + 1;
  const notBeforeNs = later(nowNs, failureWaitMs(outcome, failures, random));
  return { ...life, failure: outcome, failures, notBeforeNs };
}

/** The service answered 401 to `token`. Only the one that is held, and not too soon after the last such renewal, is given up. */
export function afterRefusal(life: TokenLife, token: string, nowNs: MonotonicNs): TokenLife {
  if (life.held?.value !== token) return life;
  const sinceMs = life.refusedNs === null ? Number.POSITIVE_INFINITY : elapsedMs(life.refusedNs, nowNs);
  if (sinceMs >= refusalsForgottenMs) return { ...life, held: null, refusals: 1, refusedNs: nowNs };
  if (sinceMs < Math.min(refusalMaxMs, refusalBaseMs * 2 ** (life.refusals - 1))) return life;
  return { ...life, held: null, refusals: life.refusals + 1, refusedNs: nowNs };
}

/** The network came back: what failed for want of it need not wait any longer. An endpoint that asked for a wait was there. */
export function hastened(life: TokenLife): TokenLife {
  const { failure } = life;
  const isWorthwhile = failure !== null && failure.retryAfterMs === null && networkKinds.includes(failure.kind);
  // A request that is under way left before: should it fail, the backoff after it begins anew.
  return isWorthwhile ? { ...life, failures: 0, notBeforeNs: null } : life;
}

const networkKinds: readonly TokenFailureKind[] = ["not-reached", "down", "no-name", "tls-failed", "unintelligible"];

/** From the first refusal-caused renewal to the next, doubled each time; forgotten after the longest of all. */
export const refusalBaseMs: number = 60_000;
const refusalMaxMs = 15 * 60_000;
const refusalsForgottenMs = 60 * 60_000;

/** The clock is looked at this often: it costs nothing. */
export const clockWaitMs: number = 1_000;

/** First and longest waits. Failed requests count against a quota of their own, an endpoint that is down counts none. */
const waits: Readonly<
  Record<
    Exclude<TokenFailureKind, "interrupted" | "clock-unknown">,
    { readonly baseMs: number; readonly maxMs: number }
  >
> = {
  refused: { baseMs: 30_000, maxMs: 15 * 60_000 },
  "key-unusable": { baseMs: 5_000, maxMs: 60_000 },
  "not-made": { baseMs: 5_000, maxMs: 60_000 },
  throttled: { baseMs: 30_000, maxMs: 15 * 60_000 },
  // As often as everything else is looked at while an outage lasts, whose end is not to be missed.
  "not-reached": { baseMs: 1_000, maxMs: 5_000 },
  down: { baseMs: 1_000, maxMs: 5_000 },
  "no-name": { baseMs: 1_000, maxMs: 5_000 },
  unintelligible: { baseMs: 5_000, maxMs: 5 * 60_000 },
  "tls-failed": { baseMs: 5_000, maxMs: 60_000 },
  "pin-mismatch": { baseMs: 5_000, maxMs: 60_000 },
};

/** Exponential with jitter, never below half of it: a request that fails by our own mistake must not leave at once again. */
function failureWaitMs(failure: TokenFailure, failures: number, random: Random): number {
  if (failure.kind === "interrupted" || failure.kind === "clock-unknown") return 0;
  const { baseMs, maxMs } = waits[failure.kind];
  const ceilingMs = Math.min(maxMs, baseMs * 2 ** Math.min(Math.max(failures, 1) - 1, 30));
  const askedMs = Math.min(retryAfterMaxMs, Math.max(0, failure.retryAfterMs ?? 0));
  return Math.max(ceilingMs * (0.5 + random() / 2), askedMs);
}

function later(from: MonotonicNs, delayMs: number): MonotonicNs {
  return monotonicNs(from + BigInt(Math.ceil(delayMs * 1e6)));
}
