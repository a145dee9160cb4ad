import type { WallMs } from "../../base/time.ts";
import { countOf, hashOf, textOf } from "../verify/canonical.ts";
import { type Exemption, leastExemption } from "../verify/exemption.ts";
import {
  type LogLine,
  type LogRecord,
  parseLine,
  type SampleRecord,
  sampleRecordOf,
  type WindowRecord,
} from "../verify/log-line.ts";
import { gatherFacts, type LogFacts } from "../verify/read-log.ts";
import { linesOf, type ProvenMoment, provenBounds } from "../verify/time-bounds.ts";
import { intervalText, momentText } from "./report-time.ts";
import type { ReportLanguage, ReportWords } from "./report-words.ts";
import { germanReport } from "./report-words-de.ts";
import { englishReport } from "./report-words-en.ts";
import { frenchReport } from "./report-words-fr.ts";
import { dutchReport } from "./report-words-nl.ts";
import { type Timeline, timelineOf } from "./timeline.ts";

export const reportWordsIn: Readonly<Record<ReportLanguage, ReportWords>> = {
  nl: dutchReport,
  fr: frenchReport,
  de: germanReport,
  en: englishReport,
};

export type { Exemption } from "../verify/exemption.ts";
/** The states of the layers by their names, as a sample has them. */
export type SeenLayers = Readonly<Record<string, string>>;

/** What the outage room says of its causes, in the report's language; handed in by whoever knows both rooms. */
export type Explanation = {
  readonly cause: (cause: string) => string;
  readonly exemption: (exemption: Exemption) => string;
  readonly because: (exemption: Exemption) => string;
  readonly steps: (exemption: Exemption) => readonly string[];
  /** What would settle or support a window in which the layers looked like this. */
  readonly support: (seen: readonly SeenLayers[]) => readonly string[];
};

export type ReportInput = {
  readonly language: ReportLanguage;
  readonly timeZone: string;
  readonly siteName: string;
  readonly origin: string;
  /** `ed25519:<base64>`. */
  readonly key: string;
  readonly fingerprint: string;
  readonly madeAt: WallMs;
  readonly version: string;
  readonly period: { readonly from: WallMs | null; readonly to: WallMs | null } | null;
  /** Ids of the windows to tell of, in this order. */
  readonly windows: readonly string[];
  /** Lines of the log, as a bundle has them. Lines that nothing of the windows rests on may be left out. */
  readonly lines: Iterable<string>;
  /** Of verified timestamps; empty when there are none. */
  readonly moments: readonly ProvenMoment[];
  readonly explain: Explanation;
};

export type WindowSection = {
  readonly title: string;
  readonly id: string;
  readonly exemption: string;
  readonly because: string;
  readonly causes: readonly string[];
  readonly bounds: readonly { readonly what: string; readonly claimed: string; readonly proven: string }[];
  readonly timeline: Timeline | null;
  readonly gaps: string | null;
  readonly steps: readonly string[];
  readonly support: readonly string[];
  readonly scans: string;
  readonly added: readonly string[];
};

/** Everything a report says, in words and shapes; drawing it decides nothing. */
export type ReportModel = {
  readonly words: ReportWords;
  readonly title: string;
  readonly facts: readonly { readonly name: string; readonly text: string }[];
  /** What the square code says. */
  readonly key: string;
  readonly windows: readonly WindowSection[];
  readonly verifyCommand: string;
  readonly madeAt: WallMs;
  readonly version: string;
};

export function reportModel(input: ReportInput): ReportModel {
  const { timeZone, period, madeAt, version, key } = input;
  const words = reportWordsIn[input.language];
  const log = readLines(input.lines);
  const windows: WindowSection[] = [];
  for (const id of input.windows) {
    const records = log.facts.windows.get(id);
    if (records !== undefined) windows.push(sectionOf(records, windows.length + 1, log, input, words));
  }
  return {
    words,
    title: windows.length === 1 ? words.title : words.titleOfSeveral,
    facts: [
      { name: words.site, text: input.siteName },
      { name: words.log, text: input.origin },
      { name: words.fingerprint, text: input.fingerprint },
      ...(period === null
        ? []
        : [{ name: words.period, text: intervalText([period.from, period.to], words, timeZone) }]),
      { name: words.made, text: `${momentText(madeAt, timeZone)}, badged ${version}` },
      { name: words.times, text: words.timesAre(timeZone) },
    ],
    key,
    windows,
    verifyCommand: "bash verify.sh --key ed25519:…   |   badged evidence verify . --key ed25519:…",
    madeAt,
    version,
  };
}

