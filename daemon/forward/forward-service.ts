import { randomUUID } from "node:crypto";
import { InvariantError, unreachable } from "../base/assert.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import { elapsedMs, type Time } from "../base/time.ts";
import { forwardEvents as events } from "./events.ts";
import { step } from "./forwarder/forwarder.ts";
import {
  type ForwarderAction,
  type ForwarderInput,
  type ForwarderSettings,
  type ForwarderState,
  initialState,
  type LookRequest,
  type Now,
  type Outgoing,
} from "./forwarder/forwarder-state.ts";
import { quietMsLeft, restMs } from "./forwarder/next-call.ts";
import { unsent, untried } from "./forwarder/unsent.ts";
import { isNoNews } from "./judgement/refused-call-judgement.ts";
import { keptError } from "./kept-error.ts";
import { keptText } from "./kept-text.ts";
import type { AttemptOutcome, DueScan, ForwardQueue, Remark, Written } from "./queue.ts";
import { isDown } from "./reachability.ts";
import {
  type LateJudgement,
  ReceiptGuard,
  type ReceiptSettings,
  type ReceiptStatus,
  receiptRemark,
  type SendingClock,
} from "./receipt-guard.ts";
import type { ReceiptMemory, ReceiptWindow } from "./receipt-window.ts";
import type { TargetStatus } from "./target-status.ts";
import type { CallOutcome, SearchOutcome, Upstream } from "./upstream.ts";
import { WorkUnderWay } from "./work-under-way.ts";

/** How often work is looked for that another process made: a released scan, an imported roster. */
export const pollPeriodMs: number = 5_000;

/** How long a stop waits for the call under way, and then for its abortion. */
export const finishMaxMs: number = 5_000;
export const abortMaxMs: number = 1_000;

export type ForwardPorts = {
  readonly queue: ForwardQueue;
  readonly upstream: Upstream;
  readonly clock: SendingClock;
  readonly memory: ReceiptMemory;
  /** Told how each call ended, but for what is known of the only scan that it carried. */
  readonly onOutcome: (outcome: AttemptOutcome) => void;
  readonly time: Time;
  readonly random: Random;
  readonly log: Log;
};

/** The shell of the forwarder: does what forwarder.ts decides, one thing at a time. */
export class ForwardService implements AsyncDisposable {
  readonly #ports: ForwardPorts;
  readonly #abort: AbortController = new AbortController();
  readonly #guard: ReceiptGuard;
  #state: ForwarderState;
  /** What is done beside the call under way. */
  #beside: Promise<void> = Promise.resolve();
  #rest: Disposable | null = null;
  #poll: Disposable | null = null;
  readonly #work: WorkUnderWay = new WorkUnderWay();
  #closed = false;

  constructor(ports: ForwardPorts, settings: ForwarderSettings & { readonly receipt: ReceiptSettings }) {
    this.#ports = ports;
    this.#guard = new ReceiptGuard(ports, settings.receipt);
    const searches = ports.upstream.search !== undefined;
    this.#state = initialState({ callIntervalMs: settings.callIntervalMs, searches });
  }

  /** Brings back what a dead process left in a call, then forwards until disposed. */
  start(): void {
    this.#poll = this.#ports.time.every(pollPeriodMs, () => this.#take({ kind: "polled" }));
    this.#take({ kind: "started" });
  }

  /** Something may be due: a scan was stored, or its state changed. Cheap, and never hastens a backoff. */
  wake(): void {
    this.#take({ kind: "woken" });
  }

  /** An outage is over: a backoff ends at once. */
  hasten(): void {
    this.#take({ kind: "hastened" });
  }

  /** Another call of ours was throttled: none of these leaves meanwhile, a minute at most. */
  throttled(forMs: number): void {
    this.#take({ kind: "throttled", forMs });
  }

