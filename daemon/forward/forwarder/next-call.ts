import type { Random } from "../../base/random.ts";
import { elapsedMs, type MonotonicNs, monotonicNs } from "../../base/time.ts";
import { backoffMs, retryAfterMaxMs } from "../backoff.ts";
import { throttledQuietMaxMs } from "../search-track.ts";
import type { ForwarderState, Now } from "./forwarder-state.ts";

/**
 * Calls that are held back one after the other rest this long at most: each look puts aside what is too late, and those
 * behind it come nearer to their own limit meanwhile.
 */
export const heldBackRestMaxMs: number = 5_000;

/** From one known to break the service to the next one: thirty failed calls an hour. */
export const breakingRestMs: number = 2 * 60 * 1000;

/** How long until the next call may leave; 0 when it may at once. */
export function restMs({ nextCallNs }: ForwarderState, now: Now): number {
  return Math.max(0, elapsedMs(now.monotonicNs, nextCallNs));
}

/** How long the service asked to be left alone from now on, by an answer to whichever call; 0 when it did not. */
export function quietMsLeft({ askedNs }: ForwarderState, now: Now): number {
  return Math.max(0, elapsedMs(now.monotonicNs, askedNs));
}

/** What another call was told holds beside what this one has taught. */
export function notSooner({ nextCallNs }: ForwarderState, delayMs: number, now: Now): MonotonicNs {
  return latest(nextCallNs, later(now, delayMs));
}

/** @param delayMs that the service asked for; `null` when it asked for none */
export function notSoonerThanAsked({ askedNs }: ForwarderState, delayMs: number | null, now: Now): MonotonicNs {
  if (delayMs === null) return askedNs;
  return latest(askedNs, later(now, Math.min(retryAfterMaxMs, Math.max(0, delayMs))));
}

/** Failed calls have a quota of their own: however many scans the service breaks on, one of them is tried at a time. */
export function nextBreakingNs(state: ForwarderState, isOfItsScan: boolean, now: Now): MonotonicNs {
  return isOfItsScan ? later(now, breakingRestMs) : state.nextBreakingNs;
}

/** As `notSooner`, and no network that is back ends it. */
export function askedToWait(state: ForwarderState, delayMs: number, now: Now): ForwarderState {
  return {
    ...state,
    nextCallNs: notSooner(state, delayMs, now),
    askedNs: notSoonerThanAsked(state, delayMs, now),
  };
}

/** What another call of ours was told, as far as it keeps these away. */
export function quietMs(askedMs: number): number {
  return Math.min(Math.max(0, askedMs), throttledQuietMaxMs);
}

/**
 * At once the first time that a call is held back; where another look does not help, as with a store that is slow, each
 * round costs two commits.
 *
 * @param heldBacks in a row, before this one
 */
export function heldBackRestMs(heldBacks: number, random: Random): number {
  return heldBacks === 0 ? 0 : Math.min(heldBackRestMaxMs, backoffMs(heldBacks, null, random));
}

function latest(one: MonotonicNs, other: MonotonicNs): MonotonicNs {
  return one > other ? one : other;
}

function later({ monotonicNs: nowNs }: Now, delayMs: number): MonotonicNs {
  return monotonicNs(nowNs + BigInt(Math.ceil(delayMs * 1e6)));
}
