import type { AttemptOutcome } from "./forward/queue.ts";
import type { Layers } from "./outage/layers.ts";

/**
 * What the end of a call says of the service, in the outage room's words; `null` for one that says nothing of it, and for
 * a certificate, which has a look of its own.
 */
export const serviceSeenBy: Readonly<Record<AttemptOutcome, Layers["service"] | null>> = {
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
  interrupted: null,
};
