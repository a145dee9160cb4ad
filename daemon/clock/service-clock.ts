import type { MonotonicNs, WallMs } from "../base/time.ts";
import type { Anchor } from "./anchor.ts";
import { driftNs, earliest, floorDivide, laterBy, latest, nsPerSecond, utcNsOfWall } from "./utc.ts";

/**
 * The service's own clock, bounded by the `Date` header of its answers (RFC 9110 section 6.6.1). It is the clock by
 * which remark 32 is judged, so it is a check of its own kind, and the fallback where a site's network blocks NTP.
 */

/** One answer of the service, of whatever status: a 401 carries a `Date` as well. */
export type DatedAnswer = {
  /** The second that `Date` names. */
  readonly dateMs: WallMs;
  /** Monotonic time before the request left and after the headers came. */
  readonly sentNs: MonotonicNs;
  readonly receivedNs: MonotonicNs;
  /** A cache on the way added `Age`: the date is that of another moment. */
  readonly aged: boolean;
};

/** The service's clock − monotonic time lies in [lowNs, highNs]. */
export type OffsetInterval = { readonly lowNs: bigint; readonly highNs: bigint };

export type ServiceOffset = OffsetInterval & {
  /** The answers do not fit one steady clock (it was set, or several servers answer): the hull of all is given. */
  readonly consistent: boolean;
};

/** What the service's own clock says by now. */
export type ServiceWord = {
  /** What its answers prove of UTC; `null` where the newest of them left them in contradiction, or there are none. */
  readonly agreed: OffsetInterval | null;
  /** What the newest alone says; `null` without one of the last hour. */
  readonly newest: OffsetInterval | null;
  /** A quorum has proven it wrong, and none has proven it right since: it is no measure of UTC. */
  readonly isApart: boolean;
};

/** An anchor taken from the service's clock, with the answers that prove it. */
export type ServiceTime = { readonly anchor: Anchor; readonly answers: readonly DatedAnswer[] };

/** The last answers, newest last. */
export type ServiceClock = readonly DatedAnswer[];

export const answersKept: number = 64;
export const answerAgeMaxNs: bigint = 3600n * nsPerSecond;
/** The drift of a disciplined server; over the age of an answer ours comes on top. */
export const serverPpm: number = 15;
/** `Date` is cut to the second. */
const dateWidthNs = nsPerSecond;
export const disagreementMaxNs: bigint = nsPerSecond;
/** How far the service may be from UTC before the alarm tells: what an anchor from it cannot exclude. */
export const serviceTrustNs: bigint = disagreementMaxNs;
/**
 * How far a service that was proven wrong, and does not answer, may be from UTC once it was put right: no less than
 * `assumedPhi` of one that never was wrong.
 */
export const putRightMaxNs: bigint = 2n * nsPerSecond;

export function noteAnswer(clock: ServiceClock, answer: DatedAnswer): ServiceClock {
  if (answer.aged || answer.receivedNs < answer.sentNs) return clock;
  return [...clock, answer].slice(-answersKept);
}

/**
 * `null` without an answer of the last hour. The server wrote D at some moment between `sentNs` and `receivedNs`, when
 * its clock stood in [D, D + 1 s); every answer widens with its age and all are intersected.
 *
 * @param ppm how wrong the rate of our own clock may be
 */
export function serviceOffset(clock: ServiceClock, nowNs: MonotonicNs, ppm: number): ServiceOffset | null {
  const intervals = intervalsOf(clock, nowNs, ppm);
  const common = commonOf(intervals);
  if (common === null) return null;
  if (common.lowNs <= common.highNs) return { ...common, consistent: true };
  return {
    lowNs: intervals.reduce((low, { lowNs }) => earliest(low, lowNs), common.lowNs),
    highNs: intervals.reduce((high, { highNs }) => latest(high, highNs), common.highNs),
    consistent: false,
  };
}

/**
 * What the answers of the last hour prove of UTC where they exclude each other by no more than a server is trusted to be off
 * at most, as those of several servers do: UTC lies within that of all of them, and so of what is between them.
 *
 * @returns `null` without an answer, and where one of them has to be off by more
 */
