/**
 * Which sources to believe, after Marzullo and RFC 5905 section 11.2.1, with one claim that is proven by a property
 * test: whenever at most f = ⌊(n − 1)/2⌋ of n sources lie, in whatever way, and the intervals of the others hold the
 * truth, the hull of the points that n − f intervals cover holds it as well.
 */

/** What a source says UTC − monotonic time is: `thetaNs` ± `lambdaNs`, all sources at the same moment. */
export type Candidate = {
  readonly sourceId: string;
  readonly operator: string;
  readonly thetaNs: bigint;
  readonly lambdaNs: bigint;
};

export type SourceVerdict =
  | { readonly kind: "true-chimer" }
  /** `beyondNs`: how far its interval lies from the hull. */
  | { readonly kind: "false-ticker"; readonly beyondNs: bigint };

export type QuorumWarning = "fewer-than-four-sources" | "fewer-than-three-operators";

export type QuorumResult =
  | {
      readonly kind: "quorum";
      /** The middle of the hull. */
      readonly thetaNs: bigint;
      /** E0: half the hull. */
      readonly boundNs: bigint;
      readonly verdicts: ReadonlyMap<string, SourceVerdict>;
      readonly warnings: readonly QuorumWarning[];
    }
  | { readonly kind: "no-quorum"; readonly why: "too-few-sources" | "no-agreement"; readonly usable: number };

/** With fewer intervals over one point a single liar could not be told from the truth. */
export const coverageMin: number = 3;

/** RFC 8633 section 3.2: with four sources, one can fail and one can lie. */
export const sourcesAdvised: number = 4;
export const operatorsAdvised: number = 3;

export function selectQuorum(candidates: readonly Candidate[]): QuorumResult {
  const usable = candidates.length;
  if (usable < coverageMin) return { kind: "no-quorum", why: "too-few-sources", usable };
  const liarsMax = Math.floor((usable - 1) / 2);
  const hull = hullOf(candidates, usable - liarsMax);
  if (hull === null) return { kind: "no-quorum", why: "no-agreement", usable };
  const { lowNs, highNs } = hull;
  const thetaNs = (lowNs + highNs) >> 1n;
  const verdicts = new Map(candidates.map((each) => [each.sourceId, verdictOf(each, lowNs, highNs)]));
  const believed = candidates.filter((each) => verdicts.get(each.sourceId)?.kind === "true-chimer");
  return { kind: "quorum", thetaNs, boundNs: highNs - thetaNs, verdicts, warnings: warningsFor(believed) };
}

/** The hull of the points covered by `needed` intervals or more, when somewhere at least `coverageMin` meet. */
function hullOf(
  candidates: readonly Candidate[],
  needed: number,
): { readonly lowNs: bigint; readonly highNs: bigint } | null {
  const edges = candidates
    .flatMap(({ thetaNs, lambdaNs }) => [
      { at: thetaNs - lambdaNs, opens: true },
      { at: thetaNs + lambdaNs, opens: false },
    ])
    // Intervals are closed: at one and the same point they open before they close.
    .sort((one, other) => (one.at === other.at ? Number(other.opens) - Number(one.opens) : one.at < other.at ? -1 : 1));
  let coverage = 0;
  let most = 0;
  let lowNs: bigint | null = null;
  let highNs: bigint | null = null;
  for (const edge of edges) {
    if (edge.opens) {
      coverage += 1;
      most = Math.max(most, coverage);
      if (coverage >= needed) lowNs ??= edge.at;
    } else {
      if (coverage >= needed) highNs = edge.at;
      coverage -= 1;
    }
  }
  return most < coverageMin || lowNs === null || highNs === null ? null : { lowNs, highNs };
}

function verdictOf({ thetaNs, lambdaNs }: Candidate, lowNs: bigint, highNs: bigint): SourceVerdict {
  if (thetaNs - lambdaNs > highNs) return { kind: "false-ticker", beyondNs: thetaNs - lambdaNs - highNs };
  if (thetaNs + lambdaNs < lowNs) return { kind: "false-ticker", beyondNs: lowNs - thetaNs - lambdaNs };
  return { kind: "true-chimer" };
}

function warningsFor(believed: readonly Candidate[]): readonly QuorumWarning[] {
  const warnings: QuorumWarning[] = [];
  if (believed.length < sourcesAdvised) warnings.push("fewer-than-four-sources");
  if (new Set(believed.map(({ operator }) => operator)).size < operatorsAdvised) {
    warnings.push("fewer-than-three-operators");
  }
  return warnings;
}
