import type { Agent } from "undici";
import { messageOf } from "../base/errors.ts";
import { type ExchangeOutcome, exchange, type OnHead, openAgent } from "../base/http-exchange.ts";
import type { Time } from "../base/time.ts";
import { withoutBearer } from "./bearer-scrub.ts";
import { decoded } from "./content-coding.ts";

/** Two hundred answers of a registration with all its remarks stay under 1 MB. */
export const answerMaxBytes: number = 4 * 1024 * 1024;
export const answerHeadersMaxBytes: number = 32 * 1024;

/** An idle connection is closed by us, before most servers do: a request that meets their closing is left in doubt. */
export const keepAliveMs: number = 4_000;

export type HttpRequest = {
  readonly method: "POST" | "GET";
  /** Behind the base address, with a slash in front; empty for the base address itself. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** `null` for none. */
  readonly body: string | null;
};

/** How a call ended, with the answer as text. */
export type HttpOutcome = ExchangeOutcome<string>;

export type HttpLimits = {
  /** SHA-256 of public keys, one of which must be in the chain of the server's certificate; none pins nothing. */
  readonly pins: readonly string[];
  readonly answerMaxBytes: number;
};

const defaultLimits: HttpLimits = { pins: [], answerMaxBytes };

/** Calls one address over one connection, within limits: a deadline over all of a call, and a longest answer of text. */
export class HttpCaller implements AsyncDisposable {
  readonly #base: URL;
  readonly #timeoutMs: number;
  readonly #time: Time;
  readonly #onHead: OnHead;
  readonly #limits: HttpLimits;
  #agent: Promise<Agent> | null = null;

  constructor(
    baseUrl: string,
    timeoutMs: number,
    time: Time,
    onHead: OnHead = () => {},
    limits: Partial<HttpLimits> = {},
  ) {
    this.#onHead = onHead;
    this.#limits = { ...defaultLimits, ...limits };
    this.#base = new URL(baseUrl);
    this.#timeoutMs = timeoutMs;
    this.#time = time;
  }

  /**
   * Never rejects, and what it tells is without the bearer token of `request`. `signal` ends the call at once, in `interrupted`.
   *
   * @param withinMs a nearer deadline than the caller's own, for a call that is part of something longer
   * @param mayLeave asked once the connection is there, before the first byte leaves
   */
  async call(
    request: HttpRequest,
    signal: AbortSignal,
    withinMs: number = this.#timeoutMs,
    mayLeave: () => boolean = always,
  ): Promise<HttpOutcome> {
    return withoutBearer(await this.#call(request, signal, withinMs, mayLeave), request.headers);
  }

  async #call(
    request: HttpRequest,
    signal: AbortSignal,
    withinMs: number,
    mayLeave: () => boolean,
  ): Promise<HttpOutcome> {
    if (signal.aborted) return { kind: "not-sent", cause: "interrupted", detail: "stopped before the call" };
    try {
      const agent = await this.#opened();
      const options = {
        origin: this.#base.origin,
        path: `${this.#base.pathname.replace(/\/$/, "")}${request.path}` || "/",
        method: request.method,
        headers: { "accept-encoding": "identity", ...request.headers },
        body: request.body,
      };
      const told = await exchange(
        agent,
        options,
        {
          time: this.#time,
          timeoutMs: Math.min(withinMs, this.#timeoutMs),
          onHead: this.#onHead,
          answerMaxBytes: this.#limits.answerMaxBytes,
          mayLeave,
        },
        signal,
      );
      // A connection that hangs in an outage would still hang when it is over, and the next call with it.
      if (told.kind === "not-sent") await this.#dropConnection();
      const outcome = await decoded(told, this.#limits.answerMaxBytes);
      return outcome.kind === "answered" ? { ...outcome, body: outcome.body.toString("utf8") } : outcome;
    } catch (error) {
      return { kind: "not-sent", cause: "unsendable", detail: messageOf(error) };
    }
  }

  /** Closes the connection; a call still under way ends in `connection-lost`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#dropConnection();
  }

  /** One that could not be opened is tried again with the next call. */
  async #opened(): Promise<Agent> {
    const { pins } = this.#limits;
    this.#agent ??= openAgent({ timeoutMs: this.#timeoutMs, headMaxBytes: answerHeadersMaxBytes, keepAliveMs, pins });
    const opening = this.#agent;
    try {
      return await opening;
    } catch (error) {
      if (this.#agent === opening) this.#agent = null;
      throw error;
    }
  }

  async #dropConnection(): Promise<void> {
    const agent = this.#agent;
    this.#agent = null;
    // Its call tells why there is none, and then there is nothing to close.
    await (await agent?.catch(() => null))?.destroy();
  }
}

const always = (): boolean => true;