type ReadLines = {
  readonly facts: LogFacts;
  readonly samples: readonly SampleRecord[];
  /** The records that belong to a window besides its own, by its id. */
  readonly beside: ReadonlyMap<string, readonly LogRecord[]>;
};

function readLines(lines: Iterable<string>): ReadLines {
  const read: LogLine[] = [];
  const samples: SampleRecord[] = [];
  const beside = new Map<string, LogRecord[]>();
  for (const text of lines) {
    const line = parseLine(Buffer.from(text));
    if (typeof line === "string") continue;
    read.push(line);
    if (line.kind === "erased") continue;
    const { record } = line;
    const sample = record.kind === "sample" ? sampleRecordOf(record) : null;
    if (sample !== null) samples.push(sample);
    const window = textOf(record.data["window"]);
    if (window !== null) beside.set(window, [...(beside.get(window) ?? []), record]);
  }
  return { facts: gatherFacts(read), samples, beside };
}

function sectionOf(
  records: readonly [WindowRecord, ...WindowRecord[]],
  number: number,
  { facts, samples, beside }: ReadLines,
  { timeZone, moments, explain }: ReportInput,
  words: ReportWords,
): WindowSection {
  const [{ id }] = records;
  const last = records.at(-1) ?? records[0];
  const lines = linesOf(records, facts);
  const proven = provenBounds(lines, moments);
  const others = beside.get(id) ?? [];
  const exemption = leastExemption(records, facts.otherChannelWorked.has(id));
  const within = samples.filter(
    ({ seq, cause }) => cause !== null && seq >= (lines.firstBad ?? lines.opened) && seq <= (lines.lastBad ?? last.seq),
  );
  const gaps = records.filter(({ change }) => change === "gap").length;
  const interval = (of: readonly [number | null, number | null] | null): string =>
    of === null ? words.lasts : intervalText(of, words, timeZone);
  return {
    title: words.outage(number),
    id,
    exemption: explain.exemption(exemption),
    because: explain.because(exemption),
    causes: causesOf(records, samples, facts).map(({ atMs, cause }) =>
      atMs === null
        ? explain.cause(cause)
        : words.causeFrom(momentText(Math.floor(atMs / 1000) * 1000, timeZone), explain.cause(cause)),
    ),
    bounds: [
      { what: words.began, claimed: interval(last.start), proven: interval(proven.start) },
      { what: words.ended, claimed: interval(last.end), proven: last.end === null ? "" : interval(proven.end) },
    ],
    timeline: timelineOf(samples, last.start, last.end, timeZone),
    gaps: gaps === 0 ? null : words.gaps(gaps),
    steps: explain.steps(exemption),
    support: exemption === "not-exempt" ? [] : explain.support(within.map(({ layers }) => Object.fromEntries(layers))),
    scans: scansText(others, words),
    added: others.flatMap((record) => addedText(record, words) ?? []),
  };
}

/** Each cause from the sample that first showed it; without a time when there is only one, whose time is the window's. */
function causesOf(
  records: readonly WindowRecord[],
  samples: readonly SampleRecord[],
  { failing }: LogFacts,
): readonly { readonly cause: string; readonly atMs: number | null }[] {
  const changes = records.filter(({ cause }, index) => cause !== records[index - 1]?.cause);
  if (changes.length === 1) return changes.map(({ cause }) => ({ cause, atMs: null }));
  return changes.map(({ cause, seq }) => {
    const run = failing.filter(({ sample }) => sample.seq < seq).at(-1);
    const first = samples.find((each) => each.seq >= (run?.runFrom ?? seq) && each.cause === cause && each.seq < seq);
    return { cause, atMs: first?.wallMs ?? run?.sample.wallMs ?? null };
  });
}

function scansText(others: readonly LogRecord[], words: ReportWords): string {
  const last = others.filter(({ kind }) => kind === "scans").at(-1)?.data;
  if (last === undefined) return words.noScans;
  const count = (name: string): number => countOf(last[name]) ?? 0;
  return words.scanCounts(count("delayed"), count("withheld"), count("registered"));
}

/** By its hash only: a name or a note may tell of a person. */
function addedText({ kind, data }: LogRecord, words: ReportWords): string | null {
  switch (kind) {
    case "note":
      return words.addedNote;
    case "attachment":
      return words.attachment(hashOf(data["sha256"])?.toString("hex") ?? "?");
    case "attempt":
      return words.attempt(data["worked"] === true);
    default:
      return null;
  }
}
