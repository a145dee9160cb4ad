import type { Log } from "../../../base/log.ts";
import type { Random } from "../../../base/random.ts";
import type { MonotonicNs, Time } from "../../../base/time.ts";
import { NoTokenError, type TokenSource } from "../../upstream.ts";
import {
  afterOutcome,
  afterRefusal,
  hastened,
  noTokenYet,
  retryMs,
  shouldAsk,
  type TokenLife,
  usable,
} from "./token-life.ts";
import { type TokenFailure, type TokenOutcome, tokenFailureIsOurs, tokenFailureWords } from "./token-outcome.ts";

export type TokenKeeperPorts = {
  /** One request to the token endpoint. Never rejects. */
  readonly ask: (signal: AbortSignal) => Promise<TokenOutcome>;
  /** Told after every request: `null` while a token that can be used is at hand, whatever the endpoint does. */
  readonly onSeen: (failure: TokenFailure | null, askedNs: MonotonicNs) => void;
  readonly time: Time;
  readonly random: Random;
  readonly log: Log;
};

/** For people: `badged status`. */
export type TokenStatus = {
  readonly hasToken: boolean;
  readonly failure: Pick<TokenFailure, "kind" | "detail"> | null;
  readonly retryInMs: number | null;
};

/**
 * The shell of the token: whoever wants it gets the one there is, and waits where there is none. One request at a time for
 * all of them; after a failure it asks again by itself, so that the end of an outage is known when it comes.
 */
export class TokenKeeper implements TokenSource, AsyncDisposable {
  readonly #ports: TokenKeeperPorts;
  readonly #closing = new AbortController();
  #life: TokenLife = noTokenYet;
  #asking: Promise<void> | null = null;
  #again: Disposable | null = null;
  /** Of the failure that was last logged: the same again is not news. */
  #told: string | null = null;

  constructor(ports: TokenKeeperPorts) {
    this.#ports = ports;
  }

  get status(): TokenStatus {
    const nowNs = this.#ports.time.monotonicNs();
    const { failure } = this.#life;
    return {
      hasToken: usable(this.#life, nowNs) !== null,
      failure: failure === null ? null : { kind: failure.kind, detail: failure.detail },
      retryInMs: failure === null ? null : Math.round(retryMs(this.#life, nowNs)),
    };
  }

  /** Asks for the first token, so that a wrong key is known before the first badge. */
  start(): void {
    void this.#askWhenDue();
  }

  async token(signal: AbortSignal): Promise<string> {
    const { time } = this.#ports;
    const due = this.#askWhenDue();
    // One that still holds is used while the next is asked for: a call does not wait out an endpoint that hangs.
    if (due !== null && usable(this.#life, time.monotonicNs()) === null) await endedOr(due, signal);
    const nowNs = time.monotonicNs();
    const token = usable(this.#life, nowNs);
    if (token !== null) return token;
    const { failure } = this.#life;
    const words = failure === null ? "no token was asked for" : wordsOf(failure);
    throw new NoTokenError(words, Math.ceil(retryMs(this.#life, nowNs)));
  }

  refused(token: string): void {
    this.#life = afterRefusal(this.#life, token, this.#ports.time.monotonicNs());
  }

  /** An outage is over. */
  hasten(): void {
    this.#life = hastened(this.#life);
    if (this.#life.failure !== null) void this.#askWhenDue();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#again?.[Symbol.dispose]();
    await this.#asking;
  }

  /** The request under way, or a new one when it is time for it. */
  #askWhenDue(): Promise<void> | null {
    if (this.#asking !== null) return this.#asking;
    if (this.#closing.signal.aborted || !shouldAsk(this.#life, this.#ports.time.monotonicNs())) return null;
    this.#again?.[Symbol.dispose]();
    this.#asking = this.#ask().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #ask(): Promise<void> {
    const { ask, time, random, onSeen } = this.#ports;
    const askedNs = time.monotonicNs();
    const outcome = await ask(this.#closing.signal);
    const nowNs = time.monotonicNs();
    this.#life = afterOutcome(this.#life, outcome, { askedNs, nowNs }, random);
    if (outcome.kind === "interrupted") return;
    this.#tell(outcome);
    if (outcome.kind !== "granted") this.#askLater();
    onSeen(outcome.kind === "granted" || usable(this.#life, nowNs) !== null ? null : outcome, askedNs);
  }

  #askLater(): void {
    const { time } = this.#ports;
    const delayMs = Math.max(1, retryMs(this.#life, time.monotonicNs()));
    this.#again = time.after(delayMs, () => {
      // Timers may fire a moment early, by another clock than the one that says when it is time.
      if (this.#askWhenDue() === null && !this.#closing.signal.aborted) this.#askLater();
    });
  }

  #tell(outcome: TokenOutcome): void {
    const { log, time } = this.#ports;
    if (outcome.kind === "granted") {
      const fields = { lifetimeMs: outcome.lifetimeMs };
      if (this.#told === null) log.debug(fields, "token obtained");
      else log.info(fields, "token obtained again");
      this.#told = null;
      return;
    }
    const { kind, detail } = outcome;
    if (this.#told === wordsOf(outcome)) return;
    this.#told = wordsOf(outcome);
    const nowNs = time.monotonicNs();
    const retryInMs = Math.round(retryMs(this.#life, nowNs));
    const level = tokenFailureIsOurs[kind] === true ? "error" : kind === "clock-unknown" ? "info" : "warn";
    log[level]({ kind, detail, retryInMs, hasToken: usable(this.#life, nowNs) !== null }, "no token obtained");
  }
}

export function wordsOf({ kind, detail }: Pick<TokenFailure, "kind" | "detail">): string {
  return detail === "" ? tokenFailureWords[kind] : `${tokenFailureWords[kind]}: ${detail}`;
}

/** Resolves with `work`, or at once when the signal aborts; `work` goes on for the others that wait for it. */
function endedOr(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const stop = Promise.withResolvers<void>();
  const abort = (): void => stop.resolve();
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  return Promise.race([work, stop.promise]).finally(() => signal.removeEventListener("abort", abort));
}
