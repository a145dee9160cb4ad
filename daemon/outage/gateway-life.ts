import type { Layers } from "./layers.ts";
import type { Reach } from "./tcp-probe.ts";

/**
 * A neighbour entry outlives its router: it stays for up to 45 s without being checked, then for 5 s in delay and 3 s of
 * probes (base_reachable_time, delay_first_probe_time and ucast_solicit of the kernel's arp(7), which our own looks set
 * off). Only an entry that is older than that has been asked for again.
 */
export const entryOutlivesMs: number = 60_000;

/**
 * Whether the gateway lives. What is only remembered of it is no look: for a minute it is `unknown`, since to take it for
 * alive would call a dead router the provider's failure.
 *
 * @param neighbourAnswers whether the kernel's entry is complete; `null` when there is none
 * @param sinceProvenMs since the gateway, or something beyond it, was last seen to answer
 */
export function gatewayState(
  tcp: Reach["kind"],
  neighbourAnswers: boolean | null,
  sinceProvenMs: number,
): Layers["lan"] {
  if (tcp === "alive") return "ok";
  if (neighbourAnswers === false) return "failed";
  // A router may drop what it is asked; by its hardware address it has to answer.
  return neighbourAnswers === true && sinceProvenMs >= entryOutlivesMs ? "ok" : "unknown";
}
