import type { Anchored } from "./anchors.ts";
import { type Failure, failure, named } from "./failure.ts";
import type { Interval, WindowRecord } from "./log-line.ts";
import type { FailingSample, LogFacts } from "./read-log.ts";
import type { Bounds } from "./verdict.ts";

/** What an authority's token says once it has been verified, UTC ms. */
export type TokenTime =
  | { readonly ok: true; readonly genTimeMs: number; readonly notBeforeMs: number; readonly notAfterMs: number }
  | { readonly ok: false; readonly reason: string };

/** Verifies a `TimeStampResp` over `imprint` up to the authority that the verifier's caller trusts. */
export type TokenVerifier = (response: Uint8Array, imprint: Uint8Array) => TokenTime;

/** The moment of a verified token, and what it bounds in the log. */
export type ProvenMoment = {
  readonly path: string;
  /** The records before this one existed at `notAfterMs`. */
  readonly size: number;
  /** From this record on the log is younger than `notBeforeMs`; `null` where the log does not name the token. */
  readonly anchoredAt: number | null;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
};

/** Most authorities write whole seconds: 07:00:05 was said at any moment up to 07:00:05.999. */
const wholeSecondMs = 999;

export function readTokens(
  tokens: readonly Anchored[],
  verify: TokenVerifier,
): { readonly moments: readonly ProvenMoment[]; readonly failures: readonly Failure[] } {
  const moments: ProvenMoment[] = [];
  const failures: Failure[] = [];
  for (const { path, bytes, note, anchoredAt } of tokens) {
    const time = verify(bytes, note.digest);
    if (!time.ok) {
      failures.push(failure("token-wrong", path, time.reason));
      continue;
    }
    const { notBeforeMs, genTimeMs } = time;
    const notAfterMs = time.notAfterMs + (genTimeMs % 1000 === 0 ? wholeSecondMs : 0);
    moments.push({ path, size: note.size, anchoredAt, notBeforeMs, notAfterMs });
  }
  return { moments, failures: [...failures, ...contradictions(moments)] };
}

/** A checkpoint that covers the anchor of a token cannot have been stamped before it. */
function contradictions(moments: readonly ProvenMoment[]): readonly Failure[] {
  const failures: Failure[] = [];
  // From the largest checkpoint and the last anchor down, so that a bundle of thousands of tokens is gone through once.
  const bySize = moments.toSorted((one, other) => other.size - one.size);
  const byAnchor = moments.toSorted((one, other) => (other.anchoredAt ?? -1) - (one.anchoredAt ?? -1));
  let covered = 0;
  let earliest: ProvenMoment | null = null;
  for (const { path, anchoredAt, notBeforeMs } of byAnchor) {
    if (anchoredAt === null) break;
    for (let next = bySize[covered]; next !== undefined && next.size > anchoredAt; next = bySize[covered]) {
      if (earliest === null || next.notAfterMs < earliest.notAfterMs) earliest = next;
      covered += 1;
    }
    if (earliest !== null && earliest.notAfterMs < notBeforeMs) {
      failures.push(failure("times-contradict", `${path} and ${earliest.path}`));
    }
  }
  return failures;
}

/** The record is younger than this; `null` when no token is named at or before it. */
export function provenAfter(seq: number, moments: readonly ProvenMoment[]): number | null {
  const times = moments.filter(({ anchoredAt }) => anchoredAt !== null && anchoredAt <= seq);
  return times.length === 0 ? null : Math.max(...times.map(({ notBeforeMs }) => notBeforeMs));
}

/** The record existed at this moment; `null` when no token is over it. */
export function provenBefore(seq: number, moments: readonly ProvenMoment[]): number | null {
  const times = moments.filter(({ size }) => size > seq);
  return times.length === 0 ? null : Math.min(...times.map(({ notAfterMs }) => notAfterMs));
}

/** The lines of the log on which the bounds of a window rest; `null` for those that the bundle does not have. */
export type WindowLines = {
  readonly lastGood: number | null;
  readonly firstBad: number | null;
  /** Whether the box itself was away: its samples were written afterwards, of a time at which nobody looked. */
  readonly isAfterwards: boolean;
  readonly opened: number;
  readonly lastBad: number | null;
  readonly firstGood: number | null;
  readonly closed: number | null;
};

/** What a window may be dated before the sample that it is dated from: less than the gap after which the count begins anew. */
const datedWithinMs = 15_000;

/**
 * A window is dated from its first failing sample, which stands in the run of failing ones before the record that opened
 * it: the first whose own time reaches the claimed interval, for a gap in the watching begins the count anew. Of a sample
 * for whose clock nothing vouched nobody knows its time.
 */
