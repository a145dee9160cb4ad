import { parseHttpDate } from "../../base/system-time.ts";
import type { WallMs } from "../../base/time.ts";
import type { CallKind } from "./call-kind.ts";
import type { Delivery } from "./delivery.ts";

export type QuotaSettings = {
  /** Calls in a window, refused ones not counted; `null` for no limit. */
  readonly callsMax: number | null;
  /** (C) Failed calls have a quota of their own; (U) its size. Calls answered with 4xx or 5xx count. */
  readonly failedMax: number | null;
  readonly windowMs: number;
};

export const noQuota: QuotaSettings = { callsMax: null, failedMax: null, windowMs: 60_000 };

export type Excess = {
  readonly problem: "tooManyRequests" | "tooManyFailedRequests";
  /** Whole, so that the client that waits for it is let in. */
  readonly retryAfterSeconds: number;
};

/**
 * Counts calls in a sliding window, refuses those above the quota, and notes who comes back before the time that a 429
 * named: a violation of what the client was told, whether a quota or an ordered fault told it. Health is free.
 */
export class Quota {
  readonly #settings: QuotaSettings;
  #callsMs: number[] = [];
  #failedMs: number[] = [];
  #quietUntilMs = 0;
  #violations = 0;
  #refusals = 0;
  #failedPeak = 0;

  constructor(settings: QuotaSettings) {
    this.#settings = settings;
  }

  /** Calls that came while the client had been told to stay away. */
  get violations(): number {
    return this.#violations;
  }

  /** Calls that were refused because a quota was used up: a quota of which nobody met the end tells nothing of a client. */
  get refusals(): number {
    return this.#refusals;
  }

  /** The most failed calls there were within one window. */
  get failedPeak(): number {
    return this.#failedPeak;
  }

  /** A call comes; `null` when it may pass. */
  enter(kind: CallKind, nowMs: number): Excess | null {
    if (!isCounted(kind)) return null;
    if (nowMs < this.#quietUntilMs) this.#violations += 1;
    const { callsMax, failedMax, windowMs } = this.#settings;
    const inWindow = (moment: number): boolean => moment > nowMs - windowMs;
    this.#failedMs = this.#failedMs.filter(inWindow);
    if (failedMax !== null && this.#failedMs.length >= failedMax) {
      return this.#excess("tooManyFailedRequests", nowMs, this.#failedMs);
    }
    if (callsMax === null) return null;
    this.#callsMs = this.#callsMs.filter(inWindow);
    if (this.#callsMs.length >= callsMax) return this.#excess("tooManyRequests", nowMs, this.#callsMs);
    this.#callsMs.push(nowMs);
    return null;
  }

  /** The call was answered, or will be in this way. `wallNow` is the service's clock, by which a Retry-After may be given. */
  answered(kind: CallKind, delivery: Delivery, nowMs: number, wallNow: WallMs): void {
    if (!isCounted(kind) || !("answer" in delivery)) return;
    const { status, headers } = delivery.answer;
    if (status === 429) {
      const told = headers["Retry-After"] ?? "";
      const quietMs = /^\d+$/.test(told) ? Number(told) * 1000 : (parseHttpDate(told) ?? wallNow) - wallNow;
      this.#quietUntilMs = Math.max(this.#quietUntilMs, nowMs + quietMs);
      return;
    }
    if (status < 400) return;
    this.#failedMs = this.#failedMs.filter((moment) => moment > nowMs - this.#settings.windowMs);
    this.#failedMs.push(nowMs);
    this.#failedPeak = Math.max(this.#failedPeak, this.#failedMs.length);
  }

  /** Of a quota of none there is no oldest call: it is full for a whole window, whenever one asks. */
  #excess(problem: Excess["problem"], nowMs: number, [oldest = nowMs]: readonly number[]): Excess {
    this.#refusals += 1;
    return { problem, retryAfterSeconds: Math.ceil((oldest + this.#settings.windowMs - nowMs) / 1000) };
  }
}

function isCounted(kind: CallKind): boolean {
  return kind !== "health" && kind !== "token";
}
