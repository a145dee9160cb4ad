import type { ExchangeOutcome, HttpHead } from "../base/http-exchange.ts";

/** What stands in place of the token of a call in its answer. */
export const tokenScrubbed: string = "[token removed]";

/** A shorter one guards nothing, and would be found in the middle of ordinary words. */
export const tokenScrubMinChars: number = 8;

/**
 * The outcome without the bearer token that the call went with, for what comes out of it is kept and logged: a service or
 * something before it may repeat what it refuses. Also as JSON and addresses write it.
 */
export function withoutBearer(
  outcome: ExchangeOutcome<string>,
  headers: Readonly<Record<string, string>>,
): ExchangeOutcome<string> {
  const token = /^Bearer (.+)$/.exec(headers["authorization"] ?? "")?.[1] ?? "";
  if (token.length < tokenScrubMinChars) return outcome;
  const forms = new Set([
    token,
    JSON.stringify(token).slice(1, -1),
    token.replaceAll("/", "\\/"),
    encodeURIComponent(token),
  ]);
  const scrub = (text: string): string =>
    [...forms].reduce((scrubbed, form) => scrubbed.replaceAll(form, tokenScrubbed), text);
  switch (outcome.kind) {
    case "answered":
      return { ...outcome, head: scrubHead(outcome.head, scrub), body: scrub(outcome.body) };
    case "not-sent":
      return { ...outcome, detail: scrub(outcome.detail) };
    case "broken-off": {
      const head = outcome.head === null ? null : scrubHead(outcome.head, scrub);
      return { ...outcome, head, detail: scrub(outcome.detail) };
    }
  }
}

function scrubHead({ status, headers }: HttpHead, scrub: (text: string) => string): HttpHead {
  return {
    status,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, scrub(value)])),
  };
}
