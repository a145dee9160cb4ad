import type { Random } from "../base/random.ts";
import type { MonotonicNs } from "../base/time.ts";
import { coverageMin } from "./quorum.ts";
import { earliest, laterBy, latest, nsPerSecond } from "./utc.ts";

/**
 * When to ask which source. All sources that may be asked are asked in one round, so that their answers are of the
 * same moment. A source is asked at most once in 64 s on the average, whatever happens: a burst is earned by waiting.
 * A round waits until so many may be asked that it can give a quorum: sources that have to be left alone for a while, each
 * for another one, would otherwise be asked in turn, and never be heard together.
 */
export type PollSchedule = {
  /** Rounds with a quorum since the last one without. */
  readonly goodRounds: number;
  /** Rounds without a quorum since the last one with. */
  readonly badRounds: number;
  /** The first two rounds are one burst: a single request each, so that the clock stands at once, then the rest of it. */
  readonly opening: "first" | "rest" | "over";
  readonly roundNs: MonotonicNs;
  readonly lastRoundNs: MonotonicNs | null;
  readonly sources: readonly SourcePoll[];
};

export type SourcePoll = {
  readonly sourceId: string;
  readonly votes: boolean;
  readonly askedNs: MonotonicNs | null;
  /**
   * 64 until the server asked to be left alone (`RATE`), then twice as much each time. Half of it again after some answers
   * without: who shares an address with strangers is told so now and then for ever.
   */
  readonly intervalMinS: number;
  /** Since the interval changed last. */
  readonly answers: number;
  /** The kiss code with which the server sent us away for good (until restart). */
  readonly droppedBy: string | null;
};

export type DueSource = { readonly sourceId: string; readonly requests: number };

/** How a source took being asked. */
export type PollReaction = {
  readonly sourceId: string;
  /** It gave a time that can be used. */
  readonly answered: boolean;
  readonly kissCode: string | null;
};

export const pollIntervalsS: readonly [number, number, number] = [64, 256, 1024];
/** This many good rounds at one interval before the next. */
export const goodRoundsPerInterval: number = 4;
/** RFC 5905 allows polls up to 2^17 s. */
export const rateIntervalMaxS: number = 131_072;
/** So many answers in a row for each time that a server asked to be left alone. */
export const answersPerRate: number = 4;
/** Of this many answers the one with the least delay is used; as many at boot, later as many as were waited for. */
export const burstSize: number = 4;
export const badRoundsMax: number = 56;
/** Not sooner after the round before, however often the network comes and goes. */
export const askAtOnceMinS: number = 64;
/** From the first request to each source to the rest of the first burst: RFC 5905 appendix A.1.1 spaces a burst so. */
export const openingRestMs: number = 2000;
const jitterShare = 0.05;

export function openSchedule(
  sources: readonly Pick<SourcePoll, "sourceId" | "votes">[],
  nowNs: MonotonicNs,
): PollSchedule {
  return {
    goodRounds: 0,
    badRounds: 0,
    opening: "first",
    roundNs: nowNs,
    lastRoundNs: null,
    sources: sources.map(({ sourceId, votes }) => ({
      sourceId,
      votes,
      askedNs: null,
      intervalMinS: pollIntervalsS[0],
      answers: 0,
      droppedBy: null,
    })),
  };
}

/** The sources to ask now and how often in a row; empty until the round is due. */
export function dueSources(schedule: PollSchedule, nowNs: MonotonicNs): readonly DueSource[] {
  const roundNs = nextRoundNs(schedule);
  if (roundNs === null || nowNs < roundNs) return [];
  return schedule.sources
    .map((each) => ({ sourceId: each.sourceId, requests: requestsDue(schedule, each, nowNs) }))
    .filter(({ requests }) => requests > 0);
}

/** When the sources are asked next; `null` when all that vote have sent us away. */
export function nextRoundNs(schedule: PollSchedule): MonotonicNs | null {
  const openNs = schedule.sources
    .filter(({ votes, droppedBy }) => votes && droppedBy === null)
    .map((each) => mayBeAskedNs(schedule, each))
    .sort((one, other) => (one < other ? -1 : one > other ? 1 : 0));
  const enoughNs = openNs[Math.min(coverageMin, openNs.length) - 1];
  return enoughNs === undefined ? null : latest(schedule.roundNs, enoughNs);
}

