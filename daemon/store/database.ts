import { randomUUID } from "node:crypto";
import { copyFileSync, existsSync, statfsSync } from "node:fs";
import { BadgedError, messageOf, systemCode } from "../base/errors.ts";
import { installationFault } from "../base/installation.ts";
import type { Log } from "../base/log.ts";
import { forbidden, isForbidden } from "../base/permission.ts";
import type { WallMs } from "../base/time.ts";
import { Connection } from "./connection.ts";
import { DatabaseFiles, isOpenToOthers } from "./database-files.ts";
import { checkAtStart, checkHeader } from "./integrity.ts";
import { doubtAfterLostCommits } from "./lost-commits.ts";
import { refuseForeignOrNewer } from "./own-database.ts";
import { liftCopyInPlace, refuseUntakenCopy, takeOverCopy } from "./restored-copy.ts";
import { type Salvaged, salvage } from "./salvage.ts";
import { SalvageSource } from "./salvage-source.ts";
import { isSchemaWhole, migrate, schemaVersion, versionOf } from "./schema.ts";
import { isCopyOf, keepSchemaPages, readSchemaPages, schemaPageNumbers } from "./schema-pages.ts";
import { storeAdvice } from "./store-advice.ts";
import { isPassing, StoreError, storeErrorCodeOf, storeErrorOf } from "./store-error.ts";
import type { StoreSettings } from "./store-settings.ts";
import { inspectWal } from "./wal-file.ts";

/**
 * `log` is told what is found; `now` names what is set aside; `progressed` is called after each part of what takes long, such
 * as a salvage, so that whoever waits knows that it goes on.
 */
export type OpeningContext = { readonly log: Log; readonly now: WallMs; readonly progressed?: () => void };

/**
 * Opens the database of a store, whatever it finds in its place.
 *
 * A `daemon` makes it when there is none, or takes over a copy that was put back, brings it to the present schema, and sets
 * aside a damaged one, carrying over what reads. A `visitor` does none of that.
 *
 * @throws BadgedError `store-missing`, `store-newer` (never touched), `store-undecided`, `no-permission` or `store-unusable`
 */
export function openDatabase(settings: StoreSettings, context: OpeningContext): Connection {
  const files = new DatabaseFiles(settings.directory);
  try {
    return settings.mode === "visitor" ? openAsVisitor(files) : openAsDaemon(files, context);
  } catch (error) {
    if (error instanceof BadgedError) throw error;
    if (isForbidden(error)) throw forbidden(error);
    const fault = installationFault(error);
    if (fault !== null) throw fault;
    throw new BadgedError(
      "store-unusable",
      `the store in ${settings.directory} cannot be opened: ${messageOf(error)}`,
      storeAdvice[storeErrorCodeOf(error)] ??
        "see that the directory belongs to the user badged runs as, and that its disk is writable and has room",
      { cause: error },
    );
  }
}

/**
 * Sets the database in its place aside and puts a new one there, with everything that can still be read. When salvage
 * itself fails, the new one is empty: the daemon goes on, and the file set aside keeps what there was.
 *
 * @param reason what was found, for the log
 * @param isLogDamaged whether commits were lost with its log, which whoever opened it may have emptied since
 * @throws StoreError when salvage fails for a reason that passes, a full disk above all: the damaged file stays in its
 *   place, and the next opening salvages it
 */
export function replaceDamaged(
  directory: string,
  reason: string,
  context: OpeningContext,
  isLogDamaged: boolean = false,
): Connection {
  const { log, now, progressed } = context;
  const files = new DatabaseFiles(directory);
  // Salvage needs more room than anything else.
  files.releaseReserve();
  let salvaged: Salvaged | null = null;
  try {
    const hasLostCommits = isLogDamaged || keepDamagedLog(files, context);
    salvaged = build(files, (target) => {
      using source = SalvageSource.open(files.file, files.building, readSchemaPages(files.schemaPages));
      const carriedOver = salvage(source, target, now, progressed);
      if (hasLostCommits) doubtLost(target, context);
      return carriedOver;
    });
  } catch (error) {
    if (isPassing(error)) {
      files.dropBuilding();
      log.error({ reason, error: messageOf(error) }, "the database is damaged, and cannot be salvaged now");
      throw storeErrorOf(error);
    }
    log.error({ error: messageOf(error) }, "salvage of the damaged database failed");
    build(files, () => null);
  }
  const setAside = files.replace(now);
  files.forgetLostLog();
  files.keepReserve();
  log.error({ reason, setAside, salvaged }, "the database was damaged, set aside and replaced");
  return Connection.open(files.file);
}

