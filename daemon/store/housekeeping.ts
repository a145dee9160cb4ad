import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { elapsedMs, type MonotonicNs, type Time } from "../base/time.ts";
import type { RecordOutcome } from "../scan/scan.ts";
import { planCheckpoint, quietMs } from "./checkpoint.ts";
import { type FillLevel, fillLevelOf } from "./fill-level.ts";
import type { Gauges } from "./store-keeper.ts";
import type { StoreSettings } from "./store-settings.ts";

/** Between two slices of the scrub: 10⁶ scans are read in about 7 minutes, with 1 % of one core. */
export const scrubPeriodMs = 100;

/** What broke a slice off, a command that holds the database or a disk that does not answer, may have passed by then. */
export const scrubAgainMs: number = 10 * 60 * 1000;

/** A failure that goes on is told again this often. */
export const repeatLogMs = 60_000;

/** Between two slices of room in the write-ahead log: a start has all of it within ten seconds. */
export const lengthenPeriodMs = 100;

/** What keeps the log from being emptied of what was erased, a command that reads or a full disk, may have passed by then. */
export const forgetAgainMs: number = 10 * 60 * 1000;

/** What is done when nobody badges; each resolves when the worker thread has done it. */
export type Chores = {
  readonly checkpoint: () => Promise<void>;
  /** Resolves to whether the log is long enough now. */
  readonly lengthenLog: () => Promise<boolean>;
  /** Resolves to whether nothing of what was erased is in the log any more. */
  readonly forgetErased: () => Promise<boolean>;
  /** Resolves to whether the whole database has been read. */
  readonly scrubSlice: () => Promise<boolean>;
};

/** Watches the store beside its work: checkpoints and the scrub in quiet moments, alarms when it fills or fails. */
export class Housekeeping implements Disposable {
  readonly #settings: StoreSettings;
  readonly #time: Time;
  readonly #log: Log;
  readonly #chores: Chores;
  #checkpointTimer: Disposable | null = null;
  /** One at a time: the log that is emptied gets its room afterwards. */
  #logTimer: Disposable | null = null;
  /** Goes before the room: a slice that is being made meanwhile plans no other in its place. */
  #hasToForget = false;
  #scrubTimer: Disposable | null = null;
  #gauges: Gauges | null = null;
  #checkpointing = false;
  #disposed = false;
  #lastScanNs: MonotonicNs;
  #fill: FillLevel = "normal";
  #refusedLoggedNs: MonotonicNs | null = null;
  #refused = 0;
  #uncheckedLoggedNs: MonotonicNs | null = null;

  constructor(settings: StoreSettings, ports: { readonly time: Time; readonly log: Log }, chores: Chores) {
    this.#settings = settings;
    this.#time = ports.time;
    this.#log = ports.log;
    this.#chores = chores;
    this.#lastScanNs = ports.time.monotonicNs();
  }

  get fill(): FillLevel {
    return this.#fill;
  }

