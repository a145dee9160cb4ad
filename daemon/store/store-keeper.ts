import { randomUUID } from "node:crypto";
import { assert } from "../base/assert.ts";
import { BadgedError, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { elapsedMs, type MonotonicNs, type Time } from "../base/time.ts";
import type { WorkSite } from "../scan/scan.ts";
import type { Packed } from "./column-pack.ts";
import { Connection, type WalFrames } from "./connection.ts";
import { type OpeningContext, openDatabase, replaceDamaged } from "./database.ts";
import { DatabaseFiles } from "./database-files.ts";
import { packOutcomes, unpackDrafts } from "./draft-pack.ts";
import { isAnotherStore, leaveBeside, putBack } from "./put-back.ts";
import { StoreCore } from "./store-core.ts";
import { notRecorded, storeErrorCodeOf, storeErrorOf } from "./store-error.ts";
import type { StoreSettings } from "./store-settings.ts";

/** How often a store that stands in the place of the one that is open is looked at, and told of. */
export const anotherStoreAgainMs = 60_000;

const anotherStore =
  "another store stands in the place of the one that is open, as of a disk mounted late: restart badged once nothing waits to be sent, and see that the disk is there first";

/** Damaged databases replaced while running: a disk that damages one after the other is no longer worth writing to. */
export const replacementsMax = 3;

/** A try to put the database back writes all of it, and fills the disk where there is no room for that. */
export const putBackAgainMs = 10_000;

/** What is read beside every answer. */
export type Gauges = {
  /** The write-ahead log, for the next checkpoint. */
  readonly wal: WalFrames;
  /** For the alarm. */
  readonly rows: number;
  /** Salvage may have to change it. */
  readonly storeId: string;
  /** Another one each time that the database was opened, or replaced: what was kept in it may be lost. */
  readonly opening: string;
};

/** The tables of one room each, asked by their own methods. */
type StoreTables = Pick<
  StoreCore,
  "clock" | "dating" | "outages" | "evidence" | "windowScans" | "followUps" | "remarks" | "warnings"
>;
type NotAsked = "record" | "restoreWorkSites" | "isInPlace" | "copyInto" | typeof Symbol.dispose;

/** What may be asked from another thread, by part; scans come by `record`. */
export type StoreParts = StoreTables & { readonly core: Omit<StoreCore, NotAsked | keyof StoreTables> };
export type StorePart = keyof StoreParts;
export type StoreMethod<P extends StorePart> = keyof StoreParts[P] & string;
/** What a method of a part takes and returns. */
export type Asked<P extends StorePart, M extends StoreMethod<P>> = StoreParts[P][M] extends (
  ...parameters: infer Parameters extends readonly unknown[]
) => infer Returned
  ? { readonly parameters: Parameters; readonly returned: Returned }
  : never;

/**
 * Keeps a core over a usable database: when a call comes upon a damaged page, the database is set aside and replaced
 * with what reads of it, and the call is made once more. One that was taken from its place is put back before the call.
 */
export class StoreKeeper implements Disposable {
  readonly #settings: StoreSettings;
  readonly #log: Log;
  readonly #time: Time;
  readonly #progressed: () => void;
  /** `null` when a damaged database could not be replaced: the next call tries to open it again. */
  #core: StoreCore | null = null;
  #replacements = 0;
  /** Why the database could not be put back the last time, and when. */
  #notPutBack: { readonly error: unknown; readonly atNs: MonotonicNs } | null = null;
  /** When another store was last seen in its place. */
  #anotherStoreNs: MonotonicNs | null = null;
  #gauges: Gauges = { wal: { frames: 0, checkpointed: 0 }, rows: 0, storeId: "", opening: "" };
  /** Readers go on using these ids; a replaced database may have lost what they stand for. */
  readonly #places: Map<number, WorkSite> = new Map();

  /**
   * @param progressed is told that something goes on which takes long
   * @throws BadgedError as `openDatabase`
   */
  constructor(settings: StoreSettings, log: Log, time: Time, progressed: () => void = () => {}) {
    this.#settings = settings;
    this.#log = log;
    this.#time = time;
    this.#progressed = progressed;
    this.#core = this.#open();
  }

  /** Read beside every answer; a disk that cannot even be read makes them stale, not the answer wrong. */
  gauges(): Gauges {
    if (this.#core === null) return this.#gauges;
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

  /** @param method one of those that the part has; `StoreLink.call` sees to it, for no type comes from another thread */
  call(part: StorePart, method: string, parameters: readonly unknown[]): unknown {
    const value = this.#guarded((core) => {
      const asked = part === "core" ? core : core[part];
      const run: unknown = Reflect.get(asked, method);
      assert(typeof run === "function", `the store's ${part} has no ${method}`);
      return run.call(asked, ...parameters) as unknown;
    });
    if (part === "core" && method === "internWorkSite") this.#places.set(value as number, parameters[0] as WorkSite);
    return value;
  }

  [Symbol.dispose](): void {
    const core = this.#core;
    const isVisitor = this.#settings.mode === "visitor";
    try {
      // With this process it would be gone.
      if (core !== null && !isVisitor && !core.isInPlace()) this.#rescue(core);
    } catch (error) {
      this.#log.debug({ error: messageOf(error) }, "the database is closed out of its place");
    }
    this.#core?.[Symbol.dispose]();
    if (isVisitor) return;
    try {
      // The log that was just closed made room.
      new DatabaseFiles(this.#settings.directory).keepReserve();
    } catch (error) {
      this.#log.warn({ error: messageOf(error) }, "no room is kept for the next opening");
    }
  }

  #guarded<T>(work: (core: StoreCore) => T): T {
    try {
      return this.#run(work);
    } catch (error) {
      if (storeErrorCodeOf(error) !== "corrupt" || !this.#replace(messageOf(error))) throw sendable(error);
    }
    try {
      return this.#run(work);
    } catch (error) {
      throw sendable(error);
    }
  }

  #run<T>(work: (core: StoreCore) => T): T {
    this.#core ??= this.#reopened();
    return work(this.#core.isInPlace() || this.#settings.mode === "visitor" ? this.#core : this.#putBack(this.#core));
  }

  #rescue(core: StoreCore): void {
    const { directory } = this.#settings;
    if (!isAnotherStore(directory, core.storeId())) {
      this.#putBackNow(core);
      return;
    }
    const beside = leaveBeside(core, directory, this.#time.wallMs());
    this.#log.error({ beside }, "another store has taken the place of the database: what was open lies beside it");
  }

  /** It is not set aside, and nothing that is accepted goes into it: what is open is sent while this process lives. */
  #yieldsToAnother(core: StoreCore): boolean {
    const now = this.#time.monotonicNs();
    const seen = this.#anotherStoreNs;
    if (seen !== null && elapsedMs(seen, now) < anotherStoreAgainMs) return true;
    const { directory } = this.#settings;
    this.#anotherStoreNs = isAnotherStore(directory, core.storeId()) ? now : null;
    if (this.#anotherStoreNs === null) return false;
    this.#log.error({ directory }, anotherStore);
    return true;
  }

  #putBack(core: StoreCore): StoreCore {
    if (this.#yieldsToAnother(core)) return core;
    const failed = this.#notPutBack;
    if (failed !== null && elapsedMs(failed.atNs, this.#time.monotonicNs()) < putBackAgainMs) throw failed.error;
    this.#putBackNow(core);
    this.#core = this.#prepared(Connection.open(new DatabaseFiles(this.#settings.directory).file));
    return this.#core;
  }

  /** The core is disposed when this returns, and as it was when it throws. */
  #putBackNow(core: StoreCore): void {
    try {
      putBack(core, this.#settings.directory, { log: this.#log, now: this.#time.wallMs() });
    } catch (error) {
      this.#notPutBack = { error, atNs: this.#time.monotonicNs() };
      this.#log.error(
        { error: messageOf(error), againInMs: putBackAgainMs },
        "the database was taken from its place while it is open, and cannot be put back: a restart would lose it",
      );
      throw error;
    }
    this.#notPutBack = null;
    this.#core = null;
  }

  /** Who asks now is told what the disk said, as of any other call, and not how to mend a store that does not open. */
  #reopened(): StoreCore {
    try {
      return this.#open();
    } catch (error) {
      throw error instanceof BadgedError && error.cause !== undefined ? storeErrorOf(error.cause) : error;
    }
  }

  /** What only shows when the core prepares its work is damage like any other. */
  #open(): StoreCore {
    const context = this.#context();
    const connection = openDatabase(this.#settings, context);
    try {
      return this.#prepared(connection);
    } catch (error) {
      if (storeErrorCodeOf(error) !== "corrupt" || this.#settings.mode === "visitor") throw sendable(error);
      return this.#prepared(replaceDamaged(this.#settings.directory, messageOf(error), context));
    }
  }

  #replace(reason: string): boolean {
    if (this.#settings.mode === "visitor" || this.#replacements >= replacementsMax) return false;
    this.#core?.[Symbol.dispose]();
    this.#core = null;
    const context = this.#context();
    this.#core = this.#prepared(replaceDamaged(this.#settings.directory, reason, context));
    this.#replacements += 1;
    return true;
  }

  #context(): OpeningContext {
    return { log: this.#log, now: this.#time.wallMs(), progressed: this.#progressed };
  }

  #prepared(connection: Connection): StoreCore {
    try {
      const core = new StoreCore(connection, this.#settings);
      // From here on it is known which files are open.
      core.isInPlace();
      if (this.#places.size > 0) core.restoreWorkSites(this.#places);
      this.#gauges = { ...this.#gauges, storeId: core.storeId(), opening: randomUUID() };
      return core;
    } catch (error) {
      connection[Symbol.dispose]();
      throw error;
    }
  }
}

/** SQLite's errors leave as the store's own; badged's, and defects, as they are. */
function sendable(error: unknown): unknown {
  return storeErrorCodeOf(error) === "defect" ? error : storeErrorOf(error);
}
