import { elapsedMs, type MonotonicNs } from "../base/time.ts";
import type { Layers } from "./layers.ts";

/** What the last call to the service said of it, and when. */
export type SeenCall = { readonly state: Layers["service"]; readonly atNs: MonotonicNs };

/**
 * Calls in a row that all say one thing of the service, while each look after one of them finds the other.
 *
 * - `in-vain`: they are answered with 5xx, refused or not answered, and its health says `UP`.
 * - `taken`: they are taken, and its health says that it is not well, or nothing.
 */
export type Contradiction = {
  readonly kind: "in-vain" | "taken";
  readonly calls: number;
  readonly firstNs: MonotonicNs;
  readonly lastNs: MonotonicNs;
};

/** One call in vain is no outage; and a service says for a while that it is well before it takes calls again. */
const callsInVainMin = 2;
const inVainForMs = 60_000;
/**
 * A service that is overloaded takes a call now and then, and one that comes back may take what waited for minutes before it
 * says that it is well: its failure of hours is not to be nobody's for that.
 */
const takenForMs = 600_000;
const callsTakenMin = 5;

/** As it was at the last look beyond the gateway: what that found, and when it began. */
export type LookBefore = {
  readonly contradiction: Contradiction | null;
  readonly layers: Layers;
  readonly beganNs: MonotonicNs | null;
};

/**
 * @param seen what the present look found, or the last one that looked beyond the gateway where this one did not
 * @param isWhole only a look that came after a call tells what its health was when it ended
 */
export function contradictionAfter(
  before: LookBefore,
  call: SeenCall | null,
  seen: Layers,
  isWhole: boolean,
): Contradiction | null {
  const kind = call === null ? null : kindOf(call.state, seen);
  if (call === null || kind === null) return null;
  const known = before.contradiction?.kind === kind ? before.contradiction : null;
  const isOld = before.beganNs !== null && call.atNs < before.beganNs;
  if (!isWhole || isOld || call.atNs === known?.lastNs) return known;
  if (known !== null) return { ...known, calls: known.calls + 1, lastNs: call.atNs };
  // A service that took a call and failed before the next look contradicts nothing.
  if (kind === "taken" && kindOf(call.state, before.layers) !== kind) return null;
  return { kind, calls: 1, firstNs: call.atNs, lastNs: call.atNs };
}

/** Whether it has gone on for so long that neither of both is believed. */
export function isProven({ kind, calls, firstNs, lastNs }: Contradiction): boolean {
  const forMs = elapsedMs(firstNs, lastNs);
  if (kind === "in-vain") return calls >= callsInVainMin && forMs >= inVainForMs;
  return calls >= callsTakenMin && forMs >= takenForMs;
}

/** While a line comes and goes both may be right, one after the other; and without a token no other call can be taken. */
function kindOf(call: Layers["service"], { service, anchors, token }: Layers): Contradiction["kind"] | null {
  if (call === "server-error" || call === "unreachable") return service === "ok" ? "in-vain" : null;
  const isUnwell = service === "server-error" || service === "unreachable";
  return call === "ok" && anchors === "all" && isUnwell && token !== "failed" ? "taken" : null;
}
