import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Time } from "../base/time.ts";
import type { WorkSite } from "../scan/scan.ts";
import type { Packed } from "./column-pack.ts";
import type { WalFrames } from "./connection.ts";
import { openDatabase, replaceDamaged } from "./database.ts";
import { packOutcomes, unpackDrafts } from "./draft-pack.ts";
import { StoreCore } from "./store-core.ts";
import { notRecorded, storeErrorCodeOf, storeErrorOf } from "./store-error.ts";
import type { StoreSettings } from "./store-settings.ts";

/** Damaged databases replaced while running: a disk that damages one after the other is no longer worth writing to. */
export const replacementsMax = 3;

/** The write-ahead log for the next checkpoint, the rows for the alarm, and the id, which salvage may have to change. */
export type Gauges = { readonly wal: WalFrames; readonly rows: number; readonly storeId: string };

/** What may be asked of the core from another thread; scans come by `record`. */
export type StoreCalls = Omit<StoreCore, "record" | "restoreWorkSites" | typeof Symbol.dispose>;
export type StoreMethod = keyof StoreCalls;

/**
 * Keeps a core over a usable database: when a call comes upon a damaged page, the database is set aside and replaced
 * with what reads of it, and the call is made once more.
 */
export class StoreKeeper implements Disposable {
  readonly #settings: StoreSettings;
  readonly #log: Log;
  readonly #time: Time;
  #core: StoreCore;
  #replacements: number;
  #gauges: Gauges;
  /** Readers go on using these ids; a replaced database may have lost what they stand for. */
  readonly #places: Map<number, WorkSite> = new Map();

  /** @throws BadgedError as `openDatabase` */
  constructor(settings: StoreSettings, log: Log, time: Time) {
    this.#settings = settings;
    this.#log = log;
    this.#time = time;
    this.#core = new StoreCore(openDatabase(settings, { log, now: time.wallMs() }), settings);
    this.#replacements = 0;
    this.#gauges = { wal: { frames: 0, checkpointed: 0 }, rows: 0, storeId: this.#core.storeId() };
  }

  /** Read beside every answer; a disk that cannot even be read makes them stale, not the answer wrong. */
  gauges(): Gauges {
    try {
      this.#gauges = { ...this.#gauges, wal: this.#core.walFrames(), rows: this.#core.rows() };
    } catch (error) {
      this.#log.debug({ error: messageOf(error) }, "the gauges of the store cannot be read");
    }
    return this.#gauges;
  }

  record(drafts: Packed): Packed {
    const unpacked = unpackDrafts(drafts);
    try {
      return packOutcomes(this.#guarded((core) => core.record(unpacked)));
    } catch (error) {
      return packOutcomes(unpacked.map(() => notRecorded(storeErrorCodeOf(error), messageOf(error))));
    }
  }

  call(method: StoreMethod, parameters: readonly unknown[]): unknown {
    const value = this.#guarded((core) => {
      const run = core[method] as (...values: readonly unknown[]) => unknown;
      return run.call(core, ...parameters);
    });
    if (method === "internWorkSite") this.#places.set(value as number, parameters[0] as WorkSite);
    return value;
  }

  [Symbol.dispose](): void {
    this.#core[Symbol.dispose]();
  }

  #guarded<T>(work: (core: StoreCore) => T): T {
    try {
      return work(this.#core);
    } catch (error) {
      if (storeErrorCodeOf(error) !== "corrupt" || !this.#replace(messageOf(error))) throw sendable(error);
    }
    try {
      return work(this.#core);
    } catch (error) {
      throw sendable(error);
    }
  }

  #replace(reason: string): boolean {
    if (this.#settings.mode === "visitor" || this.#replacements >= replacementsMax) return false;
    this.#replacements += 1;
    this.#core[Symbol.dispose]();
    const context = { log: this.#log, now: this.#time.wallMs() };
    this.#core = new StoreCore(replaceDamaged(this.#settings.directory, reason, context), this.#settings);
    this.#core.restoreWorkSites(this.#places);
    this.#gauges = { ...this.#gauges, storeId: this.#core.storeId() };
    return true;
  }
}

/** SQLite's errors leave as the store's own; badged's, and defects, as they are. */
function sendable(error: unknown): unknown {
  return storeErrorCodeOf(error) === "defect" ? error : storeErrorOf(error);
}
