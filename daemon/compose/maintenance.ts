import { join } from "node:path";
import { schedule } from "node-cron";
import type { Log } from "../base/log.ts";
import { keepMoment, readMoment } from "../base/moment-file.ts";
import type { Time, WallMs } from "../base/time.ts";

/** When nobody badges, also on sites that work in shifts: half past three in the site's own time zone. */
export const maintenanceCron: string = "30 3 * * *";

/** How long after the start, and how often from then on, it is asked whether a night was missed. */
export const lookPeriodMs: number = 10 * 60 * 1000;

/** A clean-up that failed is tried again then. */
export const retryAfterMs: number = 60 * 60 * 1000;

/** The night on which the clocks go back is an hour longer. */
export const longestDayMs: number = 25 * 60 * 60 * 1000;

/** Holds the moment of the last clean-up in which nothing failed. */
const lastFile = "last-clean-up";

/** What has something to do at night. */
export type Maintained = { maintain(now: WallMs): Promise<unknown> };

export type MaintenancePorts = {
  /** A clock that nothing vouches for may be years ahead, and would have everything erased. */
  readonly clock: { now(): { readonly utcMs: WallMs } | null };
  readonly time: Time;
  readonly log: Log;
};

/**
 * Erases at night what is no longer needed. A box without power at night, as on a site where that is cut when the last
 * one leaves, makes up for it by day; so does one whose clock was not trusted, or where something failed.
 *
 * @param kept what is maintained, in this order and under its name for the log
 */
export function startMaintenance(
  { timeZone, folder }: { readonly timeZone: string; readonly folder: string },
  kept: Readonly<Record<string, Maintained>>,
  ports: MaintenancePorts,
): AsyncDisposable {
  const cleanUp = new CleanUp(join(folder, lastFile), kept, ports);
  const task = schedule(maintenanceCron, () => cleanUp.atNight(), { timezone: timeZone, noOverlap: true });
  return {
    [Symbol.asyncDispose]: async () => {
      cleanUp[Symbol.dispose]();
      await task.destroy();
    },
  };
}

class CleanUp implements Disposable {
  readonly #file: string;
  readonly #kept: Readonly<Record<string, Maintained>>;
  readonly #ports: MaintenancePorts;
  #timer: Disposable;
  #isRunning = false;
  #disposed = false;

  constructor(file: string, kept: Readonly<Record<string, Maintained>>, ports: MaintenancePorts) {
    this.#file = file;
    this.#kept = kept;
    this.#ports = ports;
    this.#timer = this.#lookAfter(lookPeriodMs);
  }

  async atNight(): Promise<void> {
    const { clock, log } = this.#ports;
    const now = clock.now();
    if (now === null) log.warn({}, "nightly clean-up left out, nothing vouches for the time");
    else await this.#run(now.utcMs);
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#timer[Symbol.dispose]();
  }

  #lookAfter(delayMs: number): Disposable {
    return this.#ports.time.after(delayMs, () => void this.#look());
  }

  async #look(): Promise<void> {
    const now = this.#ports.clock.now();
    const isWell = now === null || !this.#isDue(now.utcMs) || (await this.#run(now.utcMs));
    if (!this.#disposed) this.#timer = this.#lookAfter(isWell ? lookPeriodMs : retryAfterMs);
  }

  /** One of the future was kept before the clock was set back. */
  #isDue(now: WallMs): boolean {
    try {
      const last = readMoment(this.#file);
      return last === null || last > now || now - last > longestDayMs;
    } catch (error) {
      this.#ports.log.error({ err: error, file: this.#file }, "the moment of the last clean-up cannot be read");
      return true;
    }
  }

  /** Whether all of it went well. What fails keeps nothing else from its turn. */
  async #run(now: WallMs): Promise<boolean> {
    if (this.#isRunning) return true;
    this.#isRunning = true;
    let isWell = true;
    for (const [name, each] of Object.entries(this.#kept)) {
      if (this.#disposed) return false;
      isWell = (await this.#maintained(name, () => each.maintain(now))) && isWell;
    }
    if (isWell) isWell = await this.#maintained(lastFile, async () => keepMoment(this.#file, now));
    this.#isRunning = false;
    return isWell;
  }

  async #maintained(name: string, maintain: () => Promise<unknown>): Promise<boolean> {
    try {
      await maintain();
      return true;
    } catch (error) {
      this.#ports.log.error({ err: error, of: name }, "clean-up failed in part, and is made up for within a day");
      return false;
    }
  }
}