  /** How long the service asked for no call, of any kind; 0 when it did not, and in a backoff that it did not ask for. */
  get quietMs(): number {
    return quietMsLeft(this.#state, this.#now());
  }

  /** Whether nothing is due: what waits is put off, or waits for a search, a clock or the roster. */
  get isIdle(): boolean {
    return this.#state.phase.kind === "idle";
  }

  get status(): TargetStatus {
    const { lastOutcome, isAnswered, storeFailures } = this.#state;
    const store = storeFailures > 0 ? ({ storeFails: true } as const) : {};
    // Calls are taken up again as carefully as before, but what a search found out is no outage any more.
    const failures = isAnswered ? 0 : this.#state.failures;
    if (lastOutcome === null) return { state: "not-tried", lastOutcome: "", retryInMs: null, ...store };
    const state = failures > 0 && isDown(lastOutcome) ? "not-reachable" : "reachable";
    const retryInMs = failures > 0 ? Math.round(restMs(this.#state, this.#now())) : null;
    return { state, lastOutcome, retryInMs, ...store };
  }

  /** Scans on which calls are known to fail while others go through, by their ids; some may be settled since. */
  get failingAlone(): readonly number[] {
    return [...this.#state.lessons.size.breaking.keys()];
  }

  /** The service has judged a registration that it had left pending. */
  async judged(receipt: LateJudgement): Promise<void> {
    await this.#guard.judged(receipt);
  }

  get receipt(): ReceiptStatus {
    return this.#guard.status;
  }

  /**
   * Waits for the call under way, `finishMaxMs` at most, then aborts it and writes its scans down as doubtful. Should even
   * that not end, they stay `sending`, and the next start finds them.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#poll?.[Symbol.dispose]();
    this.#take({ kind: "stop" });
    this.#rest?.[Symbol.dispose]();
    await this.#work.endsWithin(finishMaxMs, this.#ports.time);
    this.#abort.abort();
    await this.#work.endsWithin(abortMaxMs, this.#ports.time);
    this.#closed = true;
  }

  #take(input: ForwarderInput): void {
    if (this.#closed) return;
    const { state, actions } = step(this.#state, input, this.#now(), this.#ports.random);
    this.#state = state;
    for (const action of actions) this.#perform(action);
  }

  #perform(action: ForwarderAction): void {
    const { queue, time, log } = this.#ports;
    switch (action.kind) {
      case "recover":
        this.#ask(async () => {
          await this.#guard.recall();
          return { kind: "recovered", scans: await queue.recoverInterrupted(action.now) };
        });
        break;
      case "look":
        this.#ask(() => this.#look(action));
        break;
      case "settle":
        this.#ask(async () => {
          await this.#settle(action.written);
          return { kind: "settled" };
        });
        break;
      case "call":
        this.#call(action.outgoing);
        break;
      case "search":
        this.#search(action.outgoing);
        break;
      case "beside":
        this.#beside = this.#writeAndClaim(action);
        break;
      case "rest":
        this.#rest?.[Symbol.dispose]();
        this.#rest = time.after(action.delayMs, () => this.#take({ kind: "rested" }));
        break;
      case "log":
        log[action.line.level](action.line.fields, action.line.event);
        break;
      default:
        unreachable(action);
    }
  }

  async #look({ resolve, request }: Extract<ForwarderAction, { kind: "look" }>): Promise<ForwarderInput> {
    const { queue } = this.#ports;
    const resolved = resolve === 0 ? 0 : await queue.resolveUnknown(resolve);
    const window = this.#guard.window();
    const found = window === null ? null : await this.#claim(request, window);
    const { waiting, oldestUtcMs, oldestDoubt } = await queue.backlog();
    this.#guard.watch(oldestUtcMs, waiting);
    const isOfTheFuture = found === null && window !== null && window.phi.loMs < 0 && waiting > 0;
    const lookAgain = isOfTheFuture ? lookAgainMs(window) : null;
    return { kind: "looked", found, resolved, lookAgainMs: lookAgain, oldestDoubt };
  }

  /** @param written of the call before, in the same transaction */
  async #claim(request: LookRequest, window: ReceiptWindow, written: Written | null = null): Promise<Outgoing | null> {
    const { queue } = this.#ports;
    const traceId = randomUUID();
    const whole = { ...request, window, traceId };
    const claim = written === null ? await queue.claim(whole) : await queue.settleAndClaim(written, whole);
    if (claim === null) return null;
    if (claim.scans.length === 1 || !this.#guard.isUntried(claim.scans, window)) return { claim, traceId, window };
    await this.#settle(unsent(claim, this.#now(), untried));
    return await this.#claim({ ...request, limit: 1 }, window);
  }

  async #settle({ attemptId, report, settlements }: Written): Promise<void> {
    await this.#ports.queue.settle(attemptId, report, settlements);
  }

  /** Never rejects. */
  async #writeAndClaim({ written, request }: Extract<ForwarderAction, { kind: "beside" }>): Promise<void> {
    const window = this.#guard.window();
    let input: ForwarderInput;
    try {
      if (request === null || window === null) {
        if (written !== null) await this.#settle(written);
        input = { kind: "beside-done", ahead: null };
      } else {
        input = { kind: "beside-done", ahead: await this.#claim(request, window, written) };
      }
    } catch (error) {
      input = { kind: "beside-failed", error };
    }
    this.#take(input);
  }

  /** Any failure of the store is a state of the forwarder, not its end: it waits and tries again. */
  #ask(work: () => Promise<ForwarderInput>): void {
    this.#work.begin(
      work()
        .catch((error: unknown): ForwarderInput => ({ kind: "store-failed", error }))
        .then((input) => this.#take(input)),
    );
  }

  #call({ claim, traceId, window }: Outgoing): void {
    const { upstream, time, log } = this.#ports;
    let left = { ns: time.monotonicNs(), window };
    const mayLeave = (): boolean => {
      left = { ns: time.monotonicNs(), window: this.#guard.window() ?? window };
      return this.#guard.mayLeave(claim.scans);
    };
    const ending = upstream
      .register(claim.scans, traceId, this.#abort.signal, mayLeave)
      .catch((error: unknown): CallOutcome => {
        log.error({ err: keptError(error) }, events.upstreamDefect);
        // Ours, as a call that cannot be sent is: the service must not be blamed for it.
        const report = { outcome: "call-refused", httpStatus: null, relatedTraceId: null } as const;
        return { kind: "ambiguous", retryAfterMs: null, report: { ...report, detail: keptText(messageOf(error)) } };
      })
      .then(async (outcome) => {
        if (!isNoNews(claim, outcome, this.#state.lessons)) this.#ports.onOutcome(outcome.report.outcome);
        await this.#guard.answered(claim, outcome, left.window, elapsedMs(left.ns, time.monotonicNs()));
        await this.#beside;
        const { ahead } = this.#state;
        const isAheadStale = ahead !== null && !this.#guard.isStillOpen(ahead.window);
        this.#take({ kind: "ended", outcome, isAheadStale });
      });
    this.#work.begin(ending);
  }

  #search({ claim, traceId }: Outgoing): void {
    const { upstream, log } = this.#ports;
    const { attemptId } = claim;
    const [scan] = claim.scans;
    const searching = async (): Promise<SearchOutcome> => {
      if (scan === undefined || upstream.search === undefined) throw new InvariantError("a search has its scan");
      return await upstream.search(scan, traceId, this.#abort.signal);
    };
    this.#work.begin(
      searching()
        .catch((error: unknown): SearchOutcome => {
          log.error({ err: keptError(error) }, events.upstreamDefect);
          const report = { outcome: "unintelligible", httpStatus: null, relatedTraceId: null } as const;
          return { kind: "failed", retryAfterMs: null, report: { ...report, detail: keptText(messageOf(error)) } };
        })
        .then(async (outcome) => {
          if (scan !== undefined && outcome.kind === "found")
            await this.#judgedBefore(scan, attemptId, outcome.remarks);
          this.#take({ kind: "searched", outcome });
        }),
    );
  }

  /** The call that left the doubt is not kept with the scan: it left after the badge, which is the moment that proves least. */
  async #judgedBefore({ utcMs }: DueScan, attemptId: number, remarks: readonly Remark[]): Promise<void> {
    if (!remarks.some(({ code }) => code === receiptRemark)) return;
    const { clock, time, log } = this.#ports;
    log.error({ count: 1, attemptId }, events.receiptRemark);
    const answeredAt = clock.now()?.utcMs ?? time.wallMs();
    await this.#guard.judged({ registeredAt: utcMs, sentAt: utcMs, answeredAt, remark32: true });
  }

  #now(): Now {
    const { time, clock } = this.#ports;
    // What is put off, and when a call ended, must not hang on a system clock that somebody sets.
    return { monotonicNs: time.monotonicNs(), wallMs: clock.now()?.utcMs ?? time.wallMs() };
  }
}

/** A scan may be of the service's future by as much as its clock is behind ours; looking costs a transaction. */
function lookAgainMs({ phi }: ReceiptWindow): number {
  return Math.min(Math.max(-phi.loMs, lookAgainMinMs), pollPeriodMs);
}

const lookAgainMinMs = 250;
