import type { MonotonicNs } from "../base/time.ts";
import { agreedOffset, answerAgeMaxNs, type ServiceClock } from "./service-clock.ts";

/**
 * Whether the service's answers fit one clock, and which are passed over: one server of several may have a clock that is
 * wrong, a gateway may write its own `Date`. Nobody knows of two answers which one is right, so it takes two thirds of an
 * hour's, and a newest that sides with them. As long as most of an hour's answers are right, so are those that are left, but
 * for one that the others are too wide to exclude.
 */
export type JudgedAnswers = {
  /** Those that are passed over too: they go on counting against the others until they are forgotten. */
  readonly heard: ServiceClock;
  /** Those of the last hour that are left. */
  readonly answers: ServiceClock;
  /**
   * - `agreed`: by no more than a server is trusted to be off at most.
   * - `unconfirmed`: but for the newest, which the next has to confirm.
   * - `divided`: nobody knows which of them are right, also when some are forgotten: only a newer one settles it.
   */
  readonly standing: "agreed" | "unconfirmed" | "divided";
};

export const noAnswers: JudgedAnswers = { heard: [], answers: [], standing: "agreed" };

/** So many have to agree: with fewer, those that are passed over might as well be the right ones. */
export const agreeingMin: number = 4;

/** What there is when the newest has come. */
export function judgeAnswers(heard: ServiceClock, nowNs: MonotonicNs, ppm: number): JudgedAnswers {
  const recent = heard.filter(({ sentNs }) => nowNs - sentNs <= answerAgeMaxNs);
  const agreed = agreeing(recent, nowNs, ppm);
  if (agreed !== null) return { heard, answers: agreed, standing: "agreed" };
  const before = agreeing(recent.slice(0, -1), nowNs, ppm);
  const isConfirmed = before !== null && before.length + 1 >= agreeingMin;
  if (isConfirmed) return { heard, answers: [...before, ...recent.slice(-1)], standing: "unconfirmed" };
  return { heard, answers: recent, standing: "divided" };
}

/** Those that agree with the newest; `null` where they may be the wrong ones. */
function agreeing(recent: ServiceClock, nowNs: MonotonicNs, ppm: number): ServiceClock | null {
  const agree = (some: ServiceClock): boolean => some.length === 0 || agreedOffset(some, nowNs, ppm) !== null;
  if (agree(recent)) return recent;
  const siding = recent.filter((each) => agree([each, ...recent.slice(-1)]));
  return isMajority(siding, recent) && agree(siding) ? siding : null;
}

/**
 * Against a single other, or more of them if what came before says the same as what came after. Of two servers that answer in
 * turn the one that answered first has one answer more after each of its own, which is no reason to believe it. A service
 * whose clock was set for good has answers of two kinds until the hour is over, and none of them is passed over.
 */
function isMajority(siding: ServiceClock, recent: ServiceClock): boolean {
  const others = recent.length - siding.length;
  if (siding.length < agreeingMin || siding.length < 2 * others) return false;
  return others === 1 || siding[0] === recent[0];
}
