import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate } from "node:zlib";
import { systemCode } from "../base/errors.ts";
import type { ExchangeOutcome } from "../base/http-exchange.ts";

/** RFC 9110 section 8.4.1, and `br` of RFC 7932. */
const decoders = {
  gzip: promisify(gunzip),
  "x-gzip": promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
} as const;

/**
 * The answer as it was before it was coded. None is asked for, and some gateways code all the same: an answer that says what
 * was registered must not go unread for that. One in a coding that is not known, or that is not in the coding it names, as
 * where something on the way has decoded it, is left as it came.
 *
 * @param maxBytes of the answer once it is decoded
 */
export async function decoded(outcome: ExchangeOutcome, maxBytes: number): Promise<ExchangeOutcome> {
  if (outcome.kind !== "answered" || outcome.body.length === 0) return outcome;
  const { head } = outcome;
  const coding = (head.headers["content-encoding"] ?? "").trim().toLowerCase();
  if (!isKnown(coding)) return outcome;
  try {
    return { ...outcome, body: await decoders[coding](outcome.body, { maxOutputLength: maxBytes }) };
  } catch (error) {
    if (systemCode(error) !== "ERR_BUFFER_TOO_LARGE") return outcome;
    return { kind: "broken-off", cause: "too-long", detail: `answer longer than ${maxBytes} bytes`, head };
  }
}

function isKnown(coding: string): coding is keyof typeof decoders {
  return Object.hasOwn(decoders, coding);
}
