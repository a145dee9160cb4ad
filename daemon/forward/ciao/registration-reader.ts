import { randomUUID } from "node:crypto";
import * as v from "valibot";
import type { HttpHead } from "../../base/http-exchange.ts";
import type { Time } from "../../base/time.ts";
import type { AskedRegistration, Look, LookKind, RegistrationReader } from "../follow-up/follow-up.ts";
import { HttpCaller, type HttpOutcome } from "../http-call.ts";
import { keptText } from "../kept-text.ts";
import { retryAfterMs } from "../retry-after.ts";
import type { TokenSource } from "../upstream.ts";
import { isLikeRemark, toldRemarks } from "./answer-items.ts";
import { AuthorisedCaller } from "./authorised-caller.ts";
import { traceHeader } from "./ciao-client.ts";
import { parseJson, readProblem } from "./problem.ts";
import { differencesOf } from "./registration-match.ts";

/**
 * (I) Behind the base address, `{id}` in place of the registration's id. No public source gives the path: REST offers a
 * search and a history (C), and this is the form that the Belgif guide gives to a resource of a collection (C).
 */
export const registrationPath: string = "/presenceRegistrations/{id}";

export type RegistrationReaderSettings = {
  readonly baseUrl: string;
  /** With `{id}` in it. */
  readonly path: string;
  readonly timeoutMs: number;
  /** SHA-256 of public keys, of which the chain of the service's certificate has to have one; none pins nothing. */
  readonly pins?: readonly string[];
};

/**
 * One registration by its id. On a connection of its own: a registration that hangs holds up no scan, and no national
 * number is in what is asked.
 */
export class CiaoRegistrations implements RegistrationReader, AsyncDisposable {
  readonly #settings: RegistrationReaderSettings;
  readonly #authorised: AuthorisedCaller;
  readonly #time: Time;
  readonly #caller: HttpCaller;

  constructor(settings: RegistrationReaderSettings, token: TokenSource, time: Time) {
    this.#settings = settings;
    this.#authorised = new AuthorisedCaller(token, time);
    this.#time = time;
    this.#caller = new HttpCaller(settings.baseUrl, settings.timeoutMs, time, () => {}, { pins: settings.pins ?? [] });
  }

  async read(asked: AskedRegistration, signal: AbortSignal): Promise<Look> {
    const request = {
      method: "GET" as const,
      path: this.#settings.path.replace("{id}", encodeURIComponent(asked.registrationId)),
      headers: {
        accept: "application/json, application/problem+json",
        [traceHeader]: randomUUID(),
      },
      body: null,
    };
    const authorised = await this.#authorised.call(request, signal, this.#caller, this.#settings.timeoutMs);
    if (authorised.kind === "no-token")
      return failed("unauthorised", authorised.retryAfterMs, authorised.report.detail);
    return this.#lookOf(asked, authorised.http);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#caller[Symbol.asyncDispose]();
  }

  #lookOf(asked: AskedRegistration, http: HttpOutcome): Look {
    switch (http.kind) {
      case "not-sent":
        return failed(http.cause === "interrupted" ? "interrupted" : "not-reached", null, http.detail);
      case "broken-off":
        if (http.head !== null && http.head.status >= 400) return this.#refused(http.head, "");
        return failed(brokenKind[http.cause], null, http.detail);
      case "answered": {
        const { head, body } = http;
        return head.status >= 200 && head.status < 300 ? readLook(asked, body) : this.#refused(head, body);
      }
    }
  }

  #refused(head: HttpHead, body: string): Look {
    const waitMs = retryAfterMs(head.headers["retry-after"] ?? null, head.headers["date"] ?? null, this.#time.wallMs());
    const said = readProblem(body)?.text ?? "without a problem description";
    return failed(kindOfStatus(head.status), waitMs, `status ${head.status}: ${said}`);
  }
}

const brokenKind = {
  "timed-out": "timed-out",
  "connection-lost": "not-reached",
  "too-long": "unintelligible",
  "not-http": "unintelligible",
  interrupted: "interrupted",
} as const;

/** Statuses as the Belgif guide gives them (C); 405 and 501 say that there is no such call (RFC 9110 section 15). */
function kindOfStatus(status: number): Exclude<LookKind, "found"> {
  switch (status) {
    case 401:
      return "unauthorised";
    case 403:
      return "forbidden";
    case 404:
    case 410:
      return "not-found";
    case 405:
    case 501:
      return "not-to-be-had";
    case 408:
      return "timed-out";
    case 429:
      return "throttled";
    default:
      if (status >= 500) return "server-error";
      return status >= 300 && status < 400 ? "not-to-be-had" : "unintelligible";
  }
}

/** (I) The registration as the answer to its creation gives it: `id`, `validity`, `remarks`; everything else is let be. */
const registrationSchema = v.looseObject({
  id: v.optional(v.fallback(v.nullable(v.union([v.number(), v.string()])), null), null),
  validity: v.optional(v.fallback(v.nullable(v.pipe(v.string(), v.trim(), v.nonEmpty())), null), null),
  remarks: v.optional(v.unknown()),
});

/** (I) Where it may be wrapped, as in the answer of the registration. */
const wrappers = ["presenceRegistration", "createdPresenceRegistration"] as const;

function readLook(asked: AskedRegistration, body: string): Look {
  const registration = unwrapped(parseJson(body));
  const parsed = v.safeParse(registrationSchema, registration);
  const nothing = "answer is no registration";
  if (!parsed.success) return failed("unintelligible", null, nothing);
  const { id, validity, remarks } = parsed.output;
  const told = toldRemarks(remarks);
  if (id === null && validity === null && told === null) return failed("unintelligible", null, nothing);
  // They may say that there are some, and not which: those that are known would be taken for gone.
  if (typeof remarks === "number" || typeof remarks === "boolean") {
    return failed("unintelligible", null, "its remarks are a count or a flag");
  }
  if (told !== null && !Array.isArray(remarks) && !isLikeRemark(remarks)) {
    return failed("unintelligible", null, "its remarks are no list, and no remark");
  }
  if (id !== null && String(id) !== asked.registrationId) {
    return failed("another-registration", null, "the answer has another id");
  }
  const differences = differencesOf(registration, asked);
  if (differences.length > 0) {
    return failed("another-registration", null, `what was sent differs in ${differences.join(", ")}`);
  }
  return {
    kind: "found",
    validity: validity === null ? null : keptText(validity).toLowerCase(),
    remarks: told,
  };
}

function unwrapped(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const fields: Readonly<Record<string, unknown>> = { ...value };
  const wrapper = wrappers.find((name) => typeof fields[name] === "object" && fields[name] !== null);
  return wrapper === undefined ? value : fields[wrapper];
}

function failed(kind: Exclude<LookKind, "found">, retryAfter: number | null, detail: string): Look {
  return { kind, retryAfterMs: retryAfter, detail: keptText(detail) };
}
