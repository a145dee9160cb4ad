import type { KeyObject, webcrypto } from "node:crypto";
import { messageOf } from "../../../base/errors.ts";
import type { Time } from "../../../base/time.ts";
import { HttpCaller, type HttpOutcome } from "../../http-call.ts";
import { keptText } from "../../kept-text.ts";
import { retryAfterMs } from "../../retry-after.ts";
import { parseJson } from "../problem.ts";
import { tokenMaxChars } from "../token.ts";
import { assertionTimes, type ProvenTime, signingKey } from "./assertion.ts";
import type { TokenFailure, TokenFailureKind, TokenOutcome } from "./token-outcome.ts";

/** An answer is a token and a few words. */
export const tokenAnswerMaxBytes: number = 64 * 1024;

export type TokenRequestSettings = {
  /** (C) `https://services.socialsecurity.be/REST/oauth/v5/token`; the simulation uses it as well (T). */
  readonly tokenUrl: string;
  readonly clientId: string;
  /** (T) The token endpoint's address. */
  readonly audience: string;
  /** (C) Officially better left out. */
  readonly scope: string | null;
  /** (U) Whether the endpoint wants to be told which of our keys it is. */
  readonly keyId: string | null;
  readonly timeoutMs: number;
  readonly pins: readonly string[];
};

export type TokenRequestPorts = {
  /** Read anew for every request, so that a key that was replaced is used without a restart. */
  readonly key: () => KeyObject;
  /** `null` while nothing proves the time. */
  readonly provenTime: () => ProvenTime | null;
  readonly time: Time;
};

/**
 * Asks the token endpoint for a token: OAuth 2.0 client credentials, the client shown by a signed assertion (C: RFC 7521
 * and 7523). Never rejects.
 */
export class TokenRequest implements AsyncDisposable {
  readonly #settings: TokenRequestSettings;
  readonly #ports: TokenRequestPorts;
  readonly #caller: HttpCaller;

  constructor(settings: TokenRequestSettings, ports: TokenRequestPorts) {
    this.#settings = settings;
    this.#ports = ports;
    this.#caller = new HttpCaller(settings.tokenUrl, settings.timeoutMs, ports.time, undefined, {
      pins: settings.pins,
      answerMaxBytes: tokenAnswerMaxBytes,
    });
  }

  async ask(signal: AbortSignal): Promise<TokenOutcome> {
    const now = this.#ports.provenTime();
    if (now === null) return failure("clock-unknown", "");
    let key: webcrypto.CryptoKey;
    try {
      key = signingKey(this.#ports.key());
    } catch (error) {
      return failure("key-unusable", messageOf(error));
    }
    try {
      return await this.#exchange(key, now, signal);
    } catch (error) {
      return failure("unintelligible", messageOf(error));
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#caller[Symbol.asyncDispose]();
  }

  async #exchange(key: webcrypto.CryptoKey, now: ProvenTime, signal: AbortSignal): Promise<TokenOutcome> {
    const { tokenUrl, clientId, audience, scope, keyId } = this.#settings;
    // Loaded with the first request: no badge has to wait for it.
    const oauth = await import("oauth4webapi");
    const server = { issuer: audience, token_endpoint: tokenUrl };
    const client = { client_id: clientId };
    const assertion = oauth.PrivateKeyJwt(keyId === null ? key : { key, kid: keyId }, {
      [oauth.modifyAssertion](_header, payload) {
        Object.assign(payload, assertionTimes(now));
        delete payload["nbf"];
      },
    });
    let http: HttpOutcome | null = null;
    const request = await oauth.clientCredentialsGrantRequest(
      server,
      client,
      async (...parts) => {
        await assertion(...parts);
        // The assertion names the client (RFC 7523 section 3); the documented request has no field for it besides.
        parts[2].delete("client_id");
      },
      new URLSearchParams(scope === null ? {} : { scope }),
      {
        // Configuration lets an address without TLS stand for this box only.
        [oauth.allowInsecureRequests]: new URL(tokenUrl).protocol === "http:",
        [oauth.customFetch]: async (_url, { body, headers }) => {
          const { accept = "application/json", ...others } = headers;
          http = await this.#caller.call(
            { method: "POST", path: "", headers: { accept, ...others }, body: String(body) },
            signal,
          );
          return responseOf(http);
        },
      },
    );
    const outcome = this.#failureOf(http);
    if (outcome !== null) return outcome;
    try {
      const granted = await oauth.processClientCredentialsResponse(server, client, request);
      return this.#granted(granted.access_token, granted.token_type, granted.expires_in);
    } catch (error) {
      // Its message is of the library's own making, and quotes nothing of the answer.
      return failure("unintelligible", messageOf(error));
    }
  }

  #granted(token: string, type: string, expiresIn: number | undefined): TokenOutcome {
    if (type !== "bearer") return failure("unintelligible", "the token is not a bearer token");
    if (token.length > tokenMaxChars || !/^[\x21-\x7e]+$/.test(token)) {
      return failure("unintelligible", "what it calls a token cannot stand in a header");
    }
    if (expiresIn !== undefined && !(expiresIn > 0)) return failure("unintelligible", "the token is over already");
    return { kind: "granted", token, lifetimeMs: expiresIn === undefined ? null : expiresIn * 1000 };
  }

  /** `null` for an answer that should hold a token. */
  #failureOf(http: HttpOutcome | null): TokenFailure | null {
    if (http === null) return failure("not-made", "no request left");
    switch (http.kind) {
      case "not-sent":
        return failure(notSentKinds[http.cause], http.detail);
      case "broken-off": {
        const { cause, detail } = http;
        if (cause === "interrupted") return failure("interrupted", detail);
        // What the status says holds without the words behind it.
        if (http.head !== null && http.head.status >= 400) return this.#statusFailure({ head: http.head, body: "" });
        return failure(cause === "too-long" || cause === "not-http" ? "unintelligible" : "down", detail);
      }
      case "answered":
        return this.#statusFailure(http);
    }
  }

  #statusFailure({
    head,
    body,
  }: Pick<Extract<HttpOutcome, { kind: "answered" }>, "head" | "body">): TokenFailure | null {
    const { status, headers } = head;
    if (status === 200) return null;
    const waitMs = retryAfterMs(
      headers["retry-after"] ?? null,
      headers["date"] ?? null,
      this.#ports.provenTime()?.utcMs ?? this.#ports.time.wallMs(),
    );
    return failure(kindOfStatus(status), errorWords(status, body), waitMs);
  }
}

