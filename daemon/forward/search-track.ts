import type { Random } from "../base/random.ts";
import { type MonotonicNs, monotonicNs, type WallMs, wallMs } from "../base/time.ts";
import { backoffMs, retryAfterMaxMs } from "./backoff.ts";
import type { AttemptOutcome, DoubtRule } from "./queue.ts";
import { askedWaitMs, type SearchOutcome } from "./upstream.ts";

/**
 * The service may go on with a request whose connection is gone. What a search does not find is believed to be missing only
 * this long after the call ended.
 */
export const lateProcessingMs: number = 10_000;

/** After this many searches in a row that the service failed, scans in doubt are sent again unsearched for a while. */
export const searchStrikesMax: number = 5;

/** After this many scans in a row for which it was refused, search counts as not to be had. */
export const searchRefusalsMax: number = 3;

/** A service that says it has no search is asked again after this long: it may have been something in between that said so. */
export const searchOffMs: number = 60 * 60 * 1000;

/** No doubt was there to look into after all, as when an older scan of the worker is on its way. */
export const seekAgainMs: number = 5_000;

/**
 * Searches for scans in doubt, beside the calls that register:
 *
 * - while a search can be had, scans in doubt are held: others pass, a worker's own later ones do not
 * - a search and a call take turns, so that neither holds up the other; after a failed call only when nothing else waits, or
 *   when what waits would be drawn into an outage that has drawn in enough
 * - a search that fails backs off by itself; it never makes a call wait, but for a `Retry-After` that is meant for both
 * - a service that offers no search, or keeps failing it while it may well register, gets the scans again, marked; while
 *   calls fail as well, each time a scan in doubt would go again it is searched for right before
 * - where an outage has drawn in enough scans, and searches failed so, it gets the same few again, whether the search has to
 *   wait or not: one that is throttled must not draw in all others, one with each call
 * - a search that is refused for one scan says nothing of the others, until it is refused for several in a row; a token that
 *   is not taken for it, while calls go through with it, is such a refusal
 */
export type SearchTrack = {
  /** Whether the adapter can search at all. */
  readonly isOffered: boolean;
  /** Before this no search is made. */
  readonly nextNs: MonotonicNs;
  /** Until then the service itself asked for no search. */
  readonly askedNs: MonotonicNs;
  /** Until then the service counts as having none. */
  readonly offUntilNs: MonotonicNs;
  /** In a row, for the backoff. */
  readonly failures: number;
  /** Those of them that were the service's own doing, and not that of the way there. */
  readonly strikes: number;
  /** When the service itself first failed one of them; `null` for none. */
  readonly failingSinceNs: MonotonicNs | null;
  /** A search was tried in vain since the last call ended. */
  readonly isTried: boolean;
  /** Searches in a row that were refused for the scan they were made for. */
  readonly refusals: number;
  readonly isNext: boolean;
  readonly nothingElseWaits: boolean;
  /** End of the oldest call that left a doubt which nobody looked into. */
  readonly oldestDoubt: WallMs | null;
};

const nothingFailed = { failures: 0, strikes: 0, failingSinceNs: null, refusals: 0 } as const;

type Now = { readonly monotonicNs: MonotonicNs; readonly wallMs: WallMs };

export function initialTrack(isOffered: boolean): SearchTrack {
  const never = monotonicNs(0n);
  return {
    isOffered,
    nextNs: never,
    askedNs: never,
    offUntilNs: never,
    ...nothingFailed,
    isTried: false,
    isNext: false,
    nothingElseWaits: false,
    oldestDoubt: null,
  };
}

/**
 * What the next look does about scans in doubt.
 *
 * @param drawsNoFurther whether a call would draw another scan into an outage that has drawn in enough of them
 */
export function doubtRule(track: SearchTrack, failedCalls: number, now: Now, drawsNoFurther = false): DoubtRule {
  if (isGivenUp(track, failedCalls, now, drawsNoFurther)) return { kind: "send" };
  const isLastTry = isExhausted(track, now, drawsNoFurther);
  const isTurn = isLastTry || track.nothingElseWaits || (track.isNext && (failedCalls === 0 || drawsNoFurther));
  const notBeforeNs = isLastTry ? track.askedNs : track.nextNs;
  if (!isTurn || now.monotonicNs < notBeforeNs || !isRipe(track.oldestDoubt, now.wallMs)) return { kind: "hold" };
  return { kind: "seek", endedBefore: ripeBefore(now.wallMs) };
}

/** @param found whether the look claimed anything */
export function afterLook(
  track: SearchTrack,
  rule: DoubtRule,
  found: boolean,
  oldestDoubt: WallMs | null,
  now: Now,
): SearchTrack {
  const looked = { ...track, oldestDoubt };
  switch (rule.kind) {
    case "hold":
      return { ...looked, isNext: true, nothingElseWaits: !found };
    case "seek":
      return {
        ...looked,
        isNext: false,
        nothingElseWaits: false,
        isTried: track.isTried || !found,
        nextNs: found ? track.nextNs : later(now.monotonicNs, seekAgainMs),
      };
    case "send":
      return { ...looked, isNext: true };
  }
}

/**
 * When nothing was claimed: something may be to search after this long; `null` when nothing will be before the next call.
 *
 * @param drawsNoFurther as `doubtRule` is told
 */
