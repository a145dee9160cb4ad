import type { LogRecord, SampleRecord, WindowRecord } from "./log-line.ts";

/** A failing sample after which the log had to speak of a window and did not. */
export type UntoldFailure = { readonly seq: number; readonly cause: string };

const failingSamplesMin = 3;
/** Looks follow each other faster while something fails; after a longer pause the box counts anew. */
const pauseMaxMs = 15_000;
/** Written between samples without the watch having stopped or the clock having been touched. */
const besideTheWatch = new Set(["anchor", "note", "attachment", "attempt", "scans"]);
/** The cause of a window that was taken up after a restart is not known from the lines before it. */
const anyCause = null;

/**
 * Whether every failure that is long enough is told in a window: a box opens one at the third failing sample in a row, and
 * tells of another cause at the first sample that shows it. Where a bundle does not hold what that needs (what was before
 * its first good sample, a restart, a clock that moved, what follows its last sample) nothing is said.
 */
export class UntoldFailures {
  readonly #found: UntoldFailure[] = [];
  readonly #open = new Map<string, string | typeof anyCause>();
  #hasSeenGood = false;
  #inARow = 0;
  #lastWallMs = 0;
  #waiting: UntoldFailure | null = null;

  get found(): readonly UntoldFailure[] {
    return this.#found;
  }

  /** An erased line is a sample in which nothing failed. */
  takeErased(): void {
    this.#takeGood();
  }

  takeSample(sample: SampleRecord): void {
    const { cause, layers, seq, wallMs } = sample;
    if (cause === null) {
      this.#takeGood();
      return;
    }
    this.#nextSample();
    if (layers.get("box") !== "running") {
      // Written afterwards, of a time in which nobody looked.
      this.#inARow = 0;
      return;
    }
    if (this.#open.size > 0) {
      const isTold = [...this.#open.values()].some((told) => told === anyCause || told === cause);
      if (!isTold) this.#waiting = { seq, cause };
      return;
    }
    const pauseMs = wallMs - this.#lastWallMs;
    this.#inARow = this.#inARow > 0 && pauseMs >= 0 && pauseMs <= pauseMaxMs ? this.#inARow + 1 : 1;
    this.#lastWallMs = wallMs;
    if (this.#hasSeenGood && this.#inARow === failingSamplesMin) this.#waiting = { seq, cause };
  }

  takeWindow({ id, change, cause }: WindowRecord): void {
    this.#inARow = 0;
    if (change === "closed") {
      this.#open.delete(id);
      return;
    }
    this.#open.set(id, cause);
    if (this.#waiting?.cause === cause) this.#waiting = null;
  }

  takeOther({ kind }: LogRecord): void {
    if (besideTheWatch.has(kind)) return;
    this.#inARow = 0;
    this.#waiting = null;
    if (kind === "start") for (const id of this.#open.keys()) this.#open.set(id, anyCause);
  }

  #takeGood(): void {
    this.#nextSample();
    this.#hasSeenGood = true;
    this.#inARow = 0;
  }

  #nextSample(): void {
    if (this.#waiting !== null) this.#found.push(this.#waiting);
    this.#waiting = null;
  }
}
