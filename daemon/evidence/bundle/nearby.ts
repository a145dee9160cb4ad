import type { EvidenceArchive, KeptAnchor } from "../evidence-store.ts";
import type { RecordSpan } from "./selection.ts";

/** A checkpoint that may bound a span, and all that others said of it. */
export type NearbyCheckpoint = {
  readonly size: number;
  readonly note: string;
  readonly anchors: readonly KeptAnchor[];
};

type Archive = Pick<EvidenceArchive, "evidenceCheckpoints" | "evidenceAnchors">;

const sliceRows = 2000;
/** Checkpoints in memory until those that cannot matter are left out for the first time. */
const heldMin = 1000;

/**
 * The checkpoints of an epoch from which `selectRange` chooses as it would from all of them. A year has a hundred thousand of
 * them, with 50 MB of tokens and cosignatures: they are read once, and what cannot matter is not held.
 *
 * @param size of what can be proven: a checkpoint over more is of no use
 * @param holdMin checkpoints that are held without looking whether they matter
 * @returns ascending
 */
export async function nearbyCheckpoints(
  archive: Archive,
  epoch: number,
  span: RecordSpan,
  size: number,
  holdMin: number = heldMin,
): Promise<readonly NearbyCheckpoint[]> {
  const anchors = new NearbyAnchors(span, holdMin);
  for (let next = 0; !anchors.isEnough; ) {
    const slice = await archive.evidenceAnchors(epoch, next, sliceRows);
    for (const anchor of slice) if (anchor.size <= size) anchors.take(anchor);
    const last = slice.at(-1);
    if (last === undefined) break;
    next = last.seq + 1;
  }
  const found: NearbyCheckpoint[] = [];
  for (const [each, kept] of anchors.sorted) {
    const [checkpoint] = await archive.evidenceCheckpoints(epoch, each, 1);
    if (checkpoint?.size === each) found.push({ size: each, note: checkpoint.note, anchors: kept });
  }
  const newest = await newestFrom(archive, epoch, found.at(-1)?.size ?? 0, size);
  return newest === null ? found : [...found, newest];
}

/** The last one up to `size` that is larger than `from`; nobody said anything of it. */
async function newestFrom(
  archive: Archive,
  epoch: number,
  from: number,
  size: number,
): Promise<NearbyCheckpoint | null> {
  let newest: NearbyCheckpoint | null = null;
  for (let next = from + 1; ; ) {
    const slice = (await archive.evidenceCheckpoints(epoch, next, sliceRows)).filter((each) => each.size <= size);
    const last = slice.at(-1);
    if (last === undefined) return newest;
    newest = { size: last.size, note: last.note, anchors: [] };
    next = last.size + 1;
  }
}

class NearbyAnchors {
  readonly #span: RecordSpan;
  readonly #bySize = new Map<number, KeptAnchor[]>();
  readonly #holdMin: number;
  #holdMax: number;
  #isEnough = false;

  constructor(span: RecordSpan, holdMin: number) {
    this.#span = span;
    this.#holdMin = holdMin;
    this.#holdMax = holdMin;
  }

  /** Whether one was seen that ends a bundle as well as any could. */
  get isEnough(): boolean {
    return this.#isEnough;
  }

  get sorted(): readonly (readonly [number, readonly KeptAnchor[]])[] {
    return [...this.#bySize].sort(([one], [other]) => one - other);
  }

  take(anchor: KeptAnchor): void {
    const { size } = anchor;
    const anchors = [...(this.#bySize.get(size) ?? []), anchor];
    this.#bySize.set(size, anchors);
    if (size > this.#span.to) this.#isEnough ||= hasType(anchors, "rfc3161") && hasType(anchors, "witness");
    if (this.#bySize.size > this.#holdMax) this.#forget();
  }

  /**
   * What a bundle is made of: the last before the span, of each kind; those with a token from there on; and the first behind
   * it, of each kind. The newest may still get its token, and ends the bundle where there is none behind the span: then it
   * is the one before it that begins it.
   */
  #forget(): void {
    const { from, to } = this.#span;
    const all = this.sorted;
    const lastTwo = (type: KeptAnchor["type"]): readonly number[] =>
      all
        .filter(([, anchors]) => anchors.some((each) => each.type === type && each.seq <= from))
        .map(sizeOf)
        .slice(-2);
    const [tokenBefore = 0] = lastTwo("rfc3161");
    const behind = all.filter(([size, anchors]) => size > to && hasType(anchors, "witness")).map(sizeOf);
    const kept = new Set([...lastTwo("witness"), ...behind.slice(0, 1), ...all.map(sizeOf).slice(-1)]);
    for (const [size, anchors] of all) {
      if (!kept.has(size) && !(size >= tokenBefore && hasType(anchors, "rfc3161"))) this.#bySize.delete(size);
    }
    this.#holdMax = 2 * this.#bySize.size + this.#holdMin;
  }
}

function sizeOf([size]: readonly [number, readonly KeptAnchor[]]): number {
  return size;
}

function hasType(anchors: readonly KeptAnchor[], type: KeptAnchor["type"]): boolean {
  return anchors.some((each) => each.type === type);
}