export function searchInMs(track: SearchTrack, failedCalls: number, now: Now, drawsNoFurther = false): number | null {
  if (track.oldestDoubt === null || isGivenUp(track, failedCalls, now, drawsNoFurther)) return null;
  const ripeInMs = isRipe(track.oldestDoubt, now.wallMs) ? 0 : track.oldestDoubt - ripeBefore(now.wallMs);
  const notBeforeNs = isExhausted(track, now, drawsNoFurther) ? track.askedNs : track.nextNs;
  const nextInMs = Number(notBeforeNs - now.monotonicNs) / 1e6;
  return Math.max(1, ripeInMs, nextInMs);
}

export function afterSearch(track: SearchTrack, outcome: SearchOutcome, now: Now, random: Random): SearchTrack {
  switch (outcome.kind) {
    case "found":
    case "not-found":
      return { ...track, ...nothingFailed, isTried: false };
    case "not-to-be-had":
      return { ...track, ...nothingFailed, offUntilNs: later(now.monotonicNs, searchOffMs) };
    case "refused": {
      const refusals = track.refusals + 1;
      const isOff = refusals >= searchRefusalsMax;
      const offUntilNs = isOff ? later(now.monotonicNs, searchOffMs) : track.offUntilNs;
      return { ...track, ...nothingFailed, refusals: isOff ? 0 : refusals, offUntilNs };
    }
    case "failed": {
      const failures = track.failures + 1;
      const strikes = track.strikes + (isOfTheService(outcome) || failures > patienceMax ? 1 : 0);
      const delayMs = backoffMs(failures, outcome.retryAfterMs, random);
      const askedMs = Math.min(retryAfterMaxMs, Math.max(0, askedWaitMs(outcome) ?? 0));
      const nextNs = later(now.monotonicNs, delayMs);
      // A way that is cut says nothing of the search behind it, however long.
      const isThere = isOfTheService(outcome) || outcome.report.outcome === "throttled";
      const failingSinceNs = track.failingSinceNs ?? (isThere ? now.monotonicNs : null);
      const askedNs = later(now.monotonicNs, askedMs);
      return { ...track, failures, strikes, failingSinceNs, isTried: true, nextNs, askedNs };
    }
  }
}

/** What a search told before a call is not news after it. */
export function afterCall(track: SearchTrack): SearchTrack {
  return { ...track, isTried: false };
}

/** The service is back: it gets another chance to be searched, no sooner than it asked, before scans in doubt are sent again. */
export function afterRecovery(track: SearchTrack): SearchTrack {
  const { refusals, askedNs, strikes, failingSinceNs } = track;
  // Whoever asks searches to stay away asks so of its own accord: calls that fail now and then must not begin the wait anew.
  const since = strikes === 0 ? failingSinceNs : null;
  return { ...track, ...nothingFailed, refusals, failingSinceNs: since, nextNs: askedNs };
}

/** After this many failures in a row it does not matter any more whose they are: the doubt must not outlast the receipt limit. */
const patienceMax = 10;

/** Nor after this long: a service that wants no search for hours holds up nobody's scans for his shift. */
export const patienceMs: number = 60 * 60 * 1000;

/** A quota that is that of searches or looks alone must not keep registrations away: they are asked after this, and answer for themselves. */
export const throttledQuietMaxMs: number = 60_000;

/** How long a throttled search keeps calls away as well: the quota is the client's. */
export function quietAfterSearchMs(outcome: SearchOutcome): number {
  if (outcome.kind !== "failed" || outcome.report.outcome !== "throttled") return 0;
  return Math.min(throttledQuietMaxMs, outcome.retryAfterMs ?? 0);
}

function isGivenUp(track: SearchTrack, failedCalls: number, now: Now, drawsNoFurther = false): boolean {
  if (!track.isOffered || now.monotonicNs < track.offUntilNs) return true;
  // Whom the outage has drawn in goes again before anybody else is drawn in.
  const isOutOfReach = track.isTried || (drawsNoFurther && now.monotonicNs < track.askedNs);
  return isExhausted(track, now, drawsNoFurther) && (failedCalls === 0 || isOutOfReach);
}

/**
 * Searches have failed too often, or for too long, for scans in doubt to wait for the next one, though its time may have come
 * where a call would draw in another scan instead.
 */
function isExhausted({ strikes, failingSinceNs, nextNs }: SearchTrack, now: Now, drawsNoFurther = false): boolean {
  if (!drawsNoFurther && now.monotonicNs >= nextNs) return false;
  const isTooLong = failingSinceNs !== null && now.monotonicNs >= later(failingSinceNs, patienceMs);
  return strikes >= searchStrikesMax || isTooLong;
}

/** A service that cannot be reached, or wants to be left alone, may have a search that works. */
function isOfTheService({ report }: Extract<SearchOutcome, { kind: "failed" }>): boolean {
  return !noStrikes.includes(report.outcome);
}

const noStrikes: readonly AttemptOutcome[] = [
  "not-connected",
  "tls-failed",
  "pin-mismatch",
  "interrupted",
  "throttled",
  "no-token",
  "unauthorised",
];

function isRipe(oldestDoubt: WallMs | null, now: WallMs): boolean {
  return oldestDoubt !== null && isDoubtRipe(oldestDoubt, ripeBefore(now));
}

/**
 * A doubt of the future was written by a clock that was ahead, such as that of a box which has just started: waiting until
 * the moment it names would hold up its worker for as long.
 */
export function isDoubtRipe(since: WallMs, endedBefore: WallMs): boolean {
  return since <= endedBefore || since > endedBefore + clockSetBackMs;
}

const clockSetBackMs = 60 * 1000;

function ripeBefore(now: WallMs): WallMs {
  return wallMs(now - lateProcessingMs);
}

function later(from: MonotonicNs, delayMs: number): MonotonicNs {
  return monotonicNs(from + BigInt(Math.ceil(delayMs * 1e6)));
}
