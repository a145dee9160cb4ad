import { messageOf } from "../../base/errors.ts";
import { parseHttpDate } from "../../base/system-time.ts";
import type { MonotonicNs, Time, WallMs } from "../../base/time.ts";
import { HttpCaller, type HttpHead, type OnHead } from "../http-call.ts";
import { keptText } from "../kept-text.ts";
import type { DueScan } from "../queue.ts";
import type { CallOutcome, SearchOutcome, TokenSource, Upstream } from "../upstream.ts";
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
    this.#caller = new HttpCaller(settings.baseUrl, settings.timeoutMs, time, onHead);
    this.#searchCaller = new HttpCaller(settings.baseUrl, Math.min(settings.timeoutMs, searchMaxMs), time, onHead);
    const path = settings.searchPath ?? null;
    if (path !== null) this.search = (scan, traceId, signal) => this.#search(path, scan, traceId, signal);
    this.#healthCaller = new HttpCaller(settings.baseUrl, Math.min(settings.timeoutMs, healthMaxMs), time, onHead);
  }

  async register(scans: readonly DueScan[], traceId: string, signal: AbortSignal): Promise<CallOutcome> {
    const token = await this.#readToken(signal);
    if (token.kind === "unreadable") {
      const detail = keptText(`token could not be read: ${token.detail}`);
      const report = { outcome: "unauthorised", httpStatus: null, relatedTraceId: null, detail } as const;
      return { kind: "not-processed", retryAfterMs: null, report };
    }
    const request = {
      method: "POST" as const,
      path: this.#settings.registerPath,
      headers: {
        accept: "application/json, application/problem+json",
        "content-type": "application/json",
        [traceHeader]: traceId.slice(0, traceIdMaxChars),
        ...(token.value === null ? {} : { authorization: `Bearer ${token.value}` }),
      },
      body: requestBody(scans),
    };
    return callOutcomeOf(await this.#caller.call(request, signal), scans, this.#time.wallMs());
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
    const token = await this.#readToken(signal);
    if (token.kind === "unreadable") {
      const detail = keptText(`token could not be read: ${token.detail}`);
      const report = { outcome: "unauthorised", httpStatus: null, relatedTraceId: null, detail } as const;
      return { kind: "failed", retryAfterMs: null, report };
    }
    const request = {
      method: "GET" as const,
      path: path + searchQuery(scan),
      headers: {
        accept: "application/json, application/problem+json",
        [traceHeader]: traceId.slice(0, traceIdMaxChars),
        ...(token.value === null ? {} : { authorization: `Bearer ${token.value}` }),
      },
      body: null,
    };
    return searchOutcomeOf(await this.#searchCaller.call(request, signal), scan, this.#time.wallMs());
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

function dateOf({ headers }: HttpHead): Pick<AnswerDate, "dateMs" | "aged"> | null {
  const dateMs = parseHttpDate(headers["date"] ?? "");
  return dateMs === null ? null : { dateMs, aged: headers["age"] !== undefined };
}
