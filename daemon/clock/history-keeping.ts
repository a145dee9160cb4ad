import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { monotonicNs } from "../base/time.ts";
import type { HostClocks } from "./host-clocks.ts";
import { type ClockEvent, type Suspend, sleptBetween } from "./step-watch.ts";
import type { BootSeen, ClockHistory } from "./synchronisation.ts";

export type HistoryKeepingPorts = {
  readonly history: Pick<ClockHistory, "bootSeen" | "seeBoot" | "recordEvent">;
  readonly clocks: Pick<HostClocks, "begun" | "seen">;
  readonly log: Log;
};

/**
 * Writes the clock's history behind its back, and knows whether all of it was written: only then may the next run take what
 * is on disk for all that happened in this boot.
 */
export class HistoryKeeping {
  readonly #ports: HistoryKeepingPorts;
  readonly #bootId: string;
  readonly #writes = new Set<Promise<void>>();
  /** What went before was read, and all that came since is on disk. */
  #isWhole = false;
  /** Breaks that could not be written yet. */
  readonly #untold = new Set<ClockEvent>();
  #telling: Promise<boolean> = Promise.resolve(true);

  constructor(ports: HistoryKeepingPorts, bootId: string) {
    this.#ports = ports;
    this.#bootId = bootId;
  }

  /** A clock goes on when its history cannot be written: the stamp itself is kept with the scan. */
  keep(writing: Promise<void>): void {
    const kept: Promise<void> = this.#logged(writing).finally(() => this.#writes.delete(kept));
    this.#writes.add(kept);
  }

  keepEvent(event: ClockEvent): void {
    this.keep(this.#recordEvent(event));
  }

  /** Writes the breaks that could not be written before; whether the store knows of all of them by now. */
  toldAllBreaks(): Promise<boolean> {
    // One after the other: whoever asks while one is being written cannot know yet.
    this.#telling = this.#telling.then(() => this.#tellUntold());
    return this.#telling;
  }

  /** Resolves when all that was to be kept is, or is given up. */
  async settled(): Promise<void> {
    await Promise.all(this.#writes);
  }

  /** The box may have slept while badged did not run; `null` when nothing says that it did. */
  async findSleep(): Promise<Suspend | null> {
    const { history, clocks } = this.#ports;
    const seen = clocks.seen();
    const before = await history.bootSeen(this.#bootId);
    this.#isWhole = true;
    const then = before ?? bootSeenAwake;
    const event = sleptBetween(then, clocks.begun) ?? sleptBetween(then, seen);
    // Of a new boot nothing was proven yet that a sleep could make wrong.
    if (event === null || before === null) {
      this.keep(history.seeBoot(this.#bootId, seen));
      await this.settled();
    }
    return event;
  }

  /** A sleep that the next run finds came after this: what was proven until now keeps its worth, if all of it was kept. */
  async close(): Promise<void> {
    await this.settled();
    // The next run would not find a contradiction again.
    await this.toldAllBreaks();
    if (this.#isWhole) this.keep(this.#seeBoot());
    await this.settled();
  }

  async #tellUntold(): Promise<boolean> {
    for (const event of this.#untold) await this.#logged(this.#recordEvent(event));
    return this.#untold.size === 0;
  }

  /** The next run does not find this sleep again, once it and those before it are on disk and not before. */
  async #recordEvent(event: ClockEvent): Promise<void> {
    try {
      await this.#ports.history.recordEvent(this.#bootId, event);
    } catch (error) {
      if (event.kind !== "step") this.#untold.add(event);
      throw error;
    }
    this.#untold.delete(event);
    const isSleepUntold = [...this.#untold].some(({ kind }) => kind === "suspend");
    if (event.kind === "suspend" && !isSleepUntold) await this.#seeBoot();
  }

  #logged(writing: Promise<void>): Promise<void> {
    return writing.catch((error: unknown) => {
      this.#isWhole = false;
      this.#ports.log.error({ error: messageOf(error) }, "clock history not written");
    });
  }

  async #seeBoot(): Promise<void> {
    await this.#ports.history.seeBoot(this.#bootId, this.#ports.clocks.seen());
  }
}

/** A boot begins awake. */
const bootSeenAwake: BootSeen = { atNs: monotonicNs(0n), sleptMs: 0 };
