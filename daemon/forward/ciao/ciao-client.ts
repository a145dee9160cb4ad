import { messageOf } from "../../base/errors.ts";
import { parseHttpDate } from "../../base/system-time.ts";
import { elapsedMs, type MonotonicNs, type Time, type WallMs } from "../../base/time.ts";
import { HttpCaller, type HttpHead, type HttpOutcome, type HttpRequest, type OnHead } from "../http-call.ts";
import { keptText } from "../kept-text.ts";
import type { DueScan } from "../queue.ts";
import {
  type CallOutcome,
  type CallReport,
  NoTokenError,
  type SearchOutcome,
  type TokenSource,
  type Upstream,
} from "../upstream.ts";
import { callOutcomeOf } from "./answer.ts";
import { searchMaxMs, searchOutcomeOf, searchQuery } from "./search.ts";
import { requestBody } from "./wire.ts";

export type CiaoSettings = {
  /** `https://services.socialsecurity.be/REST/presenceRegistration/v1` (T), without a slash at its end. */
  readonly baseUrl: string;
  readonly registerPath: string;
  readonly healthPath: string;
  /** Where registrations are searched; `null`, as when left out, for a service that is not to be searched. */
  readonly searchPath?: string | null;
  /** Over all of one call, from its connection to the last byte of its answer. */
  readonly timeoutMs: number;
  /** SHA-256 of public keys, of which the chain of the service's certificate has to have one; none pins nothing. */
  readonly pins?: readonly string[];
  /** The item's field for a Limosa reference; without it none is sent. */
  readonly limosaField?: string | null;
};

/** The service's own clock, as one of its answers tells it (RFC 9110 section 6.6.1). */
export type AnswerDate = {
  /** The second that `Date` names. */
  readonly dateMs: WallMs;
  readonly sentNs: MonotonicNs;
  readonly receivedNs: MonotonicNs;
  /** A cache on the way added `Age`: the date is that of another moment. */
  readonly aged: boolean;
};

export type HealthAnswer = { readonly kind: "answered"; readonly status: number } | { readonly kind: "not-answered" };

export const healthMaxMs: number = 5_000;

/** (C) The request header that carries our own id of a call, and its longest value. */
export const traceHeader: string = "BelGov-Trace-Id";
export const traceIdMaxChars: number = 36;

/** Check In and Out at Work, REST `presenceRegistration`. What is known of it, and how well, stands in this folder. */
export class CiaoClient implements Upstream, AsyncDisposable {
  readonly #settings: CiaoSettings;
  readonly #token: TokenSource;
  readonly #time: Time;
  readonly #caller: HttpCaller;
  /** Beside the other, so that a health that hangs holds up no registration. */
  readonly #healthCaller: HttpCaller;
  readonly #searchCaller: HttpCaller;
  /** Whether the service holds this very registration. */
  readonly search?: NonNullable<Upstream["search"]>;

  /** @param onDate is told the time of every answer, whatever its status */
  constructor(settings: CiaoSettings, token: TokenSource, time: Time, onDate: (answer: AnswerDate) => void = () => {}) {
    this.#settings = settings;
    this.#token = token;
    this.#time = time;
    const onHead: OnHead = (head, sentNs, receivedNs) => {
      const date = dateOf(head);
      if (date !== null) onDate({ ...date, sentNs, receivedNs });
    };
    const { baseUrl, timeoutMs, pins = [] } = settings;
    this.#caller = new HttpCaller(baseUrl, timeoutMs, time, onHead, { pins });
    this.#searchCaller = new HttpCaller(baseUrl, Math.min(timeoutMs, searchMaxMs), time, onHead, { pins });
    this.#healthCaller = new HttpCaller(baseUrl, Math.min(timeoutMs, healthMaxMs), time, onHead, { pins });
    const path = settings.searchPath ?? null;
    if (path !== null) this.search = (scan, traceId, signal) => this.#search(path, scan, traceId, signal);
  }

