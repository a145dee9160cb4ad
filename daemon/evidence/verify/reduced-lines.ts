import type { LogLine, LogRecord, WindowRecord } from "./log-line.ts";

/**
 * What is known of the lines of which only the hashes are left. Anybody who has the key can reduce any line: the hashes fit
 * the tree and the chain whatever it said.
 */
export type ReducedFacts = {
  readonly count: number;
  /** Of the line that is younger than any other by the record before it: when that was written at the earliest, UTC ms. */
  readonly youngest: { readonly seq: number; readonly notBeforeMs: number } | null;
  /** By window, how many stand where a box has no sample in which nothing fails: while it lasts. */
  readonly within: ReadonlyMap<string, number>;
  /** When the latest whole record was written at the earliest, UTC ms; `null` where nothing vouched for the clock of any. */
  readonly newestMs: number | null;
};

/** A box leaves samples whole for 90 days; a day of them for the clocks of the box and of whoever verifies. */
const wholeForMs = 89 * 24 * 3_600_000;

/**
 * The line that no box can have reduced yet when the bundle was made, nor now; `null` for none. `isUnsure` where only the
 * clock of whoever verifies says so, and stands before the log itself: then one of the two is wrong.
 *
 * @param madeMs as the bundle says: not believed where it lies before one of its records, for the clock of a box without
 *   network may have nothing to go by
 */
export function reducedTooEarly(
  { youngest, newestMs }: ReducedFacts,
  madeMs: number,
  nowMs: number,
): { readonly seq: number; readonly isUnsure: boolean } | null {
  if (youngest === null) return null;
  const isYoungAt = (atMs: number): boolean => youngest.notBeforeMs > atMs - wholeForMs;
  const { seq } = youngest;
  if (madeMs >= (newestMs ?? 0) && isYoungAt(madeMs)) return { seq, isUnsure: false };
  return isYoungAt(nowMs) ? { seq, isUnsure: nowMs < (newestMs ?? 0) } : null;
}

/** Collects it line by line. */
export class ReducedLines {
  #count = 0;
  #youngest: ReducedFacts["youngest"] = null;
  /** Of the whole record before. */
  #lastMs: number | null = null;
  #newestMs: number | null = null;
  readonly #lasting = new Set<string>();
  readonly #within = new Map<string, number>();
  /** The sample that ends a window is one in which nothing fails: the window's record follows it. */
  #isPending = false;

  get facts(): ReducedFacts {
    return { count: this.#count, youngest: this.#youngest, within: this.#within, newestMs: this.#newestMs };
  }

  takeReduced({ seq }: Extract<LogLine, { kind: "erased" }>): void {
    this.#count += 1;
    this.#settle();
    this.#isPending = true;
    if (this.#lastMs === null || this.#lastMs <= (this.#youngest?.notBeforeMs ?? -1)) return;
    this.#youngest = { seq, notBeforeMs: this.#lastMs };
  }

  takeRecord({ kind, wallMs, errorMs }: LogRecord): void {
    this.#lastMs = errorMs === null ? null : wallMs - errorMs;
    if (this.#lastMs !== null) this.#newestMs = Math.max(this.#lastMs, this.#newestMs ?? 0);
    if (kind === "sample") this.#settle();
  }

  takeWindow({ id, change }: WindowRecord): void {
    // Of others that last it was no end.
    if (change === "closed") this.#lasting.delete(id);
    this.#settle();
    if (change !== "closed") this.#lasting.add(id);
  }

  #settle(): void {
    if (!this.#isPending) return;
    this.#isPending = false;
    for (const id of this.#lasting) this.#within.set(id, (this.#within.get(id) ?? 0) + 1);
  }
}
