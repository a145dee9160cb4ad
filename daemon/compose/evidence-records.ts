import { elapsedMs, type MonotonicNs, wallMs } from "../base/time.ts";
import type { DisciplineChange } from "../clock/discipline.ts";
import type { Stamp } from "../clock/stamp.ts";
import type { ClockEvent } from "../clock/step-watch.ts";
import type { Synchronisation } from "../clock/synchronisation.ts";
import { nsPerMs } from "../clock/utc.ts";
import type { ProvenInterval, RecordContent, RecordMoment } from "../evidence/record.ts";
import { lastSegmentOf } from "../outage/explanation.ts";
import type { Layers } from "../outage/layers.ts";
import type { Heartbeat } from "../outage/outage-store.ts";
import type { Moment, Sample, Segment, WindowChange } from "../outage/windows.ts";

/** What the clock and the watch say, in the words of the log: the one place where those rooms and evidence meet. */

export function recordMoment({
  bootId,
  monotonicNs,
  utcMs,
  errorBoundMs,
  state,
}: Pick<Stamp, "bootId" | "monotonicNs" | "utcMs" | "errorBoundMs" | "state">): RecordMoment {
  const wall = Math.floor(utcMs);
  const err = errorBoundMs === null ? null : Math.ceil(errorBoundMs + (utcMs - wall));
  return { boot: bootId, mono: Math.floor(Number(monotonicNs) / 1e6), wall, err, state };
}

export function sampleRecord({ layers, finding, isWhole }: Sample): RecordContent {
  return sampleOf(layers, finding?.cause ?? null, isWhole);
}

/** A look that is kept beside its window only, and when it was: all that failed in it was looked at. */
export function keptSample({ from, layers, finding }: Segment): {
  readonly content: RecordContent;
  readonly moment: RecordMoment;
} {
  // The state of the clock is not kept: of those that give a bound this is the one that claims least.
  const state = from.errorBoundMs === null ? "unsynchronised" : "holdover";
  return { content: sampleOf(layers, finding.cause, true), moment: recordMoment({ ...from, state }) };
}

/** In peace whole looks are 30 s apart; an outage that stays as it is needs no closer ones. */
export const sampleEveryMs: number = 30_000;

export type LastSample = { readonly atNs: MonotonicNs; readonly text: string };

/**
 * Whether a look is recorded: in peace those at all layers; when something fails all until it is known for a window, then
 * what changes, and every half a minute.
 */
export function isRecorded(sample: Sample, isOpen: boolean, last: LastSample | null): boolean {
  if (sample.finding === null) return sample.isWhole;
  if (!isOpen || last === null || last.text !== sampleText(sample)) return true;
  return elapsedMs(last.atNs, sample.at.monotonicNs) >= sampleEveryMs;
}

export function sampleText(sample: Sample): string {
  return JSON.stringify(sampleRecord(sample).data);
}

/** The change, after the sample that it rests on when nobody was there to look: the box itself was away. */
export function windowRecords({ kind, window }: WindowChange): readonly RecordContent[] {
  const { layers, finding } = lastSegmentOf(window);
  const { key: id, lastGood, firstBad, end } = window;
  const { cause, exemption } = finding;
  const content: RecordContent = {
    kind: "window",
    data: {
      id,
      change: kind,
      cause,
      exemption,
      start: between(lastGood, firstBad),
      end: end === null ? null : between(end.lastBad, end.firstGood),
    },
  };
  return layers.box === "running" ? [content] : [sampleOf(layers, cause, true), content];
}

export function heartbeatGap(last: Heartbeat, now: RecordMoment): RecordContent {
  const { at, ended } = last;
  return {
    kind: "heartbeat-gap",
    data: { fromWall: Math.max(0, Math.floor(at.utcMs)), toWall: now.wall, boot: at.bootId, ended },
  };
}

export function clockEventRecord(event: ClockEvent): RecordContent {
  return { kind: "clock-step", data: { kind: event.kind, ms: movedMs(event) } };
}

export function clockChangeRecord({ from, to, why }: DisciplineChange): RecordContent {
  return { kind: "clock-state", data: { from, to, reason: why } };
}

/**
 * A quorum; `null` for a poll that gave none.
 *
 * @param systemClockMs what the box's own clock showed at the moment of the poll
 */
export function synchronisationRecord(row: Synchronisation, systemClockMs: number): RecordContent | null {
  if (row.result.kind === "no-quorum") return null;
  const { thetaNs, boundNs } = row.result;
  const offsetNs = thetaNs + row.atNs - BigInt(Math.round(systemClockMs * 1e3)) * (nsPerMs / 1000n);
  const count = (kind: string): number => row.sources.filter(({ verdict }) => verdict.kind === kind).length;
  return {
    kind: "synchronisation",
    data: {
      id: row.syncId,
      offsetUs: Number(offsetNs / 1000n),
      boundUs: Math.ceil(Number(boundNs) / 1e3),
      servers: count("true-chimer"),
      falseTickers: count("false-ticker"),
    },
  };
}

function sampleOf(layers: Layers, cause: string | null, whole: boolean): RecordContent {
  return { kind: "sample", data: { layers: { ...layers }, cause, whole } };
}

function movedMs(event: ClockEvent): number | null {
  switch (event.kind) {
    case "step":
      return Math.round(event.byMs);
    case "suspend":
      return Math.round(event.forMs);
    case "contradiction":
      return null;
  }
}

/** After the one and not later than the other, each widened by its bound. */
function between(after: Moment | null, notAfter: Moment): ProvenInterval {
  return [
    after === null || after.errorBoundMs === null ? null : wallMs(Math.floor(after.utcMs - after.errorBoundMs)),
    notAfter.errorBoundMs === null ? null : wallMs(Math.ceil(notAfter.utcMs + notAfter.errorBoundMs)),
  ];
}
