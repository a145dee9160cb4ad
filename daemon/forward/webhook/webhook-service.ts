import { unreachable } from "../../base/assert.ts";
import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Random } from "../../base/random.ts";
import type { Time } from "../../base/time.ts";
import { forwardEvents as events } from "../events.ts";
import { abortMaxMs, pollPeriodMs } from "../forward-service.ts";
import { HttpCaller } from "../http-call.ts";
import { keptError } from "../kept-error.ts";
import { keptText } from "../kept-text.ts";
import type { TargetStatus } from "../target-status.ts";
import type { TokenSource } from "../upstream.ts";
import { WorkUnderWay } from "../work-under-way.ts";
import type { WebhookCursor, WebhookScan } from "./cursor.ts";
import { type DeliveryOutcome, deliveryBody, deliveryOutcomeOf, idempotencyKey } from "./delivery.ts";
import {
  type FollowerAction,
  type FollowerInput,
  type FollowerState,
  followerRestMs,
  initialFollower,
  stepFollower,
} from "./follower.ts";

export type WebhookPorts = {
  readonly cursor: WebhookCursor;
  readonly token: TokenSource;
  readonly time: Time;
  readonly random: Random;
  readonly log: Log;
};

export type WebhookTarget = {
  /** The cursor is kept under this name. */
  readonly name: string;
  readonly url: string;
  readonly timeoutMs: number;
};

/** A delivery may be made twice, so that little is won by waiting for one while systemd waits for the whole daemon. */
const finishMaxMs = 500;

/** The shell of one webhook: does what follower.ts decides, one thing at a time. */
export class WebhookService implements AsyncDisposable {
  readonly #ports: WebhookPorts;
  readonly #target: WebhookTarget;
  readonly #caller: HttpCaller;
  readonly #abort: AbortController = new AbortController();
  /** The store's id when the scans that are being delivered were read. */
  #readFrom = "";
  readonly #work: WorkUnderWay = new WorkUnderWay();
  #state: FollowerState = initialFollower;
  #rest: Disposable | null = null;
  #poll: Disposable | null = null;
  #closed = false;

  constructor(ports: WebhookPorts, target: WebhookTarget) {
    this.#ports = ports;
    this.#target = target;
    this.#caller = new HttpCaller(target.url, target.timeoutMs, ports.time);
  }

  start(): void {
    this.#poll = this.#ports.time.every(pollPeriodMs, () => this.wake());
    this.wake();
  }

  /** A scan was stored. Cheap, and never hastens a backoff. */
  wake(): void {
    this.#take({ kind: "woken" });
  }

  get status(): TargetStatus {
    const { lastOutcome, failures } = this.#state;
    if (lastOutcome === null) return { state: "not-tried", lastOutcome: "", retryInMs: null };
    const retryInMs = failures > 0 ? Math.round(followerRestMs(this.#state, this.#ports.time.monotonicNs())) : null;
    const state = failures > 0 && lastOutcome !== "call-refused" ? "not-reachable" : "reachable";
    return { state, lastOutcome, retryInMs };
  }

  /**
   * Waits for the delivery under way, `finishMaxMs` at most, then aborts it; it is made again at the next start.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    const { time } = this.#ports;
    this.#poll?.[Symbol.dispose]();
    this.#take({ kind: "stop" });
    this.#rest?.[Symbol.dispose]();
    await this.#work.endsWithin(finishMaxMs, time);
    this.#abort.abort();
    await this.#work.endsWithin(abortMaxMs, time);
    this.#closed = true;
    await this.#caller[Symbol.asyncDispose]();
  }

  #take(input: FollowerInput): void {
    if (this.#closed) return;
    const { time, random } = this.#ports;
    const { state, actions } = stepFollower(this.#state, input, time.monotonicNs(), random);
    this.#state = state;
    for (const action of actions) this.#perform(action);
  }

  #perform(action: FollowerAction): void {
    const { cursor, time, log } = this.#ports;
    const { name } = this.#target;
    switch (action.kind) {
      case "read":
        this.#ask(async () => {
          const scans = await cursor.next(name, action.limit);
          this.#readFrom = cursor.storeId;
          return { kind: "read", scans };
        });
        break;
      case "advance":
        this.#ask(async () => {
          await cursor.advance(name, action.advance.scanId, action.advance.skipped, this.#readFrom);
          return { kind: "advanced" };
        });
        break;
      case "post":
        this.#work.begin(
          this.#post(action.scans)
            .catch((error: unknown): DeliveryOutcome => {
              log.error({ target: name, err: keptError(error) }, events.webhookDefect);
              return { kind: "failed", detail: keptText(messageOf(error)), httpStatus: null, retryAfterMs: null };
            })
            .then((outcome) => this.#take({ kind: "ended", outcome })),
        );
        break;
      case "rest":
        this.#rest?.[Symbol.dispose]();
        this.#rest = time.after(action.delayMs, () => this.#take({ kind: "rested" }));
        break;
      case "log":
        log[action.line.level]({ target: name, ...action.line.fields }, action.line.event);
        break;
      default:
        unreachable(action);
    }
  }

  #ask(work: () => Promise<FollowerInput>): void {
    this.#work.begin(
      work()
        .catch((error: unknown): FollowerInput => ({ kind: "store-failed", error }))
        .then((input) => this.#take(input)),
    );
  }

  async #post(scans: readonly WebhookScan[]): Promise<DeliveryOutcome> {
    const { time, token } = this.#ports;
    const { signal } = this.#abort;
    let bearer: string | null;
    try {
      bearer = await token.token(signal);
    } catch (error) {
      const detail = keptText(`token could not be read: ${messageOf(error)}`);
      return { kind: "failed", detail, httpStatus: null, retryAfterMs: null };
    }
    const body = deliveryBody(this.#readFrom, scans);
    const headers = {
      "content-type": "application/json",
      "idempotency-key": idempotencyKey(this.#readFrom, scans, body),
      ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
    };
    const http = await this.#caller.call({ method: "POST", path: "", headers, body }, signal);
    return deliveryOutcomeOf(http, time.wallMs());
  }
}
