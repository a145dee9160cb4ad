import type { WindowRecord } from "./log-line.ts";

export type Exemption = "not-exempt" | "presumed" | "ambiguous";

/**
 * What the records of a window claim together: the least of them, for one own fault is enough to ask, and nothing when
 * another channel worked. A word that a later version wrote claims no more than that it is not known.
 */
export function leastExemption(records: readonly WindowRecord[], otherChannelWorked: boolean): Exemption {
  const said = new Set(records.map(({ exemption }) => exemption));
  if (otherChannelWorked || said.has("not-exempt")) return "not-exempt";
  return said.size === 1 && said.has("presumed") ? "presumed" : "ambiguous";
}
