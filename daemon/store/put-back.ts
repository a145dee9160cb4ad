import { closeSync, existsSync, fsyncSync, openSync } from "node:fs";
import Sqlite from "better-sqlite3";
import { messageOf } from "../base/errors.ts";
import type { WallMs } from "../base/time.ts";
import { applicationId, Connection } from "./connection.ts";
import type { OpeningContext } from "./database.ts";
import { DatabaseFiles } from "./database-files.ts";
import { StoreError, storeErrorCodeOf, storeErrorOf } from "./store-error.ts";

/** A database that is open, and which no path leads to any more. */
export type TakenAway = Disposable & {
  /** @throws SqliteError when there is no room, or it cannot be read */
  copyInto(file: string): void;
};

/**
 * Somebody deleted the database, moved it, or put another in its place, under the daemon that has it open: all that is
 * committed from then on would be gone with this process. It is written anew in its place; what stands there is set aside.
 *
 * @throws StoreError when it cannot be: it stays open then, and nothing may be recorded in it
 */
export function putBack(open: TakenAway, directory: string, { log, now }: OpeningContext): void {
  const files = new DatabaseFiles(directory);
  try {
    files.createDirectory();
    files.beginBuilding();
    open.copyInto(files.building);
    // Into WAL mode, and closed: by the header that a copy has, a start that comes before the next opening would take it for
    // one that somebody put back, with every scan in doubt.
    Connection.open(files.building)[Symbol.dispose]();
    sync(files.building);
  } catch (error) {
    files.dropBuilding();
    const { code } = storeErrorOf(error);
    // As damage it would be salvaged from the file in its place, which is another one.
    throw code === "corrupt" ? new StoreError("input-output", messageOf(error), { cause: error }) : storeErrorOf(error);
  }
  const setAside = files.replace(now);
  // SQLite touches none of the files that it no longer finds in their place.
  open[Symbol.dispose]();
  try {
    files.keepReserve();
  } catch (error) {
    log.warn({ error: messageOf(error), code: storeErrorCodeOf(error) }, "no room is kept for the next opening");
  }
  log.error({ setAside }, "the database was taken from its place while it was open, and put back");
}

/**
 * Whether a store stands in its place that never was this one, as where a disk was mounted over the folder late: its scans
 * may wait to be sent, so that it is nobody's to set aside.
 */
export function isAnotherStore(directory: string, storeId: string): boolean {
  const { file } = new DatabaseFiles(directory);
  if (!existsSync(file)) return false;
  try {
    using open = openToRead(file);
    if (open.db.pragma("application_id", { simple: true }) !== applicationId) return false;
    const found = open.db.prepare<[], string>("SELECT store_id FROM store").pluck().get();
    return found !== undefined && found !== storeId;
  } catch (error) {
    if (error instanceof Sqlite.SqliteError) return false;
    throw error;
  }
}

function openToRead(file: string): { readonly db: Sqlite.Database } & Disposable {
  const db = new Sqlite(file, { readonly: true, fileMustExist: true });
  return { db, [Symbol.dispose]: () => db.close() };
}

/**
 * Leaves all that is committed beside the store that has taken its place, under the name of one that was set aside. Does
 * not close it.
 *
 * @returns the name
 * @throws SqliteError when there is no room, or it cannot be read
 */
export function leaveBeside(open: TakenAway, directory: string, now: WallMs): string {
  const aside = new DatabaseFiles(directory).nameAside(now);
  open.copyInto(aside);
  sync(aside);
  return aside;
}

function sync(file: string): void {
  const descriptor = openSync(file, "r+");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
