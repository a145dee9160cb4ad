import { statSync } from "node:fs";
import Sqlite from "better-sqlite3";
import { assert } from "../base/assert.ts";
import { systemCode } from "../base/errors.ts";

/** `BDGD`: tells badged's database from any other SQLite file (https://sqlite.org/pragma.html#pragma_application_id). */
export const applicationId = 0x42444744;

/** Longer than any transaction of a command beside the daemon: a roster of `rosterMaxBadges` takes about 0.3 s. */
export const busyTimeoutMs = 5000;

/** 4 MiB: enough for the pages a scan touches. The default of 16 MB would be a fifth of the whole daemon's memory. */
const cacheKib = 4096;

/** The write-ahead log is cut to this length when it had to grow past it. */
const walKeptBytes = 32 * 1024 * 1024;

/** Each is set and then read back, for SQLite ignores what it does not accept without a word. */
const pragmas: readonly (readonly [name: string, set: string, readBack: number | string])[] = [
  ["synchronous", "FULL", 2],
  ["foreign_keys", "ON", 1],
  ["wal_autocheckpoint", "0", 0],
  ["busy_timeout", String(busyTimeoutMs), busyTimeoutMs],
  ["cache_size", String(-cacheKib), -cacheKib],
  ["mmap_size", "0", 0],
  ["temp_store", "MEMORY", 2],
  ["journal_size_limit", String(walKeptBytes), walKeptBytes],
  // Erased national numbers are overwritten, not only unlinked.
  ["secure_delete", "ON", 1],
  ["cell_size_check", "ON", 1],
  ["trusted_schema", "OFF", 0],
];

/** The frames in the write-ahead log, and those of them that are already in the database file. */
export type WalFrames = { readonly frames: number; readonly checkpointed: number };

/**
 * One SQLite connection, set up for durability, with its transactions.
 *
 * Statements that join, or use a partial index, bind with `+?`: this SQLite is built with STAT4, and a bare parameter
 * that the planner has looked at makes it prepare the statement again at each new value (15 µs instead of 1.4 µs).
 */
export class Connection implements Disposable {
  readonly db: Sqlite.Database;
  readonly file: string;
  readonly #begin: Sqlite.Statement<[]>;
  readonly #commit: Sqlite.Statement<[]>;
  readonly #rollback: Sqlite.Statement<[]>;
  readonly #walFrames: Sqlite.Statement<[], { log: number; checkpointed: number }>;
  /** Device and inode of what is open, by the ending of its name, since it was first seen. */
  readonly #identities: Map<string, string> = new Map();

  /** @throws SqliteError when the file is not there, no database, malformed or cannot be opened */
  static open(file: string): Connection {
    const db = new Sqlite(file, { timeout: busyTimeoutMs, fileMustExist: true });
    try {
      configure(db);
      return new Connection(db, file);
    } catch (error) {
      db.close();
      throw error;
    }
  }

  private constructor(db: Sqlite.Database, file: string) {
    this.db = db;
    this.file = file;
    this.#begin = db.prepare("BEGIN IMMEDIATE");
    this.#commit = db.prepare("COMMIT");
    this.#rollback = db.prepare("ROLLBACK");
    this.#walFrames = db.prepare("PRAGMA wal_checkpoint(NOOP)");
  }

  /** All or nothing: durable when it returns, undone when it throws. */
  transact<T>(work: () => T): T {
    this.#begin.run();
    try {
      const result = work();
      this.#commit.run();
      return result;
    } catch (error) {
      // SQLite has already rolled back by itself after some errors, a full disk among them.
      if (this.db.inTransaction) this.#rollback.run();
      throw error;
    }
  }

  /**
   * `work` while no other connection writes, one of a command beside the daemon among them.
   *
   * @returns `null` when one does just now: that is not waited for
   */
  alone<T>(work: () => T): T | null {
    return this.#withoutWaiting(() => {
      try {
        return this.transact(work);
      } catch (error) {
        if (error instanceof Sqlite.SqliteError && error.code.startsWith("SQLITE_BUSY")) return null;
        throw error;
      }
    });
  }

  /** One snapshot for all that `work` reads; writers are not kept waiting. */
  snapshot<T>(work: () => T): T {
    this.db.exec("BEGIN");
    try {
      return work();
    } finally {
      if (this.db.inTransaction) this.db.exec("COMMIT");
    }
  }

  walFrames(): WalFrames {
    const row = this.#walFrames.get();
    return { frames: Math.max(0, row?.log ?? 0), checkpointed: Math.max(0, row?.checkpointed ?? 0) };
  }

  /** Copies what it can of the write-ahead log into the database file without waiting for anyone. */
  checkpoint(): void {
    this.db.pragma("wal_checkpoint(PASSIVE)");
  }

  /**
   * Copies all of the write-ahead log into the database file and cuts it to nothing. Waits for nobody.
   *
   * @returns `false` while another connection reads from the log, or writes
   */
  cutLog(): boolean {
    return this.#withoutWaiting(() => {
      const [row] = this.db.pragma("wal_checkpoint(TRUNCATE)") as readonly { readonly busy: number }[];
      return row?.busy === 0;
    });
  }

  /** Whether the names still lead to what is open; a file that cannot be looked at is not held against it. Takes 2 µs. */
  isInPlace(): boolean {
    return ["", "-wal", "-shm"].every((suffix) => {
      const found = identityOf(this.file + suffix);
      const held = this.#identities.get(suffix);
      if (held !== undefined) return found === held || found === null;
      if (found !== null && found !== missing) this.#identities.set(suffix, found);
      return true;
    });
  }

  /** Writes all that is committed into `file`, which is empty or not there. */
  copyInto(file: string): void {
    this.db.prepare("VACUUM INTO ?").run(file);
  }

  bytes(): number {
    const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    return sizeOf(this.file) + sizeOf(`${this.file}-wal`);
  }

  [Symbol.dispose](): void {
    this.db.close();
  }

  #withoutWaiting<T>(work: () => T): T {
    this.db.pragma("busy_timeout = 0");
    try {
      return work();
    } finally {
      this.db.pragma(`busy_timeout = ${busyTimeoutMs}`);
    }
  }
}

const missing = "missing";

/** `null` when the disk does not say. */
function identityOf(file: string): string | null {
  try {
    const status = statSync(file, { throwIfNoEntry: false });
    return status === undefined ? missing : `${status.dev} ${status.ino}`;
  } catch (error) {
    if (systemCode(error) === null) throw error;
    return null;
  }
}

function configure(db: Sqlite.Database): void {
  assert(db.pragma("journal_mode = WAL", { simple: true }) === "wal", "the database is in WAL mode");
  for (const [name, set, readBack] of pragmas) {
    db.pragma(`${name} = ${set}`);
    const value = db.pragma(name, { simple: true });
    assert(value === readBack, `pragma ${name} reads ${readBack} after it was set, not ${String(value)}`);
  }
}
