import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { elapsedMs, type MonotonicNs, type Time } from "../base/time.ts";
import {
  agreedOffset,
  answerAgeMaxNs,
  type DatedAnswer,
  disagreementAlarm,
  noteAnswer,
  type OffsetInterval,
  type Phi,
  phiOf,
  provenDisagreementNs,
  type ServiceClock,
  type ServiceOffset,
  type ServiceWord,
  serviceOffset,
  vouchesFor,
} from "./service-clock.ts";
import { type JudgedAnswers, judgeAnswers, noAnswers } from "./service-dissent.ts";
import { afterAnswer, afterAsk, afterDoubt, neverAsked, nextAskNs, type ServiceSchedule } from "./service-schedule.ts";

/** Makes the service answer something; its `Date` comes to the watch by another way, as that of every answer does. */
export type AskService = (signal: AbortSignal) => Promise<void>;

export type ServiceWatchPorts = {
  readonly ask: AskService;
  /** ρ of our own clock over the age of an answer. */
  readonly ppm: () => number;
  readonly time: Time;
  readonly log: Log;
};

/** Follows the service's own clock: asks when nobody else does, and compares it with the quorum. */
export class ServiceWatch implements AsyncDisposable {
  readonly #ports: ServiceWatchPorts;
  readonly #closing = new AbortController();
  #judged: JudgedAnswers = noAnswers;
  #forgottenNs: MonotonicNs | null = null;
  #schedule: ServiceSchedule = neverAsked;
  #timer: Disposable | null = null;
  #asking: Promise<void> | null = null;
  #apart: Phi | null = null;
  #questionedNs: MonotonicNs | null = null;

  constructor(ports: ServiceWatchPorts) {
    this.#ports = ports;
  }

  /** What the offset is proven with. */
  get answers(): ServiceClock {
    return this.#judged.answers;
  }

  /**
   * What had to be added to UTC for its clock when a quorum proved it wrong, whatever the truth within the quorum's bound;
   * `null` where none has, or one has proven it right since.
   */
  get apart(): Phi | null {
    return this.#apart;
  }

