import { checkServerIdentity, type PeerCertificate } from "node:tls";
import type { Agent, Dispatcher } from "undici";
import { messageOf, noNameServerCode, systemCode } from "./errors.ts";
import { isPinned, pinMismatchCode } from "./spki-pin.ts";
import type { MonotonicNs, Time } from "./time.ts";

export const connectMaxMs: number = 10_000;

export type HttpHead = { readonly status: number; readonly headers: HttpHeaders };

/** Names in lower case; of a repeated header the first. */
export type HttpHeaders = Readonly<Record<string, string>>;

/** Told of every answer's head, with monotonic time before the request left and when the head came. */
export type OnHead = (head: HttpHead, sentNs: MonotonicNs, receivedNs: MonotonicNs) => void;

/**
 * How an exchange ended.
 *
 * - `answered`: the whole answer is here, whatever its status.
 * - `not-sent`: not one byte of the request left.
 * - `broken-off`: the request left, or began to; its answer did not come whole. `head` is what came of it.
 */
export type ExchangeOutcome<Body = Buffer> =
  | { readonly kind: "answered"; readonly head: HttpHead; readonly body: Body }
  | { readonly kind: "not-sent"; readonly cause: NotSentCause; readonly detail: string }
  | {
      readonly kind: "broken-off";
      readonly cause: BrokenOffCause;
      readonly detail: string;
      readonly head: HttpHead | null;
    };

/**
 * - `no-name`: no name server of this box answered what the address is.
 * - `pin-mismatch`: the box trusts the certificate, but none of its chain has a key that the configuration pins.
 * - `held-back`: the caller no longer wanted it to leave, when it could.
 */
export type NotSentCause =
  | "not-connected"
  | "no-name"
  | "tls-failed"
  | "pin-mismatch"
  | "unsendable"
  | "held-back"
  | "interrupted";
export type BrokenOffCause = "timed-out" | "connection-lost" | "too-long" | "not-http" | "interrupted";

export type AgentSettings = {
  readonly timeoutMs: number;
  readonly headMaxBytes: number;
  /** An idle connection is closed by us after this long; `null` for undici's own time. */
  readonly keepAliveMs: number | null;
  /** SHA-256 of public keys, one of which must be in the chain of the server's certificate; none pins nothing. */
  readonly pins: readonly string[];
};

/**
 * What calls need, by its own path: all of undici, with its WebSocket, cache and mock, takes 29 MB on Node 24, its agent 15.
 * It takes some 40 ms of the thread, once; the first call loads it where nobody did before.
 */
export function loadAgent(): Promise<typeof import("undici/lib/dispatcher/agent.js")> {
  return import("undici/lib/dispatcher/agent.js");
}

/**
 * An agent with one connection, certificates verified whatever the environment says. HTTP/1.1 only: there undici tells of
 * the moment before it writes the first byte, which is what parts `not-sent` from `broken-off`.
 */
export async function openAgent({ timeoutMs, headMaxBytes, keepAliveMs, pins }: AgentSettings): Promise<Agent> {
  const { default: Agent } = await loadAgent();
  return new Agent({
    connections: 1,
    pipelining: 1,
    allowH2: false,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxHeaderSize: headMaxBytes,
    ...(keepAliveMs === null ? {} : { keepAliveTimeout: keepAliveMs, keepAliveMaxTimeout: keepAliveMs }),
    connect: {
      timeout: Math.min(connectMaxMs, timeoutMs),
      rejectUnauthorized: true,
      // Node checks neither name nor pin of a session that is taken up again, so none is.
      maxCachedSessions: 0,
      checkServerIdentity: (host: string, certificate: PeerCertificate) => identityFault(host, certificate, pins),
    },
  });
}

/** Runs once the chain leads to an authority of this box, and before anything is sent. */
function identityFault(host: string, certificate: PeerCertificate, pins: readonly string[]): Error | undefined {
  const fault = checkServerIdentity(host, certificate);
  if (fault !== undefined || isPinned(certificate, pins)) return fault;
  const message = "no key in the chain of the server's certificate is pinned";
  return Object.assign(new Error(message), { code: pinMismatchCode });
}

export type ExchangeRules = {
  readonly time: Time;
  /** Over all of the exchange, the connecting included. */
  readonly timeoutMs: number;
  readonly onHead: OnHead;
  readonly answerMaxBytes: number;
  /** Asked once the connection is there, before the first byte leaves. */
  readonly mayLeave: () => boolean;
};