const notSentKinds = {
  "not-connected": "not-reached",
  "no-name": "no-name",
  "tls-failed": "tls-failed",
  "pin-mismatch": "pin-mismatch",
  unsendable: "not-made",
  "held-back": "interrupted",
  interrupted: "interrupted",
} as const;

/** RFC 6749 section 5.2 refuses with 400 or 401; any other 4xx is about what we sent as well. */
function kindOfStatus(status: number): TokenFailureKind {
  if (status === 429) return "throttled";
  if (status === 408 || status >= 500) return "down";
  return status >= 400 ? "refused" : "unintelligible";
}

/** `error` of RFC 6749 section 5.2, or `title` of a problem (RFC 9457). */
function errorWords(status: number, body: string): string {
  const json = parseJson(body);
  const said = typeof json === "object" && json !== null ? (json as Readonly<Record<string, unknown>>) : {};
  const words = ["error", "error_description", "title", "detail"]
    .map((name) => said[name])
    .filter((word): word is string => typeof word === "string" && word !== "");
  return [`status ${status}`, ...words].join(", ");
}

function responseOf(http: HttpOutcome): Response {
  if (http.kind !== "answered") return new Response(null, { status: 503 });
  const { head, body } = http;
  const hasNoBody = head.status === 204 || head.status === 205 || head.status === 304;
  return new Response(hasNoBody ? null : tokenFields(body), {
    status: head.status,
    headers: { "content-type": head.headers["content-type"] ?? "" },
  });
}

/** Nothing else of the answer is used, and a field that is `null`, as some servers write one that is not there, is none. */
function tokenFields(body: string): string {
  const json = parseJson(body);
  if (typeof json !== "object" || json === null) return body;
  const fields = json as Readonly<Record<string, unknown>>;
  const names = ["access_token", "token_type", "expires_in"].filter((name) => (fields[name] ?? null) !== null);
  return JSON.stringify(Object.fromEntries(names.map((name) => [name, fields[name]])));
}

function failure(kind: TokenFailureKind, detail: string, retryMs: number | null = null): TokenFailure {
  return { kind, detail: withoutSecrets(detail), retryAfterMs: retryMs };
}

/** An endpoint may repeat what it was sent: a run as long as this may be a part of an assertion, of a key or of a token. */
export function withoutSecrets(text: string): string {
  return keptText(text.replace(/[A-Za-z0-9_+=-]{40,}/g, "[removed]"));
}