  answered(answer: DatedAnswer): void {
    if (this.#forgottenNs !== null && answer.sentNs <= this.#forgottenNs) return;
    this.#schedule = afterAnswer(this.#schedule, answer);
    const before = this.#judged;
    const heard = noteAnswer(before.heard, answer);
    // Only one that counts is judged anew: of those that are left when others are forgotten nothing is settled.
    if (heard === before.heard) return;
    const nowNs = this.#ports.time.monotonicNs();
    this.#judged = judgeAnswers(heard, nowNs, this.#ports.ppm());
    const isNewDoubt = before.standing === "agreed" && this.#judged.standing !== "agreed";
    if (isNewDoubt) this.#schedule = afterDoubt(this.#schedule, nowNs);
  }

  /**
   * Monotonic time stood still, or ran off, at some moment until now: what was asked before says nothing of it any more, also
   * where the answer is still on its way. It is asked anew at once. That its clock was proven wrong is no matter of monotonic
   * time, and is not forgotten.
   */
  forget(nowNs: MonotonicNs): void {
    this.#forgottenNs = nowNs;
    this.#judged = noAnswers;
    this.#schedule = neverAsked;
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
  }

  /** Where its clock stands, by what was confirmed. */
  offset(nowNs: MonotonicNs): ServiceOffset | null {
    const { answers, standing } = this.#judged;
    return this.#offsetOf(standing === "unconfirmed" ? answers.slice(0, -1) : answers, nowNs);
  }

  /** What it says of UTC by now. */
  word(nowNs: MonotonicNs): ServiceWord {
    return {
      agreed: this.#agreed(nowNs),
      newest: this.#offsetOf(this.answers.slice(-1), nowNs),
      isApart: this.#apart !== null,
    };
  }

  /** Asks when it is time to, within the next `withinMs`. */
  tick(withinMs: number): void {
    if (this.#timer !== null || this.#asking !== null || this.#closing.signal.aborted) return;
    const { time } = this.#ports;
    const nowNs = time.monotonicNs();
    const waitMs = elapsedMs(nowNs, nextAskNs(this.#schedule, this.#offsetOf(this.answers, nowNs), nowNs));
    if (waitMs <= withinMs) this.#timer = time.after(Math.max(0, waitMs), () => this.#ask());
  }

  /**
   * The alarm when the service's clock and a quorum's disagree: told once each time it comes and goes. That a quorum, whose
   * bound grows, cannot tell both apart any more is no agreement: it has to lie within what the service would claim.
   */
  compare(thetaNs: bigint, boundNs: bigint): void {
    const nowNs = this.#ports.time.monotonicNs();
    const offset = this.offset(nowNs);
    if (offset === null) return;
    const isApart = disagreementAlarm(offset, thetaNs, boundNs);
    const agreed = this.#agreed(nowNs);
    if (!isApart && (agreed === null || !vouchesFor(agreed, thetaNs, boundNs))) return;
    const byMs = Number(provenDisagreementNs(offset, thetaNs, boundNs)) / 1e6;
    const wasApart = this.#apart !== null;
    if (isApart && !wasApart) this.#ports.log.error({ byMs }, "service's clock and the quorum disagree");
    if (!isApart && wasApart) this.#ports.log.info({}, "service's clock and the quorum agree again");
    const widest = { lowNs: offset.lowNs - boundNs, highNs: offset.highNs + boundNs };
    this.#apart = isApart ? phiOf(widest, thetaNs) : null;
  }

  /**
   * Whether the newest answer excludes a quorum that is held, or how far off the service was by it, so that servers have to be
   * asked which of both is right: a box that was stopped as a whole sees it by nothing else. Once in an hour: several servers
   * of the service may answer in turn.
   */
  isToQuestion(thetaNs: bigint, boundNs: bigint): boolean {
    const nowNs = this.#ports.time.monotonicNs();
    const newest = this.#offsetOf(this.answers.slice(-1), nowNs);
    if (newest === null) return false;
    const awaited = awaitedOf(this.#apart, thetaNs, boundNs);
    if (!disagreementAlarm(newest, awaited.thetaNs, awaited.boundNs)) return false;
    if (this.#questionedNs !== null && nowNs - this.#questionedNs < answerAgeMaxNs) return false;
    this.#questionedNs = nowNs;
    return true;
  }

  async settled(): Promise<void> {
    await this.#asking;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    this.#closing.abort();
    await this.settled();
  }

  #offsetOf(answers: ServiceClock, nowNs: MonotonicNs): ServiceOffset | null {
    return serviceOffset(answers, nowNs, this.#ports.ppm());
  }

  #agreed(nowNs: MonotonicNs): OffsetInterval | null {
    const { answers, standing } = this.#judged;
    return standing === "agreed" ? agreedOffset(answers, nowNs, this.#ports.ppm()) : null;
  }

  #ask(): void {
    const { ask, time, log } = this.#ports;
    this.#timer = null;
    this.#schedule = afterAsk(this.#schedule, time.monotonicNs());
    this.#asking = ask(this.#closing.signal)
      .catch((error: unknown) => log.warn({ error: messageOf(error) }, "service could not be asked for its time"))
      .finally(() => {
        this.#asking = null;
      });
  }
}

/** Where its clock is to be looked for by what a quorum proves, that of it included. */
function awaitedOf(
  apart: Phi | null,
  thetaNs: bigint,
  boundNs: bigint,
): { readonly thetaNs: bigint; readonly boundNs: bigint } {
  if (apart === null) return { thetaNs, boundNs };
  const [loNs, hiNs] = [nanoseconds(apart.loMs), nanoseconds(apart.hiMs)];
  return { thetaNs: thetaNs + (loNs + hiNs) / 2n, boundNs: boundNs + (hiNs - loNs) / 2n };
}

function nanoseconds(ms: number): bigint {
  return BigInt(Math.round(ms * 1e6));
}
