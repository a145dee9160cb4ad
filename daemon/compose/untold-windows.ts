import type { EvidenceRecord, RecordContent, RecordMoment } from "../evidence/record.ts";
import { parseLine } from "../evidence/record-line.ts";
import { lastSegmentOf } from "../outage/explanation.ts";
import type { Moment, OutageWindow, Segment, WindowChange } from "../outage/windows.ts";
import type { Store } from "../store/store.ts";
import { keptSample, windowRecords } from "./evidence-records.ts";

/** Changes that one power cut can have kept from the log are those of the last windows. */
const windowsMax = 20;
/** The first look of a run may be dated before the record that says that it began. */
const beforeStartMs = 60_000;

/** Of so many records in a row at least one is a sample. */
const recordsWithSample = 200;

/** Records are of whole milliseconds. */
const roundedMs = 2;

/** What a record says of a window. */
export type ToldChange = Extract<RecordContent, { readonly kind: "window" }>["data"];

/** A record that the log has not; `moment` of a look that was lost, absent where it is told of the present. */
export type UntoldRecord = { readonly content: RecordContent; readonly moment?: RecordMoment };

/** The records that the log has not of a window; `hasEnded` when the last of them tells its end. */
export type UntoldWindow = {
  readonly key: string;
  readonly records: readonly UntoldRecord[];
  readonly hasEnded: boolean;
};

/**
 * A window is written before the record of what changed in it: the power may go in between, or the record may have been
 * kept waiting by a disk that refused it. What the log was not told in the last run it is told now, with the moments that
 * are kept of it, and with the look that a change rests on where that was lost too; of windows from before there was a log
 * it is told nothing.
 */
export async function untoldWindows(store: Store): Promise<readonly UntoldWindow[]> {
  const startLine = await store.evidence.lastEvidenceOf("start");
  const start = startLine === null ? null : recordIn(startLine);
  if (start === null) return [];
  const samples = await newestSamples(store);
  const found: UntoldWindow[] = [];
  for (const window of await lastWindows(store)) {
    const told = (await store.evidence.recordsOfWindow("window", window.key)).flatMap(toldIn);
    if (told.length === 0 && isFromBefore(start, window.openedAt)) continue;
    const changes = untoldChanges(window, told);
    const hasEnded = changes.at(-1)?.kind === "closed";
    const records = changes.flatMap((change) => untoldRecords(change, samples));
    if (changes.length > 0) found.push({ key: window.key, records, hasEnded });
  }
  return found;
}

/** Oldest first. The one that lasts is among them whatever time its box took it to be: the list goes by that. */
export async function lastWindows(store: Store): Promise<readonly OutageWindow[]> {
  const listed = await store.outages.listOutages({ from: null, to: null, limit: windowsMax });
  const windows = listed.toSorted((one, other) => one.windowId - other.windowId).map(({ window }) => window);
  const open = await store.outages.openWindow();
  return open === null || windows.some(({ key }) => key === open.key) ? windows : [...windows, open];
}

/**
 * What has to be told so that the log says of a window what is kept of it; each change with the window as it was by then.
 *
 * @param log what it says, oldest first
 */
export function untoldChanges(window: OutageWindow, log: readonly ToldChange[]): readonly WindowChange[] {
  const { segments, end } = window;
  const told = log.at(-1) ?? null;
  // The end of a run is told once it is over, and no other way.
  if (told === null && segments[0].layers.box !== "running") return [{ kind: "closed", window }];
  const isOver = told?.change === "closed";
  const isAgain = isOver && (end === null || isAnotherEnd(end.firstGood, told));
  if (isOver && !isAgain) return [];
  const known = toldSegment(segments, log);
  const until = (place: number): OutageWindow => {
    const [first, ...others] = segments;
    return { ...window, segments: [first, ...others.slice(0, place)], end: null };
  };
  const changes: WindowChange[] = isAgain ? [{ kind: "reopened", window: until(Math.max(0, known)) }] : [];
  for (let place = known + 1; place < segments.length; place += 1) {
    changes.push({ kind: told === null && place === 0 ? "opened" : "cause-changed", window: until(place) });
  }
  return end === null ? changes : [...changes, { kind: "closed", window }];
}

/**
 * The look that a change rests on is on its way to the disk beside the window. Records of a boot reach it in order: a look
 * after the newest sample of its boot there is not on it. Which of two boots was the later one the clock of a box that has
 * none of its own does not tell.
 */
function untoldRecords(change: WindowChange, samples: readonly RecordMoment[]): readonly UntoldRecord[] {
  const records = windowRecords(change).map((content) => ({ content }));
  const segment = lastSegmentOf(change.window);
  if (segment.layers.box !== "running" || change.kind === "closed") return records;
  const look = keptSample(segment);
  const newest = samples.findLast(({ boot }) => boot === look.moment.boot);
  return newest === undefined || newest.mono < look.moment.mono ? [look, ...records] : records;
}

/** By the wall time only of a start that something dated: the clock of a box may be a year ahead when it begins. */
function isFromBefore(start: RecordMoment, { bootId, monotonicNs, utcMs }: Moment): boolean {
  if (bootId === start.boot) return Number(monotonicNs) / 1e6 < start.mono - beforeStartMs;
  return start.err !== null && utcMs < start.wall - beforeStartMs;
}

/** Oldest first. */
async function newestSamples({ evidence }: Store): Promise<readonly RecordMoment[]> {
  const end = await evidence.evidenceEnd();
  if (end === null) return [];
  const last = await evidence.evidenceRecords(end.epoch, Math.max(0, end.size - recordsWithSample), recordsWithSample);
  const records = last.flatMap((each) => (each.kind === "whole" ? (recordIn(each.line) ?? []) : []));
  return records.filter(({ kind }) => kind === "sample");
}

/**
 * The segment of which the log told last; -1 when it told of none. A window may have a cause again that it had before, so
 * that the changes are counted; where an older log told only the last of some, it is the last one with that cause.
 */
function toldSegment(segments: readonly Segment[], log: readonly ToldChange[]): number {
  const place = log.filter(({ cause }, index) => cause !== log[index - 1]?.cause).length - 1;
  const cause = log.at(-1)?.cause;
  return segments[place]?.finding.cause === cause
    ? place
    : segments.findLastIndex(({ finding }) => finding.cause === cause);
}

/** An end that nothing dated when it was told may have been dated since, and is the same one. */
function isAnotherEnd({ utcMs, errorBoundMs }: Moment, { end }: ToldChange): boolean {
  const toldMs = end?.[1] ?? null;
  return toldMs !== null && errorBoundMs !== null && Math.abs(utcMs + errorBoundMs - toldMs) > roundedMs;
}

function toldIn(line: string): readonly ToldChange[] {
  const record = recordIn(line);
  return record?.kind === "window" ? [record.data] : [];
}

function recordIn(line: string): EvidenceRecord | null {
  const parsed = parseLine(line);
  return parsed.kind === "record" ? parsed.record : null;
}
