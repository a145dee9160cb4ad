import type { MonotonicNs } from "../base/time.ts";
import type { Anchor } from "./anchor.ts";
import type { DisciplineChange } from "./discipline.ts";
import { lambdaNs, type Sample, thetaNs } from "./ntp-exchange.ts";
import { type Candidate, type QuorumResult, type SourceVerdict, selectQuorum } from "./quorum.ts";
import type { ServiceTime } from "./service-clock.ts";
import type { SourceAnswer, SourceFailure } from "./source-poll.ts";
import type { TimeBreak } from "./stamping.ts";
import type { ClockEvent } from "./step-watch.ts";
import { earliest, type UtcNs } from "./utc.ts";

/** A server as configured. */
export type NtpSource = {
  /** What people call it; unique. */
  readonly id: string;
  readonly host: string;
  readonly port: number;
  /** Who runs it: servers of one operator tend to be wrong together. */
  readonly operator: string;
  /** The box's own chronyd is shown as a diagnosis and never votes: it says what the others already said. */
  readonly votes: boolean;
};

export type SourceRow = {
  readonly sourceId: string;
  readonly operator: string;
  readonly votes: boolean;
  readonly verdict:
    | SourceVerdict
    | { readonly kind: "unusable"; readonly why: SourceFailure }
    | { readonly kind: "undecided" };
  /** The raw four timestamps; `null` when the source gave none that can be used. */
  readonly sample: Sample | null;
  /** Where it was asked; `null` when nobody tells. Rows of earlier versions have none. */
  readonly address?: string | null;
};

/** One poll of all sources, kept whole, so that anyone can recompute what follows from it. */
export type Synchronisation = {
  readonly syncId: string;
  readonly bootId: string;
  /** The moment for which all intervals were computed. */
  readonly atNs: MonotonicNs;
  /** ρ with which the samples were aged. */
  readonly ppm: number;
  readonly sources: readonly SourceRow[];
  readonly result: QuorumResult;
};

export type SourceReport = { readonly source: NtpSource; readonly answer: SourceAnswer };

/** How far BOOTTIME, which counts suspend, was ahead of MONOTONIC; `null` where it cannot be read. */
export type BootSeen = { readonly atNs: MonotonicNs; readonly sleptMs: number | null };

/** The port through which the clock keeps what a stamp can be recomputed from. */
export interface ClockHistory {
  /** What was last seen of a boot; `null` when it is new. */
  bootSeen(bootId: string): Promise<BootSeen | null>;
  /**
   * Tells boots apart, in which order they came, and how long each has slept. At start, after a suspend and at the end: a
   * sleep that this counts is not found again, so that the event comes before it.
   */
  seeBoot(bootId: string, seen: BootSeen): Promise<void>;
  /** One row per poll, with and without a quorum; `trusted` when the clock rests, or may rest, on it. */
  recordSynchronisation(row: Synchronisation, trusted: boolean): Promise<void>;
  recordServiceTime(found: ServiceTime): Promise<void>;
  recordEvent(bootId: string, event: ClockEvent): Promise<void>;
  recordChange(bootId: string, atNs: MonotonicNs, change: DisciplineChange): Promise<void>;
  /** The last `limit` trusted quorums of any boot, oldest first: what the drift is learnt from. */
  anchors(limit: number): Promise<readonly Anchor[]>;
  /** What no anchor of a boot reaches across, in the order in which it was recorded. */
  breaks(bootId: string): Promise<readonly TimeBreak[]>;
  /** The latest UTC that a synchronised clock ever vouched for; `null` on a new box. */
  lastTrusted(): Promise<UtcNs | null>;
}

/** What a poll of all sources comes to. The same rows give the same result, here and on anyone's machine. */
export function synchronise(
  reports: readonly SourceReport[],
  bootId: string,
  atNs: MonotonicNs,
  ppm: number,
): Synchronisation {
  const judged = withOneVoteEach(reports);
  const result = selectQuorum(
    judged.flatMap(({ source, answer }) =>
      source.votes && answer.kind === "sample" ? [candidateOf(source, answer.sample, atNs, ppm)] : [],
    ),
  );
  return {
    syncId: `${bootId}/${atNs}`,
    bootId,
    atNs,
    ppm,
    result,
    sources: judged.map(({ source, answer }, index) => ({
      sourceId: source.id,
      operator: source.operator,
      votes: source.votes,
      sample: answer.kind === "sample" ? answer.sample : null,
      address: addressOf(reports[index]),
      verdict: answer.kind === "unusable" ? answer : verdictOf(source.id, result),
    })),
  };
}

/** Names that lead to one address are one server, which says what it says once: the first of them votes. */
function withOneVoteEach(reports: readonly SourceReport[]): readonly SourceReport[] {
  const voters = new Map<string, string>();
  return reports.map((report) => {
    const { source } = report;
    const address = addressOf(report);
    if (!source.votes || address === null) return report;
    const as = voters.get(address);
    if (as !== undefined) return { source, answer: { kind: "unusable", why: { kind: "same-server", as } } };
    voters.set(address, source.id);
    return report;
  });
}

function addressOf(report: SourceReport | undefined): string | null {
  return report?.answer.kind === "sample" ? report.answer.address : null;
}

/** What a kept row proves; `null` when it gave no quorum. */
export function anchorFrom(row: Synchronisation): Anchor | null {
  if (row.result.kind === "no-quorum") return null;
  const believed = row.sources.flatMap(({ sample, verdict }) =>
    sample !== null && verdict.kind === "true-chimer" ? [sample] : [],
  );
  return {
    syncId: row.syncId,
    bootId: row.bootId,
    basis: "quorum",
    atNs: row.atNs,
    thetaNs: row.result.thetaNs,
    boundNs: row.result.boundNs,
    oldestSampleNs: earliest(row.atNs, ...believed.map(({ t1Ns }) => t1Ns)),
    leapAnnounced: believed.some(({ leap }) => leap !== 0),
  };
}

function candidateOf(source: NtpSource, sample: Sample, atNs: MonotonicNs, ppm: number): Candidate {
  return {
    sourceId: source.id,
    operator: source.operator,
    thetaNs: thetaNs(sample),
    lambdaNs: lambdaNs(sample, atNs, ppm),
  };
}

function verdictOf(sourceId: string, result: QuorumResult): SourceRow["verdict"] {
  const verdict = result.kind === "quorum" ? result.verdicts.get(sourceId) : undefined;
  return verdict ?? { kind: "undecided" };
}
