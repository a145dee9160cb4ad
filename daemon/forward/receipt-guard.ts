import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { WallMs } from "../base/time.ts";
import { forwardEvents as events } from "./events.ts";
import type { Claim, DueScan } from "./queue.ts";
import {
  assumedPhi,
  due,
  halfwayAlarm,
  type LimitKnowledge,
  learnLimit,
  limitInForce,
  nothingKnown,
  type ReceiptMemory,
  type ReceiptWindow,
  type ServicePhi,
  untriedBeyondMs,
} from "./receipt-window.ts";
import type { CallOutcome } from "./upstream.ts";

/** The clock that stamps, as far as sending rests on it. */
export interface SendingClock {
  /** `null` while nothing proves a bound; `phi` is `null` while the service has not told its time. */
  now(): { readonly utcMs: WallMs; readonly phi: ServicePhi | null; readonly errorBoundMs: number } | null;
}

export type ReceiptSettings = {
  /** What the service told; `null` when it did not, and its answers have to teach it. */
  readonly limitMs: number | null;
  /** What becomes of a scan whose receipt would be past the limit. */
  readonly late: "withhold" | "forward";
  /** The longest a call may take: what its way to the service is assumed to take until one was measured. */
  readonly timeoutMs: number;
};

/** For people: what is known of the limit that the service does not publish. */
export type ReceiptStatus = LimitKnowledge & {
  readonly configuredMs: number | null;
  readonly inForceMs: number | null;
  readonly late: ReceiptSettings["late"];
  readonly transitP999Ms: number;
};

/** A registration whose delay the service judged while it was followed; its receipt was between the two moments. */
export type LateJudgement = {
  readonly registeredAt: WallMs;
  readonly sentAt: WallMs;
  readonly answeredAt: WallMs;
  readonly remark32: boolean;
};

/** Calls of which the duration is kept. */
export const transitsKept: number = 1000;

/** From the judgement of a call's scans to its leaving; the window's margin is five times as much at least. */
export const windowMaxMs: number = 1_000;

/** (C) "Termijn voor ontvangst van de registratie overschreden". */
export const receiptRemark = 32;

/** Keeps remark 32 from being raised: knows the limit, or learns it, and says by what scans are judged. */
export class ReceiptGuard {
  readonly #ports: { readonly clock: SendingClock; readonly memory: ReceiptMemory; readonly log: Log };
  readonly #settings: ReceiptSettings;
  #known: LimitKnowledge = nothingKnown;
  #transitsMs: readonly number[] = [];
  /** What was learnt before the earlier runs' knowledge was read would be written over it. */
  #isRecalled = false;
  #isHalfway = false;
  #isClockless = false;

  constructor(
    ports: { readonly clock: SendingClock; readonly memory: ReceiptMemory; readonly log: Log },
    settings: ReceiptSettings,
  ) {
    this.#ports = ports;
    this.#settings = settings;
  }

