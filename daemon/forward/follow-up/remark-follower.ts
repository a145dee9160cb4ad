import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Random } from "../../base/random.ts";
import { elapsedMs, type MonotonicNs, type Time, type WallMs, wallMs } from "../../base/time.ts";
import type { Remark } from "../queue.ts";
import { type LateJudgement, receiptRemark } from "../receipt-guard.ts";
import { WorkUnderWay } from "../work-under-way.ts";
import {
  besideSendingMs,
  type FollowPace,
  followPollMs,
  giveWayMaxMs,
  giveWayMs,
  initialPace,
  lookPaceMs,
  paceAfter,
} from "./follow-pace.ts";
import { afterLook } from "./follow-schedule.ts";
import type { FollowedRegistration, FollowUpStore, Look, RegistrationReader } from "./follow-up.ts";

/** Registrations asked of the store at once. */
const batchMax = 20;

/** How long a stop waits for the look that is under way once it was aborted. */
const abortMaxMs = 1_000;

/** What the following says in the log; counts are of remarks, never a national number. */
export const followEvents = {
  remarked: "service raised remarks on a registration",
  receiptRemark: "service raised remark 32 on a registration that was pending",
  failed: "registrations could not be followed",
  another: "service holds another registration than was sent, nothing of it was taken over",
  notToBeHad: "service does not let registrations be followed, tried once a day",
  again: "registrations are followed again",
  storeFailed: "store failed, following waits",
} as const;

export type FollowerPorts = {
  readonly store: FollowUpStore;
  readonly reader: RegistrationReader;
  /** How many scans wait to be sent, 0 while none of them is due: registering goes first. */
  readonly toBeSent: () => Promise<number>;
  /** UTC that something vouches for; `null` while nothing does. */
  readonly now: () => WallMs | null;
  /** Told of what teaches the receipt limit. */
  readonly onJudged: (receipt: LateJudgement) => Promise<void>;
  /** How long the service asked another call of ours to stay away; 0 when it did not. */
  readonly quietMs: () => number;
  /** Told when the service asked us to stay away: its quota is for all our calls. */
  readonly onThrottled: (forMs: number) => void;
  readonly time: Time;
  readonly random: Random;
  readonly log: Log;
};

/** For `badged status`. */
export type FollowerStatus = {
  readonly state: FollowPace["state"] | "gives-way" | "clockless";
  /** How the last look ended, where that is why. */
  readonly why: string | null;
};

/** The shell: one look at a time, when nothing has to be sent, at a pace that leaves the service's quotas to the scans. */
export class RemarkFollower implements AsyncDisposable {
  readonly #ports: FollowerPorts;
  readonly #timeZone: string;
  readonly #abort = new AbortController();
  readonly #work = new WorkUnderWay();
  #pace: FollowPace = initialPace;
  #hindrance: "gives-way" | "clockless" | null = null;
  #givesWaySinceNs: MonotonicNs | null = null;
  #timer: Disposable | null = null;
  #batch: readonly FollowedRegistration[] = [];

  constructor(ports: FollowerPorts, timeZone: string) {
    this.#ports = ports;
    this.#timeZone = timeZone;
  }

  start(): void {
    this.#rest(lookPaceMs);
  }

  get status(): FollowerStatus {
    return { state: this.#hindrance ?? this.#pace.state, why: this.#pace.why };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    this.#timer?.[Symbol.dispose]();
    await this.#work.endsWithin(abortMaxMs, this.#ports.time);
  }

  #rest(delayMs: number): void {
    if (this.#abort.signal.aborted) return;
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#ports.time.after(delayMs, () => this.#work.begin(this.#round()));
  }

  async #round(): Promise<void> {
    let restMs = followPollMs;
    try {
      restMs = await this.#lookAtNext();
    } catch (error) {
      this.#batch = [];
      this.#ports.log.error({ error: messageOf(error) }, followEvents.storeFailed);
    }
    this.#rest(restMs);
  }

