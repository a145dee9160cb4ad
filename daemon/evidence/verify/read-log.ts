import { type Failure, type FailureCode, failure } from "./failure.ts";
import {
  type AnchorRecord,
  anchorRecordOf,
  type EpochRecord,
  epochRecordOf,
  type LogLine,
  lineMaxBytes,
  parseLine,
  type SampleRecord,
  sampleRecordOf,
  type WindowRecord,
  windowRecordOf,
} from "./log-line.ts";
import { hasKnownForm } from "./record-forms.ts";
import { type ReducedFacts, ReducedLines } from "./reduced-lines.ts";
import { recordsPath } from "./sums.ts";
import { append, type Frontier, leafHasher, rootOf, sha256 } from "./tree.ts";
import { type UntoldFailure, UntoldFailures } from "./untold-failures.ts";

/** A failing sample, with what stood around it. Of the others only their place is kept: a month has 90,000. */
export type FailingSample = {
  readonly sample: SampleRecord;
  /** The first of the failing samples that follow each other up to this one. */
  readonly runFrom: number;
  /** The sample before that run, in which nothing failed; `null` when the bundle has none. */
  readonly lastGood: number | null;
};

/** What the verdicts need of the log, gathered in one pass. */
export type LogFacts = {
  /** The first line, where the bundle begins with it. */
  readonly epoch: EpochRecord | null;
  readonly anchors: readonly AnchorRecord[];
  readonly failing: readonly FailingSample[];
  /** By window, in the order of the log. */
  readonly windows: ReadonlyMap<string, readonly [WindowRecord, ...WindowRecord[]]>;
  /** For the first record of a window: the first of the failing samples just before it. */
  readonly runBefore: ReadonlyMap<number, number>;
  /** For the record by which a window closed: the sample just before it, in which nothing failed. */
  readonly goodBefore: ReadonlyMap<number, number>;
  /** The same samples, as long as they are not reduced to their hashes. */
  readonly goodSampleBefore: ReadonlyMap<number, SampleRecord>;
  /** Windows of which somebody recorded that registering over another channel worked. */
  readonly otherChannelWorked: ReadonlySet<string>;
  readonly untold: readonly UntoldFailure[];
  readonly reduced: ReducedFacts;
  readonly records: number;
};

export type ReadLog = {
  readonly facts: LogFacts;
  /** By size, the root that the lines give. */
  readonly roots: ReadonlyMap<number, Buffer>;
  /** At the first broken line the reading ends: what follows it could be anything. */
  readonly failures: readonly Failure[];
};

/**
 * Reads the lines from `before.size` up to `size`: each canonical, in sequence, chained to the one before it, and a leaf.
 *
 * @param before what is known of the tree to the left of the first line; it is added to
 * @param rootsAt the sizes at which the root is wanted
 */
export function readLog(bytes: Uint8Array, before: Frontier, size: number, rootsAt: ReadonlySet<number>): ReadLog {
  const first = before.size;
  const roots = new Map<number, Buffer>();
  const gathered = new Gathering();
  const leafOf = leafHasher(lineMaxBytes);
  const ended = (code: FailureCode, seq: number, detail: string | null = null): ReadLog => {
    const failures = [failure(code, `${recordsPath}, record ${seq}`, detail)];
    return { facts: gathered.facts(), roots, failures };
  };
  noteRoot(roots, before, rootsAt);
  let previous: Buffer | null = first === 0 ? Buffer.alloc(32) : null;
  for (let at = 0; at < bytes.length; ) {
    const seq = before.size;
    const end = bytes.indexOf(10, at);
    if (end < 0) return ended("log-size-differs", seq, "its last line does not end");
    if (end - at > lineMaxBytes) return ended("line-too-long", seq);
    if (seq >= size) return ended("log-size-differs", seq, `the manifest says ${size}`);
    const text = bytes.subarray(at, end);
    const line = parseLine(text);
    if (typeof line === "string") return ended(line, seq);
    if ((line.kind === "erased" ? line.seq : line.record.seq) !== seq) return ended("sequence-broken", seq);
    if (line.kind === "record" && previous !== null && !previous.equals(line.record.previous)) {
      return ended("chain-broken", seq);
    }
    const leaf = line.kind === "erased" ? line.leaf : leafOf(text);
    previous = line.kind === "erased" ? line.hash : sha256(text);
    append(before, leaf);
    if (!gathered.take(line)) return ended("record-malformed", seq);
    noteRoot(roots, before, rootsAt);
    at = end + 1;
  }
  return before.size === size
    ? { facts: gathered.facts(), roots, failures: [] }
    : ended("log-size-differs", before.size, `the manifest says ${size}`);
}

