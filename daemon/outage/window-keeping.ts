import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { elapsedMs, type MonotonicNs, type Time } from "../base/time.ts";
import type { Layers } from "./layers.ts";
import type { Heartbeat, OutageStore } from "./outage-store.ts";
import { datedWindow, isUndated } from "./window-dating.ts";
import type { Moment, OutageWindow } from "./windows.ts";

export type KeepingPorts = {
  readonly store: Pick<OutageStore, "saveWindow" | "beat">;
  /** A monotonic moment of this boot as the clock dates it by now. */
  readonly moment: (atNs: MonotonicNs) => Moment;
  readonly time: Time;
  readonly log: Log;
};

/**
 * Has windows and signs of life written. The watch goes on when the disk does not: what it refused is kept, and a sign of
 * life beside an end that is not written would make a window last until then, so it waits for that.
 */
export class WindowKeeping {
  readonly #ports: KeepingPorts;
  #beatNs: MonotonicNs | null = null;
  /** Windows as they are, that the disk refused. */
  readonly #unwritten: Map<string, OutageWindow> = new Map();
  #isRefused = false;
  /** Windows that hold a moment from before the clock knew the time. */
  readonly #undated: Map<string, OutageWindow> = new Map();
  #power: Layers["power"] = "unknown";

  constructor(ports: KeepingPorts) {
    this.#ports = ports;
  }

  /** What the UPS said last; it goes with the next sign of life. */
  get power(): Layers["power"] {
    return this.#power;
  }

  get isAllWritten(): boolean {
    return this.#unwritten.size === 0;
  }

  knowsTime(): boolean {
    return this.#now.errorBoundMs !== null;
  }

  /**
   * Writes a window, with what the clock knows by now, or keeps it until the disk takes it.
   *
   * @param hasLastRun whether the last run's sign of life has still to be told of, so that none may stand beside the window
   * @returns it as it is now
   */
  async keep(window: OutageWindow, hasLastRun: boolean): Promise<OutageWindow> {
    const dated = this.#dated(window);
    const { key } = dated;
    this.#unwritten.set(key, dated);
    if (isUndated(dated, this.#now.bootId)) this.#undated.set(key, dated);
    else this.#undated.delete(key);
    await this.writeAll(hasLastRun);
    return dated;
  }

  /**
   * A window that goes on may have no other change before the box goes off, and the next boot cannot date it. What the clock
   * does not know of the past once it knows the present it never will: that is written without a bound.
   */
  dateAll(): void {
    if (!this.knowsTime()) return;
    for (const [key, window] of this.#undated) {
      this.#undated.delete(key);
      this.#unwritten.set(key, this.#dated(window));
    }
  }

  /** Tries again with every look what the disk refused, and says so once; with the first sign of life of this run where it may. */
  async writeAll(hasLastRun: boolean): Promise<void> {
    try {
      for (const [key, window] of this.#unwritten) {
        const isFirstSign = this.#beatNs === null && !hasLastRun && this.#unwritten.size === 1;
        const heartbeat = isFirstSign ? this.#heartbeat(false) : undefined;
        await this.#ports.store.saveWindow(window, heartbeat);
        if (heartbeat !== undefined) this.#beatNs = heartbeat.at.monotonicNs;
        this.#unwritten.delete(key);
      }
      this.#isRefused = false;
    } catch (error) {
      if (!this.#isRefused) this.#failed(error);
      this.#isRefused = true;
    }
  }

  /** That this run lives, when it is time to say so or the supply of the box has turned. */
  async live(power: Layers["power"], nowNs: MonotonicNs, everyMs: number): Promise<void> {
    const isDue = this.#beatNs === null || elapsedMs(this.#beatNs, nowNs) >= everyMs;
    // A box on battery may have little time left: what the UPS says now is what tells whose fault its end was.
    const hasTurned = power !== this.#power;
    if (hasTurned) this.#ports.log.warn({ power, before: this.#power }, "the supply of the box changed");
    this.#power = power;
    if ((isDue || hasTurned) && this.isAllWritten) await this.#beat(false);
  }

  /** That this run ends in order; not where it never lived, or what it saw is not written. */
  async end(hasLastRun: boolean): Promise<void> {
    if (!this.isAllWritten) await this.writeAll(hasLastRun);
    if (this.#beatNs !== null && this.isAllWritten) await this.#beat(true);
  }

  /** Beside the last run's sign of life, that this one began in another boot. */
  async follow(lastRun: Heartbeat): Promise<void> {
    if (lastRun.at.bootId === this.#now.bootId || lastRun.followedBy !== undefined || this.knowsTime()) return;
    await this.#write({ ...lastRun, followedBy: this.#now.bootId });
  }

  get #now(): Moment {
    return this.#ports.moment(this.#ports.time.monotonicNs());
  }

  #dated(window: OutageWindow): OutageWindow {
    return datedWindow(window, this.#now.bootId, ({ monotonicNs }) => this.#ports.moment(monotonicNs));
  }

  async #beat(ended: boolean): Promise<void> {
    const heartbeat = this.#heartbeat(ended);
    this.#beatNs = heartbeat.at.monotonicNs;
    await this.#write(heartbeat);
  }

  #heartbeat(ended: boolean): Heartbeat {
    return { at: this.#now, ended, power: this.#power };
  }

  async #write(heartbeat: Heartbeat): Promise<void> {
    try {
      await this.#ports.store.beat(heartbeat);
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    this.#ports.log.error({ error: messageOf(error) }, "outage not written");
  }
}
