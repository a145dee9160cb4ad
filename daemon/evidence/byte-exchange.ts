import type { Dispatcher } from "undici";
import { unreachable as neverReached } from "../base/assert.ts";
import { messageOf } from "../base/errors.ts";
import { type ExchangeOutcome, exchange, openAgent } from "../base/http-exchange.ts";
import type { Time } from "../base/time.ts";

export const exchangeTimeoutMs: number = 20_000;
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
  const { timeoutMs } = request;
  try {
    const agent = await openAgent({ timeoutMs, headMaxBytes: exchangeHeadMaxBytes, keepAliveMs: null, pins: [] });
    try {
      return read(await exchange(agent, dispatched(request), { ...request, time, onHead, mayLeave }, signal));
    } finally {
      await agent.destroy();
    }
  } catch (error) {
    return unreachable("not-connected", messageOf(error));
  }
}

const onHead = (): void => {};
const mayLeave = (): boolean => true;

function dispatched({ url, method, headers, body }: ByteRequest): Dispatcher.DispatchOptions {
  const { origin, pathname, search } = new URL(url);
  return {
    origin,
    path: `${pathname}${search}`,
    method,
    headers: { "accept-encoding": "identity", ...headers },
    body: body === null ? null : Buffer.from(body),
  };
}

function read(outcome: ExchangeOutcome): ByteAnswer | Unreachable | TooLong {
  switch (outcome.kind) {
    case "answered":
      return { kind: "answered", status: outcome.head.status, body: outcome.body };
    case "not-sent":
      return unreachable(outcome.cause === "interrupted" ? outcome.cause : "not-connected", outcome.detail);
    case "broken-off":
      if (outcome.cause === "too-long") return { kind: "too-long", detail: outcome.detail };
      return unreachable(outcome.cause, outcome.detail);
    default:
      return neverReached(outcome);
  }
}

function unreachable(cause: Unreachable["cause"], detail: string): Unreachable {
  return { kind: "unreachable", cause, detail };
}