export function agreedOffset(clock: ServiceClock, nowNs: MonotonicNs, ppm: number): OffsetInterval | null {
  const common = commonOf(intervalsOf(clock, nowNs, ppm));
  if (common === null || common.lowNs - common.highNs > serviceTrustNs) return null;
  return { lowNs: earliest(common.lowNs, common.highNs), highNs: latest(common.lowNs, common.highNs) };
}

/** Whether what a quorum proves of UTC lies within what an anchor of the service would claim. */
export function vouchesFor({ lowNs, highNs }: OffsetInterval, thetaNs: bigint, boundNs: bigint): boolean {
  return thetaNs - boundNs >= lowNs - serviceTrustNs && thetaNs + boundNs <= highNs + serviceTrustNs;
}

/**
 * When to send so that the service's second turns, as far as is known, in the middle of what is not known: the answer
 * then halves it. Eight such answers were measured to bring ± 0.5 s down to ± 26 ms.
 */
export function steeredSendNs(offset: ServiceOffset, roundTripNs: bigint, nowNs: MonotonicNs): MonotonicNs {
  const middleNs = (offset.lowNs + offset.highNs) >> 1n;
  const arrivalNs = nowNs + middleNs + roundTripNs / 2n;
  const nextSecondNs = -floorDivide(-arrivalNs, nsPerSecond) * nsPerSecond;
  return laterBy(nowNs, nextSecondNs - arrivalNs);
}

/** φ: what has to be added to our estimate of UTC to get the service's clock; ms. */
export type Phi = { readonly loMs: number; readonly hiMs: number };

export function phiOf(offset: OffsetInterval, thetaNs: bigint): Phi {
  return { loMs: Number(offset.lowNs - thetaNs) / 1e6, hiMs: Number(offset.highNs - thetaNs) / 1e6 };
}

/** How far both clocks are apart at least, whatever the truth within both bounds; 0 when they may agree. */
export function provenDisagreementNs(offset: ServiceOffset, thetaNs: bigint, boundNs: bigint): bigint {
  return latest(0n, offset.lowNs - (thetaNs + boundNs), thetaNs - boundNs - offset.highNs);
}

export function disagreementAlarm(offset: ServiceOffset, thetaNs: bigint, boundNs: bigint): boolean {
  return provenDisagreementNs(offset, thetaNs, boundNs) > disagreementMaxNs;
}

/** The service's clock as an anchor, for where no quorum can be had. */
export function serviceAnchor(offset: OffsetInterval, bootId: string, nowNs: MonotonicNs): Anchor {
  const thetaNs = (offset.lowNs + offset.highNs) >> 1n;
  return {
    syncId: `${bootId}/${nowNs}/service`,
    bootId,
    basis: "service",
    atNs: nowNs,
    thetaNs,
    boundNs: offset.highNs - thetaNs + serviceTrustNs,
    oldestSampleNs: laterBy(nowNs, -answerAgeMaxNs),
    leapAnnounced: false,
  };
}

function intervalsOf(clock: ServiceClock, nowNs: MonotonicNs, ppm: number): readonly OffsetInterval[] {
  return clock
    .filter(({ sentNs }) => nowNs - sentNs <= answerAgeMaxNs)
    .map((each) => intervalOf(each, nowNs, ppm + serverPpm));
}

/** What all intervals have in common; `lowNs` is above `highNs` by as much as two of them exclude each other. */
function commonOf([first, ...others]: readonly OffsetInterval[]): OffsetInterval | null {
  if (first === undefined) return null;
  return {
    lowNs: latest(first.lowNs, ...others.map(({ lowNs }) => lowNs)),
    highNs: earliest(first.highNs, ...others.map(({ highNs }) => highNs)),
  };
}

function intervalOf(answer: DatedAnswer, nowNs: MonotonicNs, relativePpm: number): OffsetInterval {
  const date = utcNsOfWall(answer.dateMs);
  const drift = driftNs(nowNs - answer.sentNs, relativePpm);
  return { lowNs: date - answer.receivedNs - drift, highNs: date + dateWidthNs - answer.sentNs + drift };
}