/** No redirect is followed, nothing is sent again by itself. Never rejects; `signal` ends it at once, in `interrupted`. */
export function exchange(
  agent: Agent,
  options: Dispatcher.DispatchOptions,
  { time, timeoutMs, onHead, answerMaxBytes, mayLeave }: ExchangeRules,
  signal: AbortSignal,
): Promise<ExchangeOutcome> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let started: Dispatcher.DispatchController | null = null;
    let head: HttpHead | null = null;
    let isOver = false;
    let sentNs = time.monotonicNs();

    const end = (outcome: ExchangeOutcome): void => {
      if (isOver) return;
      isOver = true;
      deadline[Symbol.dispose]();
      signal.removeEventListener("abort", interrupt);
      resolve(outcome);
    };
    const breakOff = (cause: BrokenOffCause, detail: string): void => {
      end(
        started === null
          ? { kind: "not-sent", cause: cause === "interrupted" ? cause : "not-connected", detail }
          : { kind: "broken-off", cause, detail, head },
      );
      started?.abort(new Error(detail));
    };
    const interrupt = (): void => breakOff("interrupted", "stopped while the call was under way");
    const deadline = time.after(timeoutMs, () => breakOff("timed-out", `no whole answer within ${timeoutMs} ms`));
    signal.addEventListener("abort", interrupt, { once: true });

    agent.dispatch(options, {
      onRequestStart(controller) {
        // The call was given up while the connection was being made: its request must not leave after all.
        if (isOver) controller.abort(new Error("given up before the request left"));
        else if (!mayLeave()) {
          end({ kind: "not-sent", cause: "held-back", detail: "held back before the request left" });
          controller.abort(new Error("held back before the request left"));
        } else started = controller;
        sentNs = time.monotonicNs();
      },
      onResponseStart(_controller, status, headers) {
        if (status < 200) return;
        head = { status, headers: flatHeaders(headers) };
        onHead(head, sentNs, time.monotonicNs());
      },
      onResponseData(_controller, chunk) {
        bytes += chunk.length;
        if (bytes > answerMaxBytes) breakOff("too-long", `answer longer than ${answerMaxBytes} bytes`);
        else chunks.push(chunk);
      },
      onResponseEnd() {
        if (head === null) breakOff("not-http", "answer without a head");
        else end({ kind: "answered", head, body: Buffer.concat(chunks) });
      },
      onResponseError(_controller, error) {
        const detail = detailOf(error);
        if (started === null) end({ kind: "not-sent", cause: notSentCause(error, options), detail });
        else end({ kind: "broken-off", cause: brokenOffCause(error), detail, head });
      },
    });
  });
}

function flatHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): HttpHeaders {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const first = Array.isArray(value) ? value[0] : value;
    if (first !== undefined) flat[name.toLowerCase()] = first;
  }
  return flat;
}

/** OpenSSL's and Node's names for what can be wrong with a handshake or a certificate. */
const tlsCode =
  /^(ERR_TLS|ERR_SSL|EPROTO|CERT_|CRL_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|INVALID_CA|INVALID_PURPOSE|HOSTNAME_|PATH_LENGTH)/;

function notSentCause(error: unknown, options: Dispatcher.DispatchOptions): NotSentCause {
  const code = systemCode(error) ?? "";
  if (code === pinMismatchCode) return "pin-mismatch";
  if (tlsCode.test(code)) return "tls-failed";
  if (code === "UND_ERR_INVALID_ARG") return "unsendable";
  if (code === noNameServerCode) return "no-name";
  const isSecure = String(options.origin).startsWith("https:");
  return isSecure && code === "ECONNRESET" ? "tls-failed" : "not-connected";
}

function brokenOffCause(error: unknown): BrokenOffCause {
  const code = systemCode(error) ?? "";
  if (code === "UND_ERR_HEADERS_TIMEOUT" || code === "UND_ERR_BODY_TIMEOUT") return "timed-out";
  // undici's parser does not give every error of its own a code, but always this name.
  if ((error instanceof Error && error.name === "HTTPParserError") || code === "UND_ERR_HEADERS_OVERFLOW") {
    return "not-http";
  }
  return "connection-lost";
}

/** One address with several numbers fails with one error for each, and no message of its own. */
function detailOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(messageOf).join("; ");
  return messageOf(error);
}