function openAsVisitor(files: DatabaseFiles): Connection {
  if (!files.exists()) {
    throw new BadgedError(
      "store-missing",
      `there is no store at ${files.file}`,
      "start the daemon once, or name the configuration it runs with",
    );
  }
  files.requireAccess();
  refuseUntakenCopy(files);
  checkHeader(files.file);
  refuseDamagedLog(files);
  const connection = Connection.open(files.file);
  try {
    refuseForeignOrNewer(connection);
    if (versionOf(connection) === schemaVersion) return connection;
    throw new BadgedError(
      "store-unusable",
      `the store at ${files.file} has schema version ${versionOf(connection)}, older than this badged's ${schemaVersion}`,
      "start the daemon of this version once; it brings the store up to date",
    );
  } catch (error) {
    connection[Symbol.dispose]();
    throw error;
  }
}

function openAsDaemon(files: DatabaseFiles, context: OpeningContext): Connection {
  files.createDirectory();
  tighten(files, context.log);
  liftCopyInPlace(files);
  const strays = files.tidy(context.now);
  if (strays !== null) context.log.error({ setAside: strays }, "a write-ahead log without its database was set aside");
  takeOverCopy(files, context);
  if (!files.exists()) {
    build(files, () => null);
    files.replace(context.now);
  }
  files.keepReserve();
  files.requireAccess();
  let isLogDamaged = false;
  try {
    checkHeader(files.file);
    isLogDamaged = keepDamagedLog(files, context);
    const connection = openWithReserve(files, context, isLogDamaged);
    files.forgetLostLog();
    return withSchemaPages(files, connection, context);
  } catch (error) {
    if (error instanceof BadgedError || storeErrorCodeOf(error) !== "corrupt") throw error;
    return replaceDamaged(files.directory, messageOf(error), context, isLogDamaged);
  }
}

/** Sees to it that there is a copy of the present schema's pages, once for each schema that the database has had. */
function withSchemaPages(files: DatabaseFiles, connection: Connection, context: OpeningContext): Connection {
  if (isCopyOf(readSchemaPages(files.schemaPages), connection)) return connection;
  const pages = schemaPageNumbers(connection);
  connection[Symbol.dispose]();
  try {
    // The last to close a database empties its log into it. Who reads it beside us keeps the log, until another start.
    if (!existsSync(`${files.file}-wal`)) keepSchemaPages(files.file, pages, files.schemaPages);
  } catch (error) {
    context.log.warn({ error: messageOf(error) }, "the pages of the schema could not be copied");
  }
  return openWithReserve(files, context, false);
}

function tighten(files: DatabaseFiles, log: Log): void {
  try {
    const tightened = files.tighten();
    if (tightened.length > 0)
      log.warn({ files: tightened }, "other users could open files of the store, and cannot now");
    // Left as it is: somebody may keep other things in it, and badged goes on recording.
    if (isOpenToOthers(files.directory)) {
      log.error({ directory: files.directory }, "other users may replace the files of the store: chmod 700 its folder");
    }
  } catch (error) {
    if (systemCode(error) === null) throw error;
    // Recording goes before; a store that cannot be used at all is told of by what follows.
    log.error(
      { error: messageOf(error) },
      "files of the store may be open to other users, and cannot be closed to them",
    );
  }
}