export function linesOf(records: readonly [WindowRecord, ...WindowRecord[]], facts: LogFacts): WindowLines {
  const [first] = records;
  const last = records.at(-1) ?? first;
  const run = facts.runBefore.get(first.seq);
  const reaching = facts.failing.filter(
    ({ sample, runFrom }) => sample.seq < first.seq && runFrom === run && reaches(sample, first.start),
  );
  // A failure that follows a restart at once is in one run with the sample that was written of the restart.
  const dated = reaching.find(({ sample }) => sample.cause === first.cause) ?? reaching[0];
  const isWhole = first.change === "opened";
  const closed = last.change === "closed" ? last.seq : null;
  const until = closed ?? Number.MAX_SAFE_INTEGER;
  return {
    lastGood: isWhole ? (dated?.lastGood ?? null) : null,
    firstBad: isWhole ? (dated?.sample.seq ?? null) : null,
    isAfterwards: dated !== undefined && dated.sample.layers.get("box") !== "running",
    opened: first.seq,
    lastBad: facts.failing.filter(({ sample }) => sample.seq < until).at(-1)?.sample.seq ?? null,
    firstGood: closed === null ? null : (facts.goodBefore.get(closed) ?? null),
    closed,
  };
}

function reaches({ wallMs, errorMs }: FailingSample["sample"], [from, to]: Interval): boolean {
  if (errorMs === null) return true;
  const latestMs = wallMs + errorMs;
  return latestMs >= (from ?? 0) && latestMs + datedWithinMs >= (to ?? 0);
}

export function provenBounds(lines: WindowLines, moments: readonly ProvenMoment[]): Bounds {
  const { lastGood, firstBad, opened, lastBad, firstGood, closed } = lines;
  const after = (seq: number | null): number | null => (seq === null ? null : provenAfter(seq, moments));
  return {
    start: [after(lastGood), provenBefore(firstBad ?? opened, moments)],
    end: closed === null ? null : [after(lastBad), provenBefore(firstGood ?? closed, moments)],
  };
}

/** What a window claims of its ends, against the lines that they were read from. */
export function checkWindowTimes(
  records: readonly [WindowRecord, ...WindowRecord[]],
  { firstBad, isAfterwards }: WindowLines,
  facts: LogFacts,
  moments: readonly ProvenMoment[],
): readonly Failure[] {
  const failures: Failure[] = [];
  for (const { seq, id, start, end } of records) {
    const fits =
      isPossible(start, isAfterwards ? null : firstBad, firstBad ?? seq, moments) &&
      (end === null || isPossible(end, facts.goodBefore.get(seq) ?? null, seq, moments));
    if (!fits) failures.push(failure("window-time-contradicted", `window ${named(id)}, record ${seq}`));
  }
  return failures;
}

/** A sample is written when its look ends, and a window is dated from the look: this much may lie between them at most. */
const writtenWithinMs = 60_000;

/**
 * What a window claims of its ends, against the times of its own samples: it began no later than its first failing one was
 * written, which may be said of any time before, and ended no later than the good one that ended it. Where nothing vouched
 * for the clock of a sample, it was dated later.
 */
export function checkOwnTimes(
  records: readonly [WindowRecord, ...WindowRecord[]],
  { firstBad, isAfterwards }: WindowLines,
  facts: LogFacts,
): readonly Failure[] {
  const first = isAfterwards ? undefined : facts.failing.find(({ sample }) => sample.seq === firstBad)?.sample;
  const failures: Failure[] = [];
  for (const { seq, id, start, end } of records) {
    const good = facts.goodSampleBefore.get(seq);
    const isTooEarly =
      first?.errorMs != null && start[1] !== null && start[1] + writtenWithinMs < first.wallMs - first.errorMs;
    const endsAtMostMs =
      good?.errorMs == null ? Number.POSITIVE_INFINITY : good.wallMs + good.errorMs + writtenWithinMs;
    const isTooLate = end?.some((each) => each !== null && each > endsAtMostMs);
    const isTurned = start[0] !== null && end !== null && end[1] !== null && start[0] > end[1];
    if (isTooEarly || isTooLate === true || isTurned) {
      failures.push(failure("window-time-contradicted", `window ${named(id)}, record ${seq}`, "by its own samples"));
    }
  }
  return failures;
}

/** What was seen at `seen`, or without it is told at `told`, was so between the proven times of that line. */
function isPossible(
  [from, to]: Interval,
  seen: number | null,
  told: number,
  moments: readonly ProvenMoment[],
): boolean {
  const after = seen === null ? null : provenAfter(seen, moments);
  const before = provenBefore(seen ?? told, moments);
  return !(to !== null && after !== null && to < after) && !(from !== null && before !== null && from > before);
}
