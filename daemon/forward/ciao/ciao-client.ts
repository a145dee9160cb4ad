import type { HttpHead, OnHead } from "../../base/http-exchange.ts";
import { parseHttpDate } from "../../base/system-time.ts";
import type { MonotonicNs, Time, WallMs } from "../../base/time.ts";
import { HttpCaller } from "../http-call.ts";
import type { DueScan } from "../queue.ts";
import type { CallOutcome, SearchOutcome, TokenSource, Upstream } from "../upstream.ts";
import { callOutcomeOf } from "./answer.ts";
import { AuthorisedCaller } from "./authorised-caller.ts";
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

/** - `not-asked`: this box could not make the call, which is no fault of the service's. */
export type HealthAnswer =
  | { readonly kind: "answered"; readonly status: number }
  | { readonly kind: "not-answered" | "not-asked" };

export const healthMaxMs: number = 5_000;

/** (C) The request header that carries our own id of a call, and its longest value. */
export const traceHeader: string = "BelGov-Trace-Id";
export const traceIdMaxChars: number = 36;

/** Check In and Out at Work, REST `presenceRegistration`. What is known of it, and how well, stands in this folder. */
export class CiaoClient implements Upstream, AsyncDisposable {
  readonly #settings: CiaoSettings;
  readonly #authorised: AuthorisedCaller;
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
    this.#authorised = new AuthorisedCaller(token, time);
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

  async register(
    scans: readonly DueScan[],
    traceId: string,
    signal: AbortSignal,
    mayLeave?: () => boolean,
  ): Promise<CallOutcome> {
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
    const { timeoutMs } = this.#settings;
    const authorised = await this.#authorised.call(request, signal, this.#caller, timeoutMs, mayLeave);
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
    if (outcome.kind === "answered") return { kind: "answered", status: outcome.head.status };
    return { kind: outcome.kind === "not-sent" && outcome.cause === "unsendable" ? "not-asked" : "not-answered" };
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
    const authorised = await this.#authorised.call(request, signal, this.#searchCaller, timeoutMs);
    if (authorised.kind === "no-token") {
      return { kind: "failed", retryAfterMs: authorised.retryAfterMs, report: authorised.report };
    }
    return searchOutcomeOf(authorised.http, scan, this.#time.wallMs());
  }
}

function dateOf({ headers }: HttpHead): Pick<AnswerDate, "dateMs" | "aged"> | null {
  const dateMs = parseHttpDate(headers["date"] ?? "");
  return dateMs === null ? null : { dateMs, aged: headers["age"] !== undefined };
}
