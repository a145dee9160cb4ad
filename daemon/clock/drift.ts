import { type Anchor, mayHaveLeapt } from "./anchor.ts";
import { magnitude } from "./utc.ts";

/** How wrong the rate of CLOCK_MONOTONIC is assumed to be at most, in parts per million. */
export type DriftRates = {
  /** While polls succeed. */
  readonly synchronisedPpm: number;
  /** Without polls, and over the gap of a retroactive stamp. */
  readonly holdoverPpm: number;
};

/** Measured with chronyd steering the kernel's frequency. */
export const synchronisedPpmMin: number = 15;
/** A bare crystal over the temperatures of a building site. */
export const holdoverPpmMin: number = 100;
/** chronyd with `maxslewrate 500`, and the crystal below it. */
export const slewingPpm: number = 600;

/** Shorter spans prove little: two bounds of 10 ms are 5.6 ppm of an hour. */
export const learningSpanNs: bigint = 3_600_000_000_000n;

/** No crystal runs this wrong: what does was a long suspend and teaches nothing about the rate. */
export const crystalPpmMax: number = 1000;

/** The crystal may do worse in holdover than in the hours it was watched. */
const holdoverSafetyFactor = 2;

/**
 * The rates that the box's own synchronisations allow, never below the measured figures. Until an hour of history
 * exists, nothing says that the frequency is steered, and the holdover figure holds from the start.
 *
 * @param history oldest first; anchors of other boots teach as well, but a span never crosses a boot.
 * @param slewing whether something on the box may slew the system clock.
 */
export function learnDrift(history: readonly Anchor[], slewing: boolean): DriftRates {
  const quorums = history.filter(({ basis }) => basis === "quorum");
  const spans = quorums.flatMap((from, index) => {
    const to = quorums
      .slice(index + 1)
      .find((each) => each.bootId === from.bootId && each.atNs - from.atNs >= learningSpanNs);
    const ppm = to === undefined ? null : rateMaxPpm(from, to);
    return ppm === null ? [] : [ppm];
  });
  const floorPpm = slewing ? slewingPpm : 0;
  if (spans.length === 0) {
    const unlearntPpm = Math.max(floorPpm, holdoverPpmMin);
    return { synchronisedPpm: unlearntPpm, holdoverPpm: unlearntPpm };
  }
  const provenPpm = Math.ceil(Math.max(...spans));
  return {
    synchronisedPpm: Math.max(floorPpm, synchronisedPpmMin, provenPpm),
    holdoverPpm: Math.max(floorPpm, holdoverPpmMin, provenPpm * holdoverSafetyFactor),
  };
}

/**
 * The fastest rate that both bounds allow; `null` when not even the slowest is one of a crystal, and over a leap second that
 * may have come: it makes the span as long as some other crystal would.
 */
function rateMaxPpm(from: Anchor, to: Anchor): number | null {
  if (mayHaveLeapt(from, to.atNs)) return null;
  const elapsedNs = Number(to.atNs - from.atNs);
  const apartNs = Number(magnitude(to.thetaNs - from.thetaNs));
  const boundsNs = Number(from.boundNs + to.boundNs);
  return ((apartNs - boundsNs) / elapsedNs) * 1e6 > crystalPpmMax ? null : ((apartNs + boundsNs) / elapsedNs) * 1e6;
}
