import { unreachable } from "../../base/assert.ts";
import type { Random } from "../../base/random.ts";
import type { FollowOrder, Look, LookKind } from "./follow-up.ts";

/** From one look to the next at least: 30 a minute, however many registrations are due. */
export const lookPaceMs: number = 2_000;

/** How often registrations that fall due are looked for. */
export const followPollMs: number = 60_000;

/** While scans wait to be sent nothing is asked; looked again after this long. */
export const giveWayMs: number = 15_000;

/** A scan that never goes through must not keep every remark from being seen: after this long some looks are made. */
export const giveWayMaxMs: number = 60 * 60 * 1000;

/** The pace of those. */
export const besideSendingMs: number = 60_000;

const minuteMs = 60_000;
const failureBaseMs = minuteMs;
const failureMaxMs = 60 * minuteMs;
/** A `Retry-After` is believed this far: remarks can wait for a day, and a mistyped date must not stop them for good. */
export const retryAfterMaxMs: number = 24 * 60 * minuteMs;
/** A 429 without one. */
const throttledMs = 15 * minuteMs;
const forbiddenMs = 6 * 60 * minuteMs;
/** A service that has no such call is asked again this often, with one registration: it may get one. */
export const notToBeHadMs: number = 24 * 60 * minuteMs;

/**
 * This many registrations in a row that the service does not know, and none that it does: it is the path. The last of them is
 * the newest that is due, for those before it may all be of a trial at another service, or cancelled.
 */
export const notFoundMax: number = 3;
/** The same, once it has shown a registration. */
export const notFoundLaterMax: number = 10;

/**
 * How the following is doing; a limit of the service holds for all registrations alike.
 *
 * - `following`: looks are made as they fall due.
 * - `resting`: the service refused, failed or asked for a rest; `why` is how the last look ended.
 * - `not-to-be-had`: the service does not offer it; tried once a day, with the newest that is due.
 */
export type FollowPace = {
  readonly state: "following" | "resting" | "not-to-be-had";
  readonly why: LookKind | null;
  /** Looks in a row that failed. */
  readonly failures: number;
  /** Looks in a row that found nothing. */
  readonly notFound: number;
  /** Whether the service ever showed a registration to this run. */
  readonly hasFound: boolean;
  /** Which one the next look is of. */
  readonly next: FollowOrder;
};

export const initialPace: FollowPace = {
  state: "following",
  why: null,
  failures: 0,
  notFound: 0,
  hasFound: false,
  next: "longest-due",
};

export type Paced = { readonly pace: FollowPace; readonly restMs: number };

/** What a look means for the next one, whichever registration it is of. */
export function paceAfter(pace: FollowPace, look: Look, random: Random): Paced {
  switch (look.kind) {
    case "found":
      return { pace: { ...initialPace, hasFound: true }, restMs: lookPaceMs };
    case "not-found": {
      const notFound = pace.notFound + 1;
      const max = pace.hasFound ? notFoundLaterMax : notFoundMax;
      if (notFound >= max) return notToBeHad({ ...pace, notFound }, "not-found");
      const next = notFound === max - 1 ? "newest" : "longest-due";
      // Failed calls have a quota of their own, so each one that finds nothing costs a minute.
      return { pace: { ...pace, state: "following", why: "not-found", notFound, next }, restMs: failureBaseMs };
    }
    case "another-registration":
      // It says nothing of the others; each such look costs a minute all the same, in case all of them are.
      return { pace: { ...pace, state: "following", why: look.kind }, restMs: failureBaseMs };
    case "not-to-be-had":
      return notToBeHad(pace, look.kind);
    case "throttled":
      return resting(pace, look.kind, Math.max(minuteMs, asked(look.retryAfterMs) ?? throttledMs));
    case "forbidden":
      // It may be about this one's employer only, so another is looked at before it is about all of them.
      if (pace.next !== "newest") {
        const restMs = Math.max(failureBaseMs, asked(look.retryAfterMs) ?? 0);
        return { pace: { ...pace, state: "following", why: look.kind, next: "newest" }, restMs };
      }
      return resting(pace, look.kind, Math.max(forbiddenMs, asked(look.retryAfterMs) ?? 0));
    case "unauthorised":
    case "server-error":
    case "unintelligible":
    case "timed-out":
    case "not-reached": {
      const ceilingMs = Math.min(failureMaxMs, failureBaseMs * 2 ** Math.min(pace.failures, 10));
      const backoffMs = ceilingMs / 2 + (random() * ceilingMs) / 2;
      return resting(pace, look.kind, Math.max(backoffMs, asked(look.retryAfterMs) ?? 0));
    }
    case "interrupted":
      return { pace, restMs: lookPaceMs };
    default:
      return unreachable(look);
  }
}

function resting(pace: FollowPace, why: LookKind, restMs: number): Paced {
  return { pace: { ...pace, state: "resting", why, failures: pace.failures + 1 }, restMs };
}

function notToBeHad(pace: FollowPace, why: LookKind): Paced {
  const failures = pace.failures + 1;
  return { pace: { ...pace, state: "not-to-be-had", why, failures, next: "newest" }, restMs: notToBeHadMs };
}

function asked(retryAfterMs: number | null): number | null {
  return retryAfterMs === null ? null : Math.min(retryAfterMaxMs, Math.max(0, retryAfterMs));
}
