import type { EvidenceArchive, KeptAnchor, KeptRecord } from "../evidence-store.ts";
import { type Hash, leafHash } from "../merkle.ts";
import type { EvidenceRecord } from "../record.ts";
import type { BundleCheckpoint, BundleContent } from "./bundle.ts";
import { type NearbyCheckpoint, nearbyCheckpoints } from "./nearby.ts";
import { blockLeaves, RangeRoots } from "./range-roots.ts";
import { type RecordSpan, selectRange } from "./selection.ts";

/** What the log has of what somebody wants to show. */
export type GatheredLog = Pick<BundleContent, "first" | "lines" | "rootOf" | "checkpoints" | "windows"> & {
  readonly epoch: number;
  /** Of the box when the epoch began, base64. */
  readonly key: string;
  /** Whether all that is wanted is in it, up to its end. */
  readonly isWhole: boolean;
  /** When the last record for whose time something vouched was written, of this epoch or a later one, UTC ms. */
  readonly newestMs: number | null;
  /** When the first record of this epoch for whose time something vouched was written, UTC ms: of before it tells nothing. */
  readonly beganMs: number | null;
  /** Records of its windows that come after it: what people added, and counts of scans. */
  readonly later: number;
};

/** - `window`: by the id that the log has of it. - `period`: every window that a record of this time speaks of. */
export type Wanted =
  | { readonly kind: "window"; readonly id: string }
  | { readonly kind: "period"; readonly fromMs: number; readonly toMs: number };

type Archive = Omit<EvidenceArchive, "evidenceSalt">;

const sliceRecords = 2000;

/**
 * What is told of a window's scans, or added by people, goes into its bundle as long as it comes at most this many records
 * after the last one, which is an hour of peace: a bundle is small, and a note of next week would bring the week with it.
 */
export const laterMaxRecords = 400;

/**
 * Reads the log twice, in slices: once for the tree and for where the wanted lies, once for its lines and the leaves that
 * its proofs need. Seven years have seven million lines, and a box has the memory neither for them nor for their leaves.
 *
 * @returns `null` when no record speaks of it; `uncovered` while no checkpoint covers any of it
 */
export async function gatherLog(archive: Archive, wanted: Wanted): Promise<GatheredLog | "uncovered" | null> {
  const end = await archive.evidenceEnd();
  let newestMs: number | null = null;
  for (let epoch = end?.epoch ?? 0; epoch >= 1; epoch -= 1) {
    const survey = new Survey(wanted);
    for await (const record of recordsOf(archive, epoch, 0)) survey.take(record);
    newestMs ??= survey.newestMs;
    if (survey.span === null) continue;
    const found = await gatherEpoch(archive, epoch, survey, survey.span);
    return found === "uncovered" ? found : { ...found, newestMs };
  }
  return null;
}

async function gatherEpoch(
  archive: Archive,
  epoch: number,
  survey: Survey,
  span: RecordSpan,
): Promise<Omit<GatheredLog, "newestMs"> | "uncovered"> {
  const checkpoints = await nearbyCheckpoints(archive, epoch, span, survey.size);
  const named = checkpoints.map(({ size, anchors }) => ({
    size,
    tokens: anchors.filter(({ type }) => type === "rfc3161"),
    cosignatures: anchors.filter(({ type }) => type === "witness"),
  }));
  const range = selectRange(named, span);
  if (range === null || range.size <= span.from) return "uncovered";
  const { first, size } = range;
  const lines: string[] = [];
  for await (const record of recordsOf(archive, epoch, first)) {
    if (record.seq >= size) break;
    lines.push(lineIn(record));
  }
  for (const begin of RangeRoots.blocksOf([first, ...range.sizes])) {
    for await (const record of recordsOf(archive, epoch, begin, blockLeaves)) {
      if (record.seq >= Math.min(begin + blockLeaves, size)) break;
      survey.roots.keep(record.seq, leafOf(record));
    }
  }
  const sizes = new Set(range.sizes);
  const chosen = checkpoints.filter((each) => sizes.has(each.size));
  return {
    epoch,
    key: survey.key,
    beganMs: survey.oldestMs,
    first,
    lines,
    rootOf: (range) => survey.roots.rootOf(range),
    checkpoints: chosen.map((each) => bundleCheckpoint(each, size)),
    windows: survey.windowsBefore(size),
    isWhole: range.isWhole,
    later: survey.laterThan(size),
  };
}

/** An answer that no line of the bundle names can only stand over its last checkpoint. */
function bundleCheckpoint({ size, note, anchors }: NearbyCheckpoint, lastSize: number): BundleCheckpoint {
  const usable = anchors.filter(({ seq }) => size === lastSize || seq < lastSize);
  return { size, note, tokens: proofsOf(usable, "rfc3161"), cosignatures: linesOf(usable) };
}

function proofsOf(anchors: readonly KeptAnchor[], type: KeptAnchor["type"]): readonly Uint8Array[] {
  return anchors.filter((each) => each.type === type).map(({ proof }) => proof);
}

function linesOf(anchors: readonly KeptAnchor[]): readonly string[] {
  return proofsOf(anchors, "witness").map((proof) => Buffer.from(proof).toString().replace(/\n$/, ""));
}

function leafOf(record: KeptRecord): Hash {
  return record.kind === "whole" ? leafHash(record.line) : Buffer.from(record.leaf, "hex");
}

function lineIn(record: KeptRecord): string {
  if (record.kind === "whole") return record.line;
  const { hash, leaf, seq } = record;
  return JSON.stringify({ erased: true, hash, leaf, seq });
}