/** Boot, network-up or a step of the system clock: the next round is due at once, or as soon as is polite. */
export function askAtOnce(schedule: PollSchedule, nowNs: MonotonicNs): PollSchedule {
  const polite =
    schedule.lastRoundNs === null ? nowNs : laterBy(schedule.lastRoundNs, BigInt(askAtOnceMinS) * nsPerSecond);
  return { ...schedule, goodRounds: 0, roundNs: earliest(schedule.roundNs, latest(polite, nowNs)) };
}

/** After a round: when the next one is, and who is left out of it. */
export function afterRound(
  schedule: PollSchedule,
  reactions: readonly PollReaction[],
  gaveQuorum: boolean,
  nowNs: MonotonicNs,
  random: Random,
): PollSchedule {
  const goodRounds = gaveQuorum ? schedule.goodRounds + 1 : 0;
  const badRounds = gaveQuorum ? 0 : schedule.badRounds + 1;
  // Where nobody answers for an hour the network blocks NTP: asking less often saves the card the rows.
  const intervalS = badRounds > badRoundsMax ? pollIntervalsS[1] : intervalAfter(goodRounds);
  const intervalMs = schedule.opening === "first" ? openingRestMs : intervalS * 1000;
  const jitteredMs = Math.round(intervalMs * (1 + jitterShare * random()));
  const byId = new Map(reactions.map((each) => [each.sourceId, each]));
  return {
    goodRounds,
    badRounds,
    opening: schedule.opening === "first" ? "rest" : "over",
    roundNs: laterBy(nowNs, BigInt(jitteredMs) * 1_000_000n),
    lastRoundNs: nowNs,
    sources: schedule.sources.map((each) => {
      const reaction = byId.get(each.sourceId);
      return reaction === undefined ? each : afterReaction({ ...each, askedNs: nowNs }, reaction);
    }),
  };
}

/** The interval in force after this many good rounds. */
export function intervalAfter(goodRounds: number): number {
  const [short, middle, long] = pollIntervalsS;
  if (goodRounds < goodRoundsPerInterval) return short;
  return goodRounds < 2 * goodRoundsPerInterval ? middle : long;
}

/** Whether a kiss code means never again. */
export function isSentAway(kissCode: string): boolean {
  return kissCode === "DENY" || kissCode === "RSTR";
}

function requestsDue({ opening }: PollSchedule, source: SourcePoll, nowNs: MonotonicNs): number {
  if (source.droppedBy !== null) return 0;
  if (opening === "first") return 1;
  return opening === "rest" && !wasSlowed(source) ? burstSize - 1 : requestsEarned(source, nowNs);
}

/** The earliest that a source can be asked in a round. */
export function mayBeAskedNs({ opening, roundNs }: PollSchedule, source: SourcePoll): MonotonicNs {
  const isEarned = source.askedNs === null || (opening !== "over" && !wasSlowed(source));
  return isEarned ? roundNs : laterBy(source.askedNs, BigInt(source.intervalMinS) * nsPerSecond);
}

function wasSlowed({ intervalMinS }: SourcePoll): boolean {
  return intervalMinS > pollIntervalsS[0];
}

function requestsEarned(source: SourcePoll, nowNs: MonotonicNs): number {
  if (source.askedNs === null) return burstSize;
  const earned = (nowNs - source.askedNs) / (BigInt(source.intervalMinS) * nsPerSecond);
  return earned >= burstSize ? burstSize : Number(earned);
}

/** RFC 5905 section 7.4: `DENY` and `RSTR` mean never again, `RATE` means less often; other codes order nothing. */
function afterReaction(source: SourcePoll, { answered, kissCode }: PollReaction): SourcePoll {
  if (kissCode !== null && isSentAway(kissCode)) return { ...source, droppedBy: kissCode };
  if (kissCode === "RATE")
    return { ...source, answers: 0, intervalMinS: Math.min(source.intervalMinS * 2, rateIntervalMaxS) };
  if (!answered || !wasSlowed(source)) return source;
  const answers = source.answers + 1;
  return answers < answersPerRate
    ? { ...source, answers }
    : { ...source, answers: 0, intervalMinS: source.intervalMinS / 2 };
}
