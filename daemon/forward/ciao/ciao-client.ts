import { messageOf } from "../../base/errors.ts";
import type { Time } from "../../base/time.ts";
import { HttpCaller } from "../http-call.ts";
import { keptText } from "../kept-text.ts";
import type { DueScan } from "../queue.ts";
import type { CallOutcome, TokenSource, Upstream } from "../upstream.ts";
import { callOutcomeOf } from "./answer.ts";
import { requestBody } from "./wire.ts";

export type CiaoSettings = {
  /** `https://services.socialsecurity.be/REST/presenceRegistration/v1` (T), without a slash at its end. */
  readonly baseUrl: string;
  readonly registerPath: string;
  /** Over all of one call, from its connection to the last byte of its answer. */
  readonly timeoutMs: number;
};

/** (C) The request header that carries our own id of a call, and its longest value. */
export const traceHeader: string = "BelGov-Trace-Id";
export const traceIdMaxChars: number = 36;

/** Check In and Out at Work, REST `presenceRegistration`. What is known of it, and how well, stands in this folder. */
export class CiaoClient implements Upstream, AsyncDisposable {
  readonly #settings: CiaoSettings;
  readonly #token: TokenSource;
  readonly #time: Time;
  readonly #caller: HttpCaller;

  constructor(settings: CiaoSettings, token: TokenSource, time: Time) {
    this.#settings = settings;
    this.#token = token;
    this.#time = time;
    this.#caller = new HttpCaller(settings.baseUrl, settings.timeoutMs, time);
  }

  async register(scans: readonly DueScan[], traceId: string, signal: AbortSignal): Promise<CallOutcome> {
    const token = await this.#readToken(signal);
    if (token.kind === "unreadable") {
      const detail = keptText(`token could not be read: ${token.detail}`);
      const report = { outcome: "unauthorised", httpStatus: null, relatedTraceId: null, detail } as const;
      return { kind: "not-processed", retryAfterMs: null, report };
    }
    const request = {
      path: this.#settings.registerPath,
      headers: {
        accept: "application/json, application/problem+json",
        "content-type": "application/json",
        [traceHeader]: traceId.slice(0, traceIdMaxChars),
        ...(token.value === null ? {} : { authorization: `Bearer ${token.value}` }),
      },
      body: requestBody(scans),
    };
    return callOutcomeOf(await this.#caller.post(request, signal), scans, this.#time.wallMs());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#caller[Symbol.asyncDispose]();
  }

  async #readToken(
    signal: AbortSignal,
  ): Promise<
    { readonly kind: "read"; readonly value: string | null } | { readonly kind: "unreadable"; readonly detail: string }
  > {
    try {
      return { kind: "read", value: await this.#token.token(signal) };
    } catch (error) {
      return { kind: "unreadable", detail: messageOf(error) };
    }
  }
}
