import type { Agent, Dispatcher } from "undici";
import { messageOf, systemCode } from "../base/errors.ts";
import type { Time } from "../base/time.ts";

export const exchangeTimeoutMs: number = 20_000;
export const exchangeConnectMaxMs: number = 10_000;
export const exchangeHeadMaxBytes: number = 16 * 1024;

export type ByteRequest = {
  readonly method: "POST" | "GET";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
  readonly answerMaxBytes: number;
  /** Over all of the exchange, the connecting included. */
  readonly timeoutMs: number;
};

export type ByteAnswer = {
  readonly kind: "answered";
  readonly status: number;
  readonly body: Uint8Array;
};

/** Nothing was said that could be judged: asking again later may help. */
export type Unreachable = {
  readonly kind: "unreachable";
  readonly cause: "not-connected" | "timed-out" | "connection-lost" | "not-http" | "interrupted";
  readonly detail: string;
};

export type TooLong = { readonly kind: "too-long"; readonly detail: string };

/**
 * One request of bytes and its answer, over a connection of its own: calls are minutes apart. Certificates are verified
 * whatever the environment says, no redirect is followed, nothing is sent again by itself. Never rejects.
 */
export async function exchangeBytes(
  request: ByteRequest,
  time: Time,
  signal: AbortSignal,
): Promise<ByteAnswer | Unreachable | TooLong> {
  if (signal.aborted) return unreachable("interrupted", "stopped before the call");
  const agent = await openAgent(request.timeoutMs);
  try {
    return await exchange(agent, request, time, signal);
  } catch (error) {
    return unreachable("not-connected", messageOf(error));
  } finally {
    await agent.destroy();
  }
}

/** Loaded with the first call and by its own path: all of undici takes twice the memory of its agent. */
async function openAgent(timeoutMs: number): Promise<Agent> {
  const { default: Agent } = await import("undici/lib/dispatcher/agent.js");
  return new Agent({
    connections: 1,
    pipelining: 1,
    allowH2: false,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxHeaderSize: exchangeHeadMaxBytes,
    connect: { timeout: Math.min(exchangeConnectMaxMs, timeoutMs), rejectUnauthorized: true },
  });
}

function exchange(
  agent: Agent,
  { url, method, headers, body, answerMaxBytes, timeoutMs }: ByteRequest,
  time: Time,
  signal: AbortSignal,
): Promise<ByteAnswer | Unreachable | TooLong> {
  const { origin, pathname, search } = new URL(url);
  const options: Dispatcher.DispatchOptions = {
    origin,
    path: `${pathname}${search}`,
    method,
    headers: { "accept-encoding": "identity", ...headers },
    body: body === null ? null : Buffer.from(body),
  };
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let status: number | null = null;
    let controller: Dispatcher.DispatchController | null = null;
    let isOver = false;
    const end = (outcome: ByteAnswer | Unreachable | TooLong): void => {
      if (isOver) return;
      isOver = true;
      deadline[Symbol.dispose]();
      signal.removeEventListener("abort", interrupt);
      resolve(outcome);
      if (outcome.kind !== "answered") controller?.abort(new Error(outcome.detail));
    };
    const interrupt = (): void => end(unreachable("interrupted", "stopped while the call was under way"));
    const deadline = time.after(timeoutMs, () => end(unreachable("timed-out", `no whole answer in ${timeoutMs} ms`)));
    signal.addEventListener("abort", interrupt, { once: true });

    agent.dispatch(options, {
      onRequestStart(started) {
        if (isOver) started.abort(new Error("given up before the request left"));
        else controller = started;
      },
      onResponseStart(_controller, code) {
        if (code >= 200) status = code;
      },
      onResponseData(_controller, chunk) {
        bytes += chunk.length;
        if (bytes > answerMaxBytes) end({ kind: "too-long", detail: `more than ${answerMaxBytes} bytes` });
        else chunks.push(chunk);
      },
      onResponseEnd() {
        if (status === null) end(unreachable("not-http", "answer without a head"));
        else end({ kind: "answered", status, body: Buffer.concat(chunks) });
      },
      onResponseError(_controller, error) {
        end(unreachable(controller === null ? "not-connected" : causeOf(error), detailOf(error)));
      },
    });
  });
}

function unreachable(cause: Unreachable["cause"], detail: string): Unreachable {
  return { kind: "unreachable", cause, detail };
}

function causeOf(error: unknown): Unreachable["cause"] {
  const code = systemCode(error) ?? "";
  if (code === "UND_ERR_HEADERS_TIMEOUT" || code === "UND_ERR_BODY_TIMEOUT") return "timed-out";
  // undici's parser does not give every error of its own a code, but always this name.
  const isParsers = error instanceof Error && error.name === "HTTPParserError";
  return isParsers || code === "UND_ERR_HEADERS_OVERFLOW" ? "not-http" : "connection-lost";
}

/** One address with several numbers fails with one error for each, and no message of its own. */
function detailOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(messageOf).join("; ");
  return messageOf(error);
}