  /** Starts making room in the write-ahead log, slice by slice, once nobody badges. */
  lengthenLog(afterMs: number = quietMs): void {
    if (!this.#hasToForget) this.#planForLog(afterMs, () => void this.#lengthenLog());
  }

  /** Empties the write-ahead log of what was erased, once nobody badges, and makes its room anew. */
  forgetErased(afterMs: number = quietMs): void {
    this.#hasToForget = true;
    this.#planForLog(afterMs, () => void this.#forgetErased());
  }

  /** Starts reading the whole database through, slice by slice, whenever nobody badges. */
  scrub(afterMs: number = scrubPeriodMs): void {
    if (!this.#disposed) this.#scrubTimer = this.#time.after(afterMs, () => void this.#scrubSlice());
  }

  recorded(outcome: RecordOutcome): void {
    this.#lastScanNs = this.#time.monotonicNs();
    if (outcome.kind !== "not-recorded") this.#tellRecovered();
    // That lasts, beside workers who are recorded: intake tells each, and nothing is over with the next worker.
    else if (outcome.reason !== "limit-of-unknown") this.#tellRefused(outcome.reason, outcome.detail);
  }

  answered(gauges: Gauges): void {
    this.#gauges = gauges;
    this.#watchFill(gauges.rows);
    this.#planCheckpoint();
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#checkpointTimer?.[Symbol.dispose]();
    this.#logTimer?.[Symbol.dispose]();
    this.#scrubTimer?.[Symbol.dispose]();
  }

  /** Left to the daemon: a command beside it comes and goes. */
  #planCheckpoint(): void {
    if (this.#gauges === null || this.#checkpointing || this.#disposed || this.#settings.mode === "visitor") return;
    const plan = planCheckpoint(this.#gauges.wal, this.#quietForMs());
    if (plan.kind === "now") void this.#checkpoint();
    if (plan.kind !== "wait" || this.#checkpointTimer !== null) return;
    this.#checkpointTimer = this.#time.after(plan.forMs, () => {
      this.#checkpointTimer = null;
      this.#planCheckpoint();
    });
  }

  #quietForMs(): number {
    return elapsedMs(this.#lastScanNs, this.#time.monotonicNs());
  }

  async #checkpoint(): Promise<void> {
    this.#checkpointing = true;
    try {
      await this.#chores.checkpoint();
      this.#uncheckedLoggedNs = null;
    } catch (error) {
      // A full disk, or the store closing: the log stays as it is, and the next commit asks again.
      this.#tellUnchecked(messageOf(error));
    } finally {
      this.#checkpointing = false;
    }
  }

  #planForLog(afterMs: number, work: () => void): void {
    this.#logTimer?.[Symbol.dispose]();
    if (!this.#disposed) this.#logTimer = this.#time.after(afterMs, work);
  }

  async #forgetErased(): Promise<void> {
    try {
      const quietInMs = quietMs - this.#quietForMs();
      if (quietInMs > 0) {
        this.forgetErased(quietInMs);
        return;
      }
      this.#hasToForget = false;
      if (await this.#chores.forgetErased()) this.lengthenLog(lengthenPeriodMs);
      else this.forgetErased(forgetAgainMs);
    } catch (error) {
      const fields = { error: messageOf(error), againInMs: forgetAgainMs };
      this.#log.warn(fields, "the write-ahead log could not be emptied of what was erased");
      this.forgetErased(forgetAgainMs);
    }
  }

  async #lengthenLog(): Promise<void> {
    try {
      const quietInMs = quietMs - this.#quietForMs();
      if (quietInMs > 0) this.lengthenLog(quietInMs);
      else if (!(await this.#chores.lengthenLog())) this.lengthenLog(lengthenPeriodMs);
    } catch (error) {
      // Commits do without: they lengthen the log themselves, as far as they can.
      this.#log.warn({ error: messageOf(error) }, "no more room was made in the write-ahead log ahead of time");
    }
  }

  async #scrubSlice(): Promise<void> {
    try {
      if (this.#quietForMs() >= quietMs && (await this.#chores.scrubSlice())) return;
      this.scrub();
    } catch (error) {
      const fields = { error: messageOf(error), againInMs: scrubAgainMs };
      this.#log.warn(fields, "the check of the whole database was broken off");
      this.scrub(scrubAgainMs);
    }
  }

  #watchFill(rows: number): void {
    const fill = fillLevelOf(rows, this.#settings);
    if (fill === this.#fill) return;
    this.#fill = fill;
    const fields = { rows, maxScans: this.#settings.maxScans };
    if (fill === "normal") this.#log.info(fields, "the store has room again");
    if (fill === "alarm") this.#log.error(fields, "the store is filling up, scans are not sent or not erased");
    if (fill === "full") this.#log.fatal(fields, "the store is full, scans are refused");
  }

  /** Every answer of the store tries again, which on a full disk is many times a second. */
  #tellUnchecked(error: string): void {
    const now = this.#time.monotonicNs();
    if (this.#uncheckedLoggedNs !== null && elapsedMs(this.#uncheckedLoggedNs, now) < repeatLogMs) return;
    this.#uncheckedLoggedNs = now;
    this.#log.warn({ error }, "the write-ahead log could not be checkpointed");
  }

  #tellRefused(reason: string, detail: string): void {
    this.#refused += 1;
    const now = this.#time.monotonicNs();
    if (this.#refusedLoggedNs !== null && elapsedMs(this.#refusedLoggedNs, now) < repeatLogMs) return;
    this.#refusedLoggedNs = now;
    this.#log.error({ reason, detail, notRecorded: this.#refused }, "a scan was not recorded");
  }

  #tellRecovered(): void {
    if (this.#refused === 0) return;
    this.#log.info({ notRecorded: this.#refused }, "scans are recorded again");
    this.#refused = 0;
    this.#refusedLoggedNs = null;
  }
}
