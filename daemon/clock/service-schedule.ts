import type { MonotonicNs } from "../base/time.ts";
import { type ServiceOffset, steeredSendNs } from "./service-clock.ts";
import { earliest, laterBy, latest, nsPerMs, nsPerSecond } from "./utc.ts";

/**
 * When to ask the service what time it has. Every answer to a registration tells it as well, so on a busy day it is asked
 * twice an hour; a series of a few requests, each steered to the turn of the service's second, narrows what is known.
 */
export type ServiceSchedule = {
  /** Requests of the present series. */
  readonly asked: number;
  readonly lastAskNs: MonotonicNs | null;
  readonly lastAnswer: { readonly atNs: MonotonicNs; readonly roundTripNs: bigint } | null;
  /** From when on a series is to settle a doubt; `null` while there was none. */
  readonly settleNs: MonotonicNs | null;
};

export const neverAsked: ServiceSchedule = { asked: 0, lastAskNs: null, lastAnswer: null, settleNs: null };

/** Eight steered answers were measured to bring ± 0.5 s down to ± 26 ms. */
export const seriesMax: number = 8;
/** Narrow enough: no decision of the receipt window rests on less. */
export const narrowEnoughNs: bigint = 100n * nsPerMs;
/** Within a series. */
export const askAgainNs: bigint = 2n * nsPerSecond;
/** After a request that was not answered, and from one doubt that is to be settled to the next. */
export const retryNs: bigint = 64n * nsPerSecond;
/** From the end of a series to the next: an answer is forgotten after an hour. */
export const seriesEveryNs: bigint = 1800n * nsPerSecond;

/** The moment of the next request, which may have passed. */
export function nextAskNs(schedule: ServiceSchedule, offset: ServiceOffset | null, nowNs: MonotonicNs): MonotonicNs {
  const { lastAskNs, lastAnswer, asked, settleNs } = schedule;
  if (lastAskNs === null) return nowNs;
  if (lastAnswer === null || lastAnswer.atNs < lastAskNs) return laterBy(lastAskNs, retryNs);
  const againNs = laterBy(lastAskNs, askAgainNs);
  const isOver = offset === null || asked >= seriesMax || isNarrow(offset);
  const nextNs = isOver
    ? laterBy(lastAskNs, seriesEveryNs)
    : steeredSendNs(offset, lastAnswer.roundTripNs, latest(nowNs, againNs));
  return settleNs !== null && settleNs > lastAskNs ? earliest(nextNs, latest(settleNs, againNs)) : nextNs;
}

export function afterAsk(schedule: ServiceSchedule, nowNs: MonotonicNs): ServiceSchedule {
  const { lastAskNs, asked, settleNs } = schedule;
  const isToSettle = lastAskNs !== null && settleNs !== null && lastAskNs < settleNs && settleNs <= nowNs;
  const isNewSeries = lastAskNs === null || nowNs - lastAskNs >= seriesEveryNs || isToSettle;
  return { ...schedule, asked: isNewSeries ? 1 : asked + 1, lastAskNs: nowNs };
}

export function afterAnswer(
  schedule: ServiceSchedule,
  answer: { readonly sentNs: MonotonicNs; readonly receivedNs: MonotonicNs },
): ServiceSchedule {
  const lastAnswer = { atNs: answer.receivedNs, roundTripNs: answer.receivedNs - answer.sentNs };
  return { ...schedule, lastAnswer };
}

/** An answer came that does not fit the others: the next ones say which is wrong. */
export function afterDoubt(schedule: ServiceSchedule, nowNs: MonotonicNs): ServiceSchedule {
  const { settleNs } = schedule;
  return { ...schedule, settleNs: settleNs === null ? nowNs : latest(nowNs, laterBy(settleNs, retryNs)) };
}

function isNarrow({ lowNs, highNs, consistent }: ServiceOffset): boolean {
  return consistent && highNs - lowNs <= narrowEnoughNs;
}
