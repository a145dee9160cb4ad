import type { MonotonicNs } from "../base/time.ts";
import type { Anchor } from "./anchor.ts";
import { type BootTimeline, nothingKnown, withAnchor, withBreak } from "./boot-timeline.ts";
import {
  anchorOf,
  type DisciplineChange,
  type DisciplineInput,
  type DisciplineState,
  stepDiscipline,
} from "./discipline.ts";
import { type DriftRates, learnDrift } from "./drift.ts";
import type { TimeBreak } from "./stamping.ts";
import { laterBy, nsPerSecond } from "./utc.ts";

/** All that the clock knows of the boot it runs in; every reading of it is made from this. */
export type ClockKnowledge = {
  readonly bootId: string;
  readonly slewing: boolean;
  readonly state: DisciplineState;
  readonly rates: DriftRates;
  /** The last trusted quorums, of any boot, oldest first: what the rates are learnt from. */
  readonly anchors: readonly Anchor[];
  readonly timeline: BootTimeline;
};

export type DisciplinedKnowledge = {
  readonly known: ClockKnowledge;
  readonly change: DisciplineChange | null;
  /** The break that the input makes, and whose word it contradicts; the break is not in the timeline yet. */
  readonly contradiction: { readonly found: TimeBreak; readonly basis: Anchor["basis"] } | null;
};

export const anchorsKept: number = 512;
/** Longer than three polls take, however far apart they are. */
export const confirmedMaxNs: bigint = 3600n * nsPerSecond;

/** @param slewing whether something on the box may slew the system clock */
export function knowsNothing(bootId: string, slewing: boolean): ClockKnowledge {
  const rates = learnDrift([], slewing);
  return { bootId, slewing, state: { kind: "unsynchronised" }, rates, anchors: [], timeline: nothingKnown };
}

/** What the runs before this one have kept. */
export function withHistory(
  known: ClockKnowledge,
  anchors: readonly Anchor[],
  breaks: readonly TimeBreak[],
): ClockKnowledge {
  const ofThisBoot = anchors.filter(({ bootId }) => bootId === known.bootId);
  return {
    ...known,
    anchors,
    timeline: breaks.reduce(withBreak, { ...known.timeline, anchors: ofThisBoot }),
    rates: learnDrift(anchors, known.slewing),
  };
}

/** A quorum that the clock rests on teaches the rates as well. */
export function withQuorum(known: ClockKnowledge, anchor: Anchor): ClockKnowledge {
  const anchors = [...known.anchors, anchor].slice(-anchorsKept);
  return { ...withProof(known, anchor), anchors, rates: learnDrift(anchors, known.slewing) };
}

/** An anchor of this boot, of whatever basis. */
export function withProof(known: ClockKnowledge, anchor: Anchor): ClockKnowledge {
  return { ...known, timeline: withAnchor(known.timeline, anchor) };
}

export function brokenBy(known: ClockKnowledge, found: TimeBreak): ClockKnowledge {
  return { ...known, timeline: withBreak(known.timeline, found) };
}

export function discipline(known: ClockKnowledge, input: DisciplineInput, nowNs: MonotonicNs): DisciplinedKnowledge {
  const isOverdue = input.kind === "tick" && isPollOverdue(known, nowNs);
  const { state, change, contradicted } = stepDiscipline(
    known.state,
    isOverdue ? { kind: "polls-overdue" } : input,
    nowNs,
    known.rates,
  );
  return {
    known: { ...known, state },
    change,
    contradiction:
      contradicted === null
        ? null
        : { found: contradictionOf(contradicted, anchorOf(state), nowNs), basis: contradicted.basis },
  };
}

/** The anchor that is held may be an older one, which bounds the time better than the last. */
function isPollOverdue({ state, anchors }: ClockKnowledge, nowNs: MonotonicNs): boolean {
  const last = anchors.at(-1);
  return state.kind === "synchronised" && last !== undefined && nowNs - last.atNs > confirmedMaxNs;
}

/** Where the new anchor is believed all the same, the break ends before it. */
function contradictionOf(contradicted: Anchor, believed: Anchor | null, nowNs: MonotonicNs): TimeBreak {
  const isOther = believed !== null && believed !== contradicted;
  return {
    kind: "contradiction",
    sinceNs: contradicted.atNs,
    atNs: isOther ? laterBy(believed.atNs, -1n) : nowNs,
  };
}