  get status(): ReceiptStatus {
    const { limitMs: configuredMs, late } = this.#settings;
    return {
      ...this.#known,
      configuredMs,
      inForceMs: limitInForce(configuredMs, this.#known),
      late,
      transitP999Ms: this.#transitP999Ms(),
    };
  }

  /** Reads what earlier runs learnt. */
  async recall(): Promise<void> {
    this.#known = (await this.#ports.memory.receiptKnowledge()) ?? nothingKnown;
    this.#isRecalled = true;
  }

  /** `null` while the clock proves nothing: no scan may leave then. */
  window(): ReceiptWindow | null {
    const now = this.#ports.clock.now();
    if (now === null) return null;
    const { limitMs, late } = this.#settings;
    const phi = now.phi ?? assumedWithin(now.errorBoundMs);
    // Nobody knows how far the service's clock is from ours: it is asked before anything is sent.
    if (phi === null) return null;
    return {
      now: now.utcMs,
      phi,
      transitP999Ms: this.#transitP999Ms(),
      limitMs: late === "forward" ? null : limitInForce(limitMs, this.#known),
    };
  }

  /** Whether what was judged by a window may still leave. */
  isStillOpen({ now }: ReceiptWindow): boolean {
    const present = this.#ports.clock.now();
    return present !== null && present.utcMs - now <= windowMaxMs;
  }

  /**
   * In the moment in which their call leaves: whether nothing that changed since these scans were claimed puts the receipt
   * of one of them past the limit, be it the time that token and connection took, the clock, or what was learnt.
   */
  mayLeave(scans: readonly DueScan[]): boolean {
    const window = this.window();
    if (window === null) return false;
    return scans.every(
      ({ utcMs, errorBoundMs }) =>
        errorBoundMs === undefined || due({ ...window, stamp: { utcMs, errorBoundMs } }).kind === "send",
    );
  }

  /**
   * Whether nobody knows what the service says of so long a delay as one of these scans has. Then one goes alone, for
   * what is answered to it holds for the others: else a whole backlog would teach the limit, each scan by a remark.
   */
  isUntried(scans: readonly DueScan[], { now }: ReceiptWindow): boolean {
    const { limitMs, late } = this.#settings;
    if (limitMs !== null || late === "forward") return false;
    const triedMs = untriedBeyondMs(this.#known);
    return scans.some(({ utcMs, errorBoundMs }) => errorBoundMs !== undefined && now - utcMs > triedMs);
  }

  /** Learns from a call: how long it took, and what the service said of its scans' delay. */
  async answered(claim: Claim, outcome: CallOutcome, sent: ReceiptWindow | null, tookMs: number): Promise<void> {
    // A call that was given up was on its way for as long as it was waited for.
    if (outcome.kind === "answered" || outcome.report.outcome === "timed-out") {
      this.#transitsMs = [...this.#transitsMs, tookMs].slice(-transitsKept);
    }
    if (outcome.kind !== "answered") return;
    const answeredAt = this.#ports.clock.now()?.utcMs ?? null;
    if (sent === null || answeredAt === null) return;
    let known = this.#known;
    let remarked = 0;
    for (const [index, item] of outcome.items.entries()) {
      const scan = claim.scans[index];
      if (scan === undefined || item.kind !== "created") continue;
      const remark32 = item.remarks.some(({ code }) => code === receiptRemark);
      if (remark32) remarked += 1;
      known = learnLimit(known, {
        utcMs: scan.utcMs,
        sentAt: sent.now,
        answeredAt,
        phi: sent.phi,
        remark32,
        settled: item.validity !== "pending",
      });
    }
    if (remarked > 0) this.#ports.log.error({ count: remarked, attemptId: claim.attemptId }, events.receiptRemark);
    if (isWorthKeeping(this.#known, known)) await this.#keep(known);
  }

  /** Learns from a registration that the service judged after its call, while it was followed. */
  async judged({ sentAt, answeredAt, registeredAt, remark32 }: LateJudgement): Promise<void> {
    const now = this.#ports.clock.now();
    if (now === null || !this.#isRecalled) return;
    // How far the service's clock was from ours at its receipt is not kept: what is known of it now is widened by doubt.
    const known = now.phi ?? assumedPhi;
    const phi = { loMs: Math.min(known.loMs, assumedPhi.loMs), hiMs: Math.max(known.hiMs, assumedPhi.hiMs) };
    const seen = { utcMs: registeredAt, sentAt, answeredAt, phi, remark32, settled: true };
    const learnt = learnLimit(this.#known, seen);
    if (isWorthKeeping(this.#known, learnt)) await this.#keep(learnt);
  }

  /** The alarms: half the limit reached, and scans that wait for a clock. Each is told once each time it comes. */
  watch(oldestUtcMs: WallMs | null, waiting: number): void {
    const now = this.#ports.clock.now();
    const isClockless = now === null && waiting > 0;
    if (isClockless && !this.#isClockless) this.#ports.log.warn({ waiting }, events.clockless);
    this.#isClockless = isClockless;
    const limitMs = limitInForce(this.#settings.limitMs, this.#known);
    if (now === null || limitMs === null) return;
    const isHalfway = oldestUtcMs !== null && halfwayAlarm(now.utcMs, oldestUtcMs, limitMs);
    if (isHalfway && !this.#isHalfway) {
      this.#ports.log.error({ waitedMs: now.utcMs - oldestUtcMs, limitMs }, events.halfway);
    }
    this.#isHalfway = isHalfway;
  }

  /** What was learnt is learnt again: failing to keep it holds up nothing. */
  async #keep(known: LimitKnowledge): Promise<void> {
    this.#known = known;
    try {
      await this.#ports.memory.keepReceiptKnowledge(known);
    } catch (error) {
      this.#ports.log.warn({ error: messageOf(error) }, events.knowledgeNotKept);
    }
  }

  #transitP999Ms(): number {
    if (this.#transitsMs.length === 0) return this.#settings.timeoutMs;
    const sorted = this.#transitsMs.toSorted((one, other) => one - other);
    return sorted[Math.ceil(sorted.length * 0.999) - 1] ?? this.#settings.timeoutMs;
  }
}

/** What is assumed of a service that has not told its time holds for its distance from UTC; ours comes on top. */
function assumedWithin(errorBoundMs: number): ServicePhi | null {
  if (errorBoundMs > assumedPhi.hiMs) return null;
  return { loMs: assumedPhi.loMs - errorBoundMs, hiMs: assumedPhi.hiMs + errorBoundMs };
}

/** Every delay a little longer than the last would be a write to the card. */
function isWorthKeeping(before: LimitKnowledge, after: LimitKnowledge): boolean {
  return (
    after.atMostMs !== before.atMostMs ||
    after.clockSuspicions !== before.clockSuspicions ||
    after.contradictions !== before.contradictions ||
    (after.aboveMs ?? 0) - (before.aboveMs ?? 0) >= aboveStepMs
  );
}

const aboveStepMs = 1_000;
