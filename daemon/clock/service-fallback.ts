import type { MonotonicNs } from "../base/time.ts";
import { boundAt } from "./anchor.ts";
import type { ClockKnowledge } from "./clock-knowledge.ts";
import { anchorOf, type DisciplineInput, type DisciplineState, serviceRivalOf } from "./discipline.ts";
import { type ServiceWord, serviceAnchor } from "./service-clock.ts";
import { nsPerMs } from "./utc.ts";

/** By how much an anchor from the service has to be better than the one that is held: each is a row in the history. */
export const worthwhileNs: bigint = 50n * nsPerMs;

/** What the service's clock has to say to a clock that no quorum holds; `null` when that is nothing new. */
export function serviceInput(
  { agreed, newest, isApart }: ServiceWord,
  { bootId, state, rates }: Pick<ClockKnowledge, "bootId" | "state" | "rates">,
  nowNs: MonotonicNs,
): Extract<DisciplineInput, { readonly kind: "service" | "service-rival" }> | null {
  if (agreed === null) {
    // The newest of its answers may be the one that is wrong, or the anchor that they gave before.
    return newest === null ? null : { kind: "service-rival", anchor: serviceAnchor(newest, bootId, nowNs) };
  }
  // It may take a side between two quorums, never the place of one that has proven it wrong.
  if (isApart && !isBetweenQuorums(state)) return null;
  const anchor = serviceAnchor(agreed, bootId, nowNs);
  const held = anchorOf(state);
  const isWorthIt = held === null || boundAt(held, nowNs, rates.holdoverPpm) - anchor.boundNs >= worthwhileNs;
  return isWorthIt ? { kind: "service", anchor } : null;
}

function isBetweenQuorums(state: DisciplineState): boolean {
  return state.kind === "untrusted" && state.why === "contradicted" && serviceRivalOf(state) === null;
}