  async register(scans: readonly DueScan[], traceId: string, signal: AbortSignal): Promise<CallOutcome> {
    const request = {
      method: "POST" as const,
      path: this.#settings.registerPath,
      headers: {
        accept: "application/json, application/problem+json",
        "content-type": "application/json",
        [traceHeader]: traceId.slice(0, traceIdMaxChars),
      },
      body: requestBody(scans, this.#settings.limosaField ?? null),
    };
    const authorised = await this.#callAuthorised(request, signal, this.#caller, this.#settings.timeoutMs);
    if (authorised.kind === "no-token") {
      const { report, retryAfterMs } = authorised;
      return { kind: "not-processed", retryAfterMs, report };
    }
    return callOutcomeOf(authorised.http, scans, this.#time.wallMs());
  }

  /** How the service says it is; any answer tells its time as well. Never rejects. */
  async askHealth(signal: AbortSignal): Promise<HealthAnswer> {
    const request = {
      method: "GET",
      path: this.#settings.healthPath,
      headers: { accept: "application/json" },
      body: null,
    } as const;
    const outcome = await this.#healthCaller.call(request, signal);
    return outcome.kind === "answered" ? { kind: "answered", status: outcome.head.status } : { kind: "not-answered" };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#healthCaller[Symbol.asyncDispose]();
    await this.#searchCaller[Symbol.asyncDispose]();
    await this.#caller[Symbol.asyncDispose]();
  }

  async #search(path: string, scan: DueScan, traceId: string, signal: AbortSignal): Promise<SearchOutcome> {
    const request = {
      method: "GET" as const,
      path: path + searchQuery(scan),
      headers: {
        accept: "application/json, application/problem+json",
        [traceHeader]: traceId.slice(0, traceIdMaxChars),
      },
      body: null,
    };
    const timeoutMs = Math.min(this.#settings.timeoutMs, searchMaxMs);
    const authorised = await this.#callAuthorised(request, signal, this.#searchCaller, timeoutMs);
    if (authorised.kind === "no-token") {
      return { kind: "failed", retryAfterMs: authorised.retryAfterMs, report: authorised.report };
    }
    return searchOutcomeOf(authorised.http, scan, this.#time.wallMs());
  }

  /**
   * A call with the token, within the time of one call, the token's own included. A 401 says that the call was not
   * processed, so it is made once more where the refused token gave way to another one.
   */
  async #callAuthorised(
    request: HttpRequest,
    signal: AbortSignal,
    caller: HttpCaller,
    timeoutMs: number,
  ): Promise<AuthorisedCall> {
    const startedNs = this.#time.monotonicNs();
    const leftMs = (): number => timeoutMs - elapsedMs(startedNs, this.#time.monotonicNs());
    const token = await this.#readToken(signal);
    if (token.kind === "no-token") return token;
    const http = await caller.call(withToken(request, token.value), signal, Math.max(leftMs(), 1));
    if (token.value === null || !isUnauthorised(http)) return { kind: "called", http };
    this.#token.refused?.(token.value);
    const other = await this.#readToken(signal);
    if (other.kind === "no-token" || other.value === token.value) return { kind: "called", http };
    // What is left may be too short for a call that then ends in doubt; the next one has the new token as well.
    if (leftMs() < timeoutMs / 4) return { kind: "called", http };
    return { kind: "called", http: await caller.call(withToken(request, other.value), signal, leftMs()) };
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

type NoToken = { readonly kind: "no-token"; readonly retryAfterMs: number | null; readonly report: CallReport };
type TokenRead = { readonly kind: "read"; readonly value: string | null } | NoToken;
type AuthorisedCall = { readonly kind: "called"; readonly http: HttpOutcome } | NoToken;

function withToken(request: HttpRequest, token: string | null): HttpRequest {
  if (token === null) return request;
  return { ...request, headers: { ...request.headers, authorization: `Bearer ${token}` } };
}

function isUnauthorised(http: HttpOutcome): boolean {
  const head = http.kind === "not-sent" ? null : http.head;
  return head?.status === 401;
}

function dateOf({ headers }: HttpHead): Pick<AnswerDate, "dateMs" | "aged"> | null {
  const dateMs = parseHttpDate(headers["date"] ?? "");
  return dateMs === null ? null : { dateMs, aged: headers["age"] !== undefined };
}