async function* recordsOf(
  archive: Archive,
  epoch: number,
  from: number,
  atOnce = sliceRecords,
): AsyncGenerator<KeptRecord> {
  for (let next = from; ; ) {
    const slice = await archive.evidenceRecords(epoch, next, atOnce);
    yield* slice;
    const last = slice.at(-1);
    if (last === undefined) return;
    next = last.seq + 1;
  }
}

const toldKind = /"kind":"(?:scans|note|attachment|attempt)"/;

/** What one pass over an epoch finds out. Samples are the most by far, and are looked at as text. */
type Beginning = { readonly seq: number; readonly lastGood: number };

class Survey {
  readonly #wanted: Wanted;
  readonly roots = new RangeRoots();
  #key = "";
  #oldest: string | null = null;
  #newest: string | null = null;
  #from: number | null = null;
  #to = 0;
  #lastGood = 0;
  readonly #windows = new Map<string, number>();
  /** The first record of each window, and the good sample before it; of those that last at this place once more. */
  readonly #beginnings = new Map<string, Beginning>();
  readonly #lasting = new Map<string, Beginning>();
  /** Whole samples in a row in which nothing fails: at the first of them the watch closes what was open. */
  #goodInARow = 0;
  /** Places of what was told of the windows beside what they are. */
  readonly #told: number[] = [];

  constructor(wanted: Wanted) {
    this.#wanted = wanted;
  }

  /** Records without a gap from the first on; what follows a gap cannot be proven. */
  get size(): number {
    return this.roots.size;
  }

  get key(): string {
    return this.#key;
  }

  get newestMs(): number | null {
    return wallOf(this.#newest);
  }

  get oldestMs(): number | null {
    return wallOf(this.#oldest);
  }

  get span(): RecordSpan | null {
    return this.#from === null ? null : { from: this.#from, to: this.#to };
  }

  windowsBefore(size: number): readonly string[] {
    return [...this.#windows].filter(([, seq]) => seq < size).map(([id]) => id);
  }

  laterThan(size: number): number {
    return this.#told.filter((seq) => seq >= size).length;
  }

  take(record: KeptRecord): void {
    if (record.seq !== this.roots.size) return;
    this.roots.add(leafOf(record));
    if (record.kind === "erased") this.#lastGood = record.seq;
    else this.#look(record.seq, record.line);
  }

  #look(seq: number, line: string): void {
    if (!line.includes('"err":null,"kind":"')) {
      this.#oldest ??= line;
      this.#newest = line;
    }
    if (seq === 0) {
      const first = JSON.parse(line) as EvidenceRecord;
      this.#key = first.kind === "epoch" ? first.data.key : "";
    }
    if (line.includes('"kind":"window"')) this.#lookAtWindow(seq, JSON.parse(line) as EvidenceRecord);
    else if (this.#isInPeriod(line)) this.#takeMoment(seq);
    if (toldKind.test(line)) this.#lookAtTold(seq, JSON.parse(line) as EvidenceRecord);
    if (line.includes('"kind":"sample"')) this.#lookAtSample(seq, line);
  }

  #lookAtSample(seq: number, line: string): void {
    const isGood = line.includes('"data":{"cause":null,');
    if (isGood) this.#lastGood = seq;
    if (!isGood) this.#goodInARow = 0;
    else if (line.includes('"whole":true')) this.#goodInARow += 1;
    // The record of an end may be lost with the power: what is well does not last.
    if (this.#goodInARow > 1) this.#lasting.clear();
  }

  /** A window that lasts through the period belongs to it, though nothing is written of it meanwhile. */
  #takeMoment(seq: number): void {
    this.#widen(seq, seq);
    for (const [id, began] of this.#lasting) this.#takeWindow(id, began);
  }

  #lookAtWindow(seq: number, record: EvidenceRecord): void {
    if (record.kind !== "window") return;
    const { id, change } = record.data;
    const began = this.#beginnings.get(id) ?? { seq, lastGood: change === "opened" ? this.#lastGood : seq };
    this.#beginnings.set(id, began);
    if (change === "closed") this.#lasting.delete(id);
    else this.#lasting.set(id, began);
    const isWanted =
      this.#wanted.kind === "window"
        ? this.#wanted.id === id
        : this.#windows.has(id) || (record.wall >= this.#wanted.fromMs && record.wall < this.#wanted.toMs);
    if (!isWanted) return;
    this.#takeWindow(id, began);
    this.#widen(seq, seq);
  }

  /** From its beginning on: what failed first may be the site's own. */
  #takeWindow(id: string, { seq, lastGood }: Beginning): void {
    if (this.#windows.has(id)) return;
    this.#windows.set(id, seq);
    this.#widen(lastGood, seq);
  }

  #lookAtTold(seq: number, { data }: EvidenceRecord): void {
    if (!("window" in data) || !this.#windows.has(data.window)) return;
    this.#told.push(seq);
    if (this.#wanted.kind === "window" && seq <= this.#to + laterMaxRecords) this.#widen(seq, seq);
  }

  #isInPeriod(line: string): boolean {
    if (this.#wanted.kind !== "period") return false;
    const wall = Number(/"wall":(\d+)\}$/.exec(line)?.[1] ?? Number.NaN);
    return wall >= this.#wanted.fromMs && wall < this.#wanted.toMs;
  }

  #widen(from: number, to: number): void {
    this.#from = Math.min(this.#from ?? from, from);
    this.#to = Math.max(this.#to, to);
  }
}

function wallOf(line: string | null): number | null {
  return line === null ? null : (JSON.parse(line) as EvidenceRecord).wall;
}