/** A full disk would keep the daemon from starting: the room that an earlier opening kept is used up for this one. */
function openWithReserve(files: DatabaseFiles, context: OpeningContext, isLogDamaged: boolean): Connection {
  const lost = isLogDamaged ? context : null;
  try {
    requireRoomToMap(files.directory);
    return openChecked(files, lost, context);
  } catch (error) {
    if (storeErrorCodeOf(error) !== "disk-full" || !files.releaseReserve()) throw error;
    context.log.error({ error: messageOf(error) }, "the disk is full: the store is opened in the room kept for that");
    return openChecked(files, lost, context);
  }
}

/** What SQLite maps at an opening, and the pages in it of which it writes one byte each to have their place on the disk. */
const mappedBytes = 32 * 1024;
const mappedPageBytes = 4096;

/**
 * Where the blocks of a disk are smaller than a page, as mkfs makes them on one of less than 512 MB, that byte brings its own
 * block alone: the first use of the others on a full disk ends the process with SIGBUS, at every start anew.
 */
function requireRoomToMap(directory: string): void {
  const { bavail, bsize } = statfsSync(directory);
  if (bsize < mappedPageBytes && bavail * bsize < mappedBytes)
    throw new StoreError("disk-full", "database or disk is full");
}

/** @param lost where commits were lost with a damaged log; `null` when none were */
function openChecked(files: DatabaseFiles, lost: OpeningContext | null, { progressed }: OpeningContext): Connection {
  const connection = Connection.open(files.file);
  try {
    refuseForeignOrNewer(connection);
    migrate(connection, randomUUID(), progressed);
    if (!isSchemaWhole(connection)) throw new StoreError("corrupt", "a table, index or trigger is not as it was made");
    checkAtStart(connection);
    if (lost !== null) {
      doubtLost(connection, lost);
      // Frames behind the damaged place have the salt of those that follow: left there, they would count as lost again.
      connection.db.pragma("wal_checkpoint(TRUNCATE)");
    }
    return connection;
  } catch (error) {
    connection[Symbol.dispose]();
    throw error;
  }
}

function doubtLost(connection: Connection, { log, now }: OpeningContext): void {
  const count = doubtAfterLostCommits(connection, now);
  log.warn({ count }, "scans that are not settled may have been sent by a call that was lost, and are in doubt");
}

/** Makes a new database beside the one in place, closed and durable when this returns. */
function build<T>(files: DatabaseFiles, fill: (target: Connection) => T): T {
  files.beginBuilding();
  using target = Connection.open(files.building);
  migrate(target, randomUUID());
  target.db.pragma("wal_checkpoint(TRUNCATE)");
  const result = fill(target);
  target.db.pragma("wal_checkpoint(TRUNCATE)");
  return result;
}

/**
 * SQLite forgets what stands behind a damaged place of the write-ahead log. Those commits may hold acknowledged scans:
 * the log is copied aside before that, and a person is told.
 *
 * @returns whether it is damaged, or was at a start that did not come as far as to put in doubt what that lost
 */
function keepDamagedLog(files: DatabaseFiles, { log, now }: OpeningContext): boolean {
  const wal = `${files.file}-wal`;
  const verdict = inspectWal(wal);
  if (verdict.kind === "whole") return files.hasLostLog();
  const copy = `${files.nameAside(now)}-wal`;
  if (verdict.kind === "unreadable") {
    // SQLite does not go on without what stands there, as it does behind a frame that does not fit.
    const lostBytes = files.replaceUnreadableLog(copy);
    log.error({ lostBytes, copy }, "a part of the write-ahead log cannot be read, the scans recorded last may be lost");
    return true;
  }
  copyFileSync(wal, copy);
  log.error({ ...verdict, copy }, "the write-ahead log is damaged, the scans recorded last may be lost");
  return true;
}

/** The last to close a database empties its log into it and deletes it: what a damaged one holds would be gone. */
function refuseDamagedLog({ file }: DatabaseFiles): void {
  // The daemon may write while it is read; what is damaged still is at a second look.
  const isWhole = (): boolean => inspectWal(`${file}-wal`).kind === "whole";
  if (isWhole() || isWhole()) return;
  throw new BadgedError(
    "store-unusable",
    `the write-ahead log of ${file} is damaged`,
    "start the daemon once; it sets a copy aside and goes on with what can be read",
  );
}