  /** @returns how long to rest before the next */
  async #lookAtNext(): Promise<number> {
    const { reader, random } = this.#ports;
    const now = this.#ports.now();
    this.#hindrance = now === null ? "clockless" : null;
    if (now === null) return followPollMs;
    const waiting = await this.#ports.toBeSent();
    const mayLook = this.#mayLookBeside(waiting);
    if (!mayLook) return giveWayMs;
    const quietMs = this.#ports.quietMs();
    if (quietMs > 0) {
      this.#hindrance = "gives-way";
      this.#batch = [];
      return Math.max(quietMs, lookPaceMs);
    }
    const [followed, ...others] = await this.#due(now);
    this.#batch = others;
    if (followed === undefined) return followPollMs;
    const look = await reader.read(followed, this.#abort.signal);
    if (look.kind === "interrupted") return followPollMs;
    if (look.kind === "throttled" && look.retryAfterMs !== null) this.#ports.onThrottled(look.retryAfterMs);
    await this.#keep(followed, look, this.#ports.now() ?? now);
    const { pace, restMs } = paceAfter(this.#pace, look, random);
    this.#tell(pace, look);
    this.#pace = pace;
    // After a rest others may be due, and these may have changed.
    if (restMs > lookPaceMs) this.#batch = [];
    return waiting > 0 ? Math.max(restMs, besideSendingMs) : restMs;
  }

  async #due(now: WallMs): Promise<readonly FollowedRegistration[]> {
    const { next } = this.#pace;
    if (next === "newest") return await this.#ports.store.dueFollowUps(now, 1, next);
    return this.#batch.length > 0 ? this.#batch : await this.#ports.store.dueFollowUps(now, batchMax, next);
  }

  /** Whether a look may be made while this many scans wait to be sent. */
  #mayLookBeside(waiting: number): boolean {
    const nowNs = this.#ports.time.monotonicNs();
    if (waiting === 0) {
      this.#givesWaySinceNs = null;
      return true;
    }
    this.#givesWaySinceNs ??= nowNs;
    const hasWaited = elapsedMs(this.#givesWaySinceNs, nowNs) >= giveWayMaxMs;
    if (!hasWaited) this.#hindrance = "gives-way";
    return hasWaited;
  }

  async #keep(followed: FollowedRegistration, look: Look, now: WallMs): Promise<void> {
    const kept = afterLook(followed, look, now, this.#timeZone);
    if (look.kind === "another-registration") {
      this.#ports.log.error({ scanId: followed.scanId, detail: look.detail }, followEvents.another);
    }
    if (kept === null) return;
    const fresh = await this.#ports.store.keepLook(kept);
    if (fresh.length > 0) {
      const fields = { scanId: followed.scanId, remarks: fresh.map(({ code }) => code) };
      this.#ports.log.warn(fields, followEvents.remarked);
    }
    await this.#learn(followed, look, fresh);
  }

  /** A registration teaches once: when remark 32 comes, or when the service settles without it. */
  async #learn(followed: FollowedRegistration, look: Look, fresh: readonly Remark[]): Promise<void> {
    if (look.kind !== "found") return;
    const { scanId, registeredAt, sentAt, answeredAt } = followed;
    const isRemarked = fresh.some(({ code }) => code === receiptRemark);
    if (isRemarked) this.#ports.log.error({ scanId }, followEvents.receiptRemark);
    const wasRemarked = look.remarks?.some(({ code }) => code === receiptRemark) ?? true;
    const passed = !wasRemarked && followed.settledAt === null && look.validity !== null && look.validity !== "pending";
    if ((!isRemarked && !passed) || sentAt === null || answeredAt === null) return;
    await this.#ports.onJudged({
      registeredAt,
      sentAt: wallMs(Math.min(sentAt, answeredAt)),
      answeredAt,
      remark32: isRemarked,
    });
  }

  #tell(next: FollowPace, look: Look): void {
    const { log } = this.#ports;
    if (look.kind === "found") {
      if (this.#pace.state !== "following") log.info({ failedLooks: this.#pace.failures }, followEvents.again);
      return;
    }
    if (look.kind === "another-registration") return;
    const fields = { outcome: look.kind, detail: look.detail, failedLooks: next.failures };
    if (next.state === "not-to-be-had") {
      if (this.#pace.state !== "not-to-be-had") log.warn(fields, followEvents.notToBeHad);
    } else if (next.state === "resting" && this.#pace.state !== "resting") log.warn(fields, followEvents.failed);
    else log.debug(fields, followEvents.failed);
  }
}
