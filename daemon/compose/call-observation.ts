import { type TokenFailure, tokenFailureIsOurs } from "../forward/ciao/oauth/token-outcome.ts";
import type { AttemptOutcome } from "../forward/queue.ts";
import type { Layers } from "../outage/layers.ts";

/**
 * What the end of a call says of the service, in the outage room's words; `null` for one that says nothing of it, and for
 * a certificate, which has a look of its own.
 */
const serviceSeenBy: Readonly<Record<AttemptOutcome, Layers["service"] | null>> = {
  answered: "ok",
  "call-refused": "refuses-us",
  unauthorised: "refuses-us",
  throttled: "refuses-us",
  "server-error": "server-error",
  unintelligible: "server-error",
  "not-connected": "unreachable",
  "connection-lost": "unreachable",
  "timed-out": "unreachable",
  "tls-failed": null,
  "pin-mismatch": "own-tls",
  "no-token": null,
  "held-back": null,
  interrupted: null,
};

export function tellOfCall(outcome: AttemptOutcome, outages: { callEnded(state: Layers["service"]): void }): void {
  const seen = serviceSeenBy[outcome];
  if (seen !== null) outages.callEnded(seen);
}

/**
 * What a request for a token says of its endpoint: `null` where there is a token to call with. `certificate` has to be
 * looked at; `unknown` when the endpoint was not asked.
 */
export function tokenLayerOf(failure: TokenFailure | null): Layers["token"] | "certificate" {
  if (failure === null) return "ok";
  if (failure.kind === "tls-failed") return "certificate";
  if (failure.kind === "no-name") return "unproven";
  const isOurs = tokenFailureIsOurs[failure.kind];
  return isOurs === null ? "unknown" : isOurs ? "refuses-us" : "failed";
}
