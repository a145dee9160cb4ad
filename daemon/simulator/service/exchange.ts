import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { unreachable } from "../../base/assert.ts";
import type { Time } from "../../base/time.ts";
import type { Answer, Delivery } from "./delivery.ts";
import { bodyBytesMax } from "./registration-call.ts";
import type { SimulatorRequest } from "./reply.ts";

/**
 * Reads a request whole. A body past `bodyBytesMax` is read to its end and thrown away, so that the client gets its
 * answer instead of a reset. `null` when the client left before the end.
 */
export async function readRequest(message: IncomingMessage): Promise<SimulatorRequest | null> {
  const url = URL.parse(message.url ?? "/", "http://simulator.invalid");
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of message) {
      bytes += chunk.length;
      if (bytes <= bodyBytesMax) chunks.push(chunk);
      else chunks.length = 0;
    }
  } catch {
    // The only failure of reading is a client that went away, and nobody is left to tell.
    return null;
  }
  return {
    method: message.method ?? "GET",
    path: url?.pathname ?? "/",
    query: url?.searchParams ?? new URLSearchParams(),
    authorization: message.headers.authorization ?? null,
    contentType: message.headers["content-type"] ?? null,
    body: bytes > bodyBytesMax ? null : Buffer.concat(chunks).toString("utf8"),
  };
}

/** Does to the connection what was decided. Resolves when the simulator's part is over. */
export async function deliver(
  response: ServerResponse,
  delivery: Delivery,
  headers: Readonly<Record<string, string>>,
  time: Time,
): Promise<void> {
  switch (delivery.kind) {
    case "whole":
      await ended(response, () => begin(response, delivery.answer, headers).end(delivery.answer.body));
      return;
    case "half-then-reset": {
      const bytes = Buffer.from(delivery.answer.body);
      begin(response, delivery.answer, headers).write(bytes.subarray(0, bytes.length >> 1), () =>
        response.socket?.resetAndDestroy(),
      );
      return;
    }
    case "drip":
      await drip(begin(response, delivery.answer, headers), delivery, time);
      return;
    case "endless":
      await endless(response, delivery, headers, time);
      return;
    case "reset":
      response.socket?.resetAndDestroy();
      return;
    case "silence":
      return;
    default:
      return unreachable(delivery);
  }
}

function begin(response: ServerResponse, answer: Answer, headers: Readonly<Record<string, string>>): ServerResponse {
  // The clock of the simulated service is told, not that of the machine.
  response.sendDate = false;
  const length = String(Buffer.byteLength(answer.body));
  return response.writeHead(answer.status, { ...headers, ...answer.headers, "Content-Length": length });
}

async function drip(
  response: ServerResponse,
  { answer, bytesPerChunk, everyMs }: Delivery & { readonly kind: "drip" },
  time: Time,
): Promise<void> {
  const bytes = Buffer.from(answer.body);
  const left = new AbortController();
  response.once("close", () => left.abort());
  for (let sent = 0; sent < bytes.length && !left.signal.aborted; sent += bytesPerChunk) {
    // Not after the last one: a client that has the whole answer may send its next call on the same connection.
    if (sent > 0) await time.sleep(everyMs, left.signal);
    response.write(bytes.subarray(sent, sent + bytesPerChunk));
  }
  if (!left.signal.aborted) response.end();
}

async function endless(
  response: ServerResponse,
  { answer, everyMs }: Delivery & { readonly kind: "endless" },
  headers: Readonly<Record<string, string>>,
  time: Time,
): Promise<void> {
  response.sendDate = false;
  response.writeHead(answer.status, { ...headers, ...answer.headers });
  response.write(answer.body);
  const left = new AbortController();
  response.once("close", () => left.abort());
  while (!left.signal.aborted) {
    await time.sleep(everyMs, left.signal);
    if (!left.signal.aborted) response.write(" ");
  }
}

/** `close` comes both after the last byte and when the client leaves first. */
async function ended(response: ServerResponse, send: () => void): Promise<void> {
  const closed = once(response, "close");
  send();
  await closed;
}