/** The leaf of the first line, from which its inclusion proof leads to the tree before it. */
export function firstLeaf(bytes: Uint8Array): Buffer | null {
  const end = bytes.indexOf(10);
  if (end < 0 || end > lineMaxBytes) return null;
  const text = bytes.subarray(0, end);
  const line = parseLine(text);
  if (typeof line === "string") return null;
  return line.kind === "erased" ? line.leaf : leafHasher(lineMaxBytes)(text);
}

function noteRoot(roots: Map<number, Buffer>, tree: Frontier, at: ReadonlySet<number>): void {
  const root = at.has(tree.size) ? rootOf(tree) : null;
  if (root !== null) roots.set(tree.size, root);
}

/** The facts of lines that need not follow each other; what has not its form is left out. */
export function gatherFacts(lines: Iterable<LogLine>): LogFacts {
  const gathered = new Gathering();
  for (const line of lines) gathered.take(line);
  return gathered.facts();
}

/** Collects the facts line by line. */
class Gathering {
  #epoch: EpochRecord | null = null;
  readonly #anchors: AnchorRecord[] = [];
  readonly #failing: FailingSample[] = [];
  readonly #windows = new Map<string, [WindowRecord, ...WindowRecord[]]>();
  readonly #runBefore = new Map<number, number>();
  readonly #goodBefore = new Map<number, number>();
  readonly #goodSampleBefore = new Map<number, SampleRecord>();
  readonly #otherChannelWorked = new Set<string>();
  readonly #untold = new UntoldFailures();
  readonly #reduced = new ReducedLines();
  #lastGood: number | null = null;
  /** The last sample, when nothing failed in it, whether its line is there or only its hashes. */
  #goodNow: number | null = null;
  /** The last sample, when nothing failed in it and its line is there. */
  #goodSample: SampleRecord | null = null;
  #runFrom: number | null = null;
  #records = 0;

  /** @returns whether the line has the form of its kind */
  take(line: LogLine): boolean {
    this.#records += 1;
    if (line.kind === "erased") {
      // Only samples in which nothing fails are erased.
      this.#reduced.takeReduced(line);
      this.#runFrom = null;
      this.#goodNow = line.seq;
      this.#goodSample = null;
      this.#untold.takeErased();
      return true;
    }
    const { record } = line;
    this.#reduced.takeRecord(record);
    switch (record.kind) {
      case "epoch":
        return record.seq === 0 && this.#takeEpoch(epochRecordOf(record));
      case "anchor":
        return taken(this.#anchors, anchorRecordOf(record));
      case "sample":
        return this.#takeSample(sampleRecordOf(record));
      case "window":
        return this.#takeWindow(windowRecordOf(record));
      default:
        if (record.seq === 0 || !hasKnownForm(record)) return false;
        if (record.kind === "attempt" && record.data["worked"] === true) {
          this.#otherChannelWorked.add(String(record.data["window"]));
        }
        this.#untold.takeOther(record);
        return true;
    }
  }

  facts(): LogFacts {
    return {
      epoch: this.#epoch,
      anchors: this.#anchors,
      failing: this.#failing,
      windows: this.#windows,
      runBefore: this.#runBefore,
      goodBefore: this.#goodBefore,
      goodSampleBefore: this.#goodSampleBefore,
      otherChannelWorked: this.#otherChannelWorked,
      untold: this.#untold.found,
      reduced: this.#reduced.facts,
      records: this.#records,
    };
  }

  #takeEpoch(epoch: EpochRecord | null): boolean {
    this.#epoch = epoch;
    return epoch !== null;
  }

  #takeSample(sample: SampleRecord | null): boolean {
    if (sample === null) return false;
    this.#untold.takeSample(sample);
    this.#goodSample = sample.cause === null ? sample : null;
    this.#goodNow = sample.cause === null ? sample.seq : null;
    if (sample.cause === null) {
      this.#lastGood = sample.seq;
      this.#runFrom = null;
    } else {
      this.#runFrom ??= sample.seq;
      this.#failing.push({ sample, runFrom: this.#runFrom, lastGood: this.#lastGood });
    }
    return true;
  }

  #takeWindow(window: WindowRecord | null): boolean {
    if (window === null) return false;
    this.#untold.takeWindow(window);
    this.#reduced.takeWindow(window);
    const known = this.#windows.get(window.id);
    if (known !== undefined) known.push(window);
    else {
      this.#windows.set(window.id, [window]);
      if (this.#runFrom !== null) this.#runBefore.set(window.seq, this.#runFrom);
    }
    if (window.change === "closed" && this.#goodNow !== null) {
      this.#goodBefore.set(window.seq, this.#goodNow);
      if (this.#goodSample !== null) this.#goodSampleBefore.set(window.seq, this.#goodSample);
    }
    return true;
  }
}

function taken<T>(list: T[], value: T | null): boolean {
  if (value !== null) list.push(value);
  return value !== null;
}
