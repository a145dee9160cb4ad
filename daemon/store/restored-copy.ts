import { randomUUID } from "node:crypto";
import Sqlite from "better-sqlite3";
import { BadgedError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { WallMs } from "../base/time.ts";
import { Connection } from "./connection.ts";
import type { DatabaseFiles } from "./database-files.ts";
import { checkAtStart, hasHeaderOfCopy, journalOf } from "./integrity.ts";
import { doubtAfterLostCommits } from "./lost-commits.ts";
import { refuseForeignOrNewer } from "./own-database.ts";
import { migrate, schemaVersion, versionOf } from "./schema.ts";
import { StoreError, storeErrorCodeOf } from "./store-error.ts";

/**
 * A copy of the store that is put back is older than what the service holds: a scan that waits in it may long be
 * registered, and the ids of scans that came after it are given again. So it is laid beside the place of the store, as
 * `badged.sqlite.restored`, and taken over as after lost commits. Power may go at any moment: until the copy has its place
 * all of it is done again.
 */

/**
 * Who puts what `VACUUM INTO` wrote in the place of the database itself means the same, and it shows.
 *
 * @throws BadgedError `store-undecided` where another copy lies beside it: a person knows which one is meant
 */
export function liftCopyInPlace(files: DatabaseFiles): void {
  if (!files.exists() || !hasHeaderOfCopy(files.file)) return;
  if (files.hasRestored()) {
    throw new BadgedError(
      "store-undecided",
      `two copies were put back: ${files.file} and ${files.restored}`,
      "move one of them away; the other is taken over then",
    );
  }
  files.liftToRestored();
}

/**
 * Nothing happens where no copy lies, or where there is a database.
 *
 * @throws BadgedError `store-undecided` when the copy is damaged or another program's, `store-newer`
 * @throws Error with the system's code when it may not be read or written
 */
export function takeOverCopy(
  files: DatabaseFiles,
  { log, now, progressed }: { readonly log: Log; readonly now: WallMs; readonly progressed?: () => void },
): void {
  if (!files.hasRestored()) return;
  const { restored: copy, file } = files;
  if (files.exists()) {
    log.error({ copy, file }, "a copy of the store was not taken over, for there is a store; move one of them away");
    return;
  }
  const count = prepare(files, now, progressed);
  files.promoteRestored();
  log.warn(
    { copy, count },
    "a copy was taken over as the store; scans that are not settled in it may have been sent since, and are in doubt",
  );
}

/** Keeps who only looks from opening a copy in place: as a store its header would no longer show what it is. */
export function refuseUntakenCopy({ file }: DatabaseFiles): void {
  if (!hasHeaderOfCopy(file)) return;
  throw new BadgedError(
    "store-unusable",
    `${file} is a copy that was put back, and has not been taken over`,
    "start the daemon once; it sees to it that nothing is sent twice unmarked",
  );
}

/** @returns how many scans are in doubt */
function prepare(files: DatabaseFiles, now: WallMs, progressed?: () => void): number {
  const { restored: copy } = files;
  try {
    const journal = journalOf(copy);
    if (journal === null) throw new StoreError("corrupt", "it has no header of a store");
    if (journal === "rollback") {
      files.dropStraysOfRestored();
      lookAt(copy);
    }
    using connection = Connection.open(copy);
    refuseForeignOrNewer(connection);
    migrate(connection, randomUUID(), progressed);
    checkAtStart(connection);
    const count = doubtAfterLostCommits(connection, now, "what was sent since the copy was made is not in it");
    connection.db.pragma("wal_checkpoint(TRUNCATE)");
    return count;
  } catch (error) {
    if (error instanceof BadgedError || storeErrorCodeOf(error) !== "corrupt") throw error;
    const advice = "take an earlier copy, or move it away: a new store begins then";
    throw new BadgedError("store-undecided", `the copy ${copy} is damaged`, advice, { cause: error });
  }
}

/**
 * Before anything is written to it: what is refused stays as it was, and shows by its header what it is wherever it is
 * put. Opened for writing, it would be in WAL mode from then on.
 */
function lookAt(copy: string): void {
  const db = new Sqlite(copy, { readonly: true, fileMustExist: true });
  try {
    const connection = { db, file: copy };
    refuseForeignOrNewer(connection);
    // Of an older version not all tables are there to be read.
    if (versionOf(connection) === schemaVersion) checkAtStart(connection);
  } finally {
    db.close();
  }
}
