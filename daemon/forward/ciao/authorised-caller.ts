import { messageOf } from "../../base/errors.ts";
import { elapsedMs, type Time } from "../../base/time.ts";
import type { HttpCaller, HttpOutcome, HttpRequest } from "../http-call.ts";
import { keptText } from "../kept-text.ts";
import { type CallReport, NoTokenError, type TokenSource } from "../upstream.ts";

export type NoToken = { readonly kind: "no-token"; readonly retryAfterMs: number | null; readonly report: CallReport };
export type AuthorisedCall = { readonly kind: "called"; readonly http: HttpOutcome } | NoToken;

/** Every call of the service that needs a token goes through here. */
export class AuthorisedCaller {
  readonly #token: TokenSource;
  readonly #time: Time;

  constructor(token: TokenSource, time: Time) {
    this.#token = token;
    this.#time = time;
  }

  /**
   * A call with the token, within the time of one call, the token's own included. A 401 says that the call was not
   * processed, so it is made once more where the refused token gave way to another one.
   *
   * @param mayLeave asked when token and connection are there, each time before a request leaves
   */
  async call(
    request: HttpRequest,
    signal: AbortSignal,
    caller: HttpCaller,
    timeoutMs: number,
    mayLeave?: () => boolean,
  ): Promise<AuthorisedCall> {
    const startedNs = this.#time.monotonicNs();
    const leftMs = (): number => timeoutMs - elapsedMs(startedNs, this.#time.monotonicNs());
    const token = await this.#readToken(signal);
    if (token.kind === "no-token") return token;
    // A call with too little time left would end in doubt; the next one finds the token at hand.
    if (leftMs() < timeoutMs * leftShareMin) return tooLate(timeoutMs - leftMs());
    const http = await caller.call(withToken(request, token.value), signal, leftMs(), mayLeave);
    if (token.value === null || !isUnauthorised(http)) return { kind: "called", http };
    this.#token.refused?.(token.value);
    const other = await this.#readToken(signal);
    if (other.kind === "no-token" || other.value === token.value) return { kind: "called", http };
    if (leftMs() < timeoutMs * leftShareMin) return { kind: "called", http };
    return { kind: "called", http: await caller.call(withToken(request, other.value), signal, leftMs(), mayLeave) };
  }

  async #readToken(signal: AbortSignal): Promise<TokenRead> {
    try {
      return { kind: "read", value: await this.#token.token(signal) };
    } catch (error) {
      const wasAsked = error instanceof NoTokenError;
      const detail = keptText(wasAsked ? error.message : `token could not be read: ${messageOf(error)}`);
      const outcome = wasAsked ? "no-token" : "unauthorised";
      const report: CallReport = { outcome, httpStatus: null, relatedTraceId: null, detail };
      return { kind: "no-token", retryAfterMs: wasAsked ? error.retryAfterMs : null, report };
    }
  }
}

/** Of the time of a call: with less of it left no request leaves. */
const leftShareMin = 0.25;

function tooLate(tookMs: number): NoToken {
  const detail = `the token came after ${Math.round(tookMs)} ms, too late for this call`;
  return {
    kind: "no-token",
    retryAfterMs: null,
    report: { outcome: "no-token", httpStatus: null, relatedTraceId: null, detail },
  };
}

type TokenRead = { readonly kind: "read"; readonly value: string | null } | NoToken;

function withToken(request: HttpRequest, token: string | null): HttpRequest {
  if (token === null) return request;
  return { ...request, headers: { ...request.headers, authorization: `Bearer ${token}` } };
}

function isUnauthorised(http: HttpOutcome): boolean {
  const head = http.kind === "not-sent" ? null : http.head;
  return head?.status === 401;
}
