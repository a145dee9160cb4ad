import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { systemCode } from "../base/errors.ts";
import { makeFolder } from "../base/folders.ts";
import { parseUtcText, utcSecondsText } from "../base/system-time.ts";
import type { WallMs } from "../base/time.ts";
import { markAsCopy } from "./copy-mark.ts";
import { copyReadable } from "./readable-copy.ts";
import { storeErrorCodeOf } from "./store-error.ts";

/** What SQLite keeps beside a database file. */
const companions = ["-wal", "-shm"] as const;

/** National numbers are in them. SQLite gives a database's companions the mode that the database has. */
const ownerOnly = 0o600;

/** Shared memory takes 32 KiB, and each commit of a start some frames of 4 KiB. */
const reserveBytes = 128 * 1024;

/**
 * The files of the store in their directory, and the order in which they change places:
 *
 *     badged.sqlite                  the database, with `-wal` and `-shm` beside it while it is open
 *     badged.sqlite.building         its replacement while it is being filled with what can be read
 *     badged.sqlite.new              its replacement, finished
 *     badged.sqlite.restored         a copy that somebody laid there, to be taken over where there is no database
 *     badged.sqlite.of-copy          says that it was taken over, until the evidence log has begun anew (`copy-mark.ts`)
 *     badged.sqlite.log-lost         says that a part of its log is lost, until the scans that it may have told of are in doubt
 *     badged.sqlite.corrupt-<utc>    a damaged one, set aside with its `-wal`; erased at night, in its time
 *     badged.sqlite.schema-pages     a copy of the pages that say where its tables begin (`schema-pages.ts`)
 *     badged.sqlite.reserve          room for an opening that finds the disk full
 *
 * A replacement is finished before the damaged file is moved, so a power cut at any moment leaves either the damaged
 * file in its place, and the work is done again, or no file in its place and a finished replacement.
 */
export class DatabaseFiles {
  readonly directory: string;
  readonly file: string;
  readonly building: string;
  readonly restored: string;
  readonly schemaPages: string;
  readonly #finished: string;
  readonly #reserve: string;
  readonly #logLost: string;

  constructor(directory: string) {
    this.directory = directory;
    this.file = join(directory, "badged.sqlite");
    this.building = `${this.file}.building`;
    this.restored = `${this.file}.restored`;
    this.schemaPages = `${this.file}.schema-pages`;
    this.#finished = `${this.file}.new`;
    this.#reserve = `${this.file}.reserve`;
    this.#logLost = `${this.file}.log-lost`;
  }

  /** Makes the directory, for the owner alone: it holds national numbers. */
  createDirectory(): void {
    if (makeFolder(this.directory)) syncDirectory(dirname(this.directory));
  }

  /** @throws Error with the system's code when this user may not know, which is not the same as that there is none */
  exists(): boolean {
    return statSync(this.file, { throwIfNoEntry: false }) !== undefined;
  }

  /**
   * What SQLite says of a file that is not its user's sounds like a bad disk.
   *
   * @throws Error with the system's code
   */
  requireAccess(): void {
    // Even who only reads writes into the shared memory beside it.
    for (const suffix of ["", ...companions]) requireAccessTo(this.file + suffix);
  }

  /**
   * Takes from all others what an earlier badged, or a copy put back by hand, gave them. What is another user's stays as
   * it is: nobody but its owner can change that.
   *
   * @returns the names of the files that others could open, and cannot now
   * @throws Error with the system's code, as where the disk knows no modes
   */
  tighten(): readonly string[] {
    return readdirSync(this.directory)
      .filter((name) => name.startsWith(basename(this.file)))
      .filter((name) => tightenOne(join(this.directory, name)));
  }

  /** Finishes or undoes what an earlier process was doing when it died. Returns where a stray log was set aside. */
  tidy(now: WallMs): string | null {
    this.dropBuilding();
    if (this.exists()) {
      rmSync(this.#finished, { force: true });
      return null;
    }
    const setAside = this.#hasCompanions() ? this.#moveAside(now) : null;
    if (existsSync(this.#finished)) this.#promote();
    return setAside;
  }

  /** Nothing can be opened on a full disk, not even to tell the worker at the reader: some room is kept for that. */
  keepReserve(): void {
    if (statSync(this.#reserve, { throwIfNoEntry: false })?.size === reserveBytes) return;
    try {
      writeFileSync(this.#reserve, Buffer.alloc(reserveBytes), { flush: true, mode: ownerOnly });
    } catch (error) {
      if (storeErrorCodeOf(error) !== "disk-full") throw error;
      this.releaseReserve();
    }
  }

  /** Whether there was any. */
  releaseReserve(): boolean {
    const isThere = existsSync(this.#reserve);
    rmSync(this.#reserve, { force: true });
    return isThere;
  }

  dropBuilding(): void {
    // A copy is written with a journal.
    for (const suffix of ["", ...companions, "-journal"]) rmSync(this.building + suffix, { force: true });
  }

  /** An empty file, which SQLite fills; one that it makes itself may be read by whomever the umask allows. */
  beginBuilding(): void {
    this.dropBuilding();
    closeSync(openSync(this.building, "wx", ownerOnly));
  }

  /**
   * Puts what was built, now closed, in the place of the database. Returns where the one that was there is now, or its log;
   * `null` when there was neither.
   */
  replace(now: WallMs): string | null {
    renameSync(this.building, this.#finished);
    syncDirectory(this.directory);
    // A log without its database too: SQLite would write it into the one that takes its place.
    const setAside = this.exists() || this.#hasCompanions() ? this.#moveAside(now) : null;
    // Of the one that was there: the tables of another begin elsewhere.
    rmSync(this.schemaPages, { force: true });
    this.#promote();
    return setAside;
  }

  /** Whether there is a copy to be taken over. @throws Error with the system's code when this user may not have it */
  hasRestored(): boolean {
    if (!existsSync(this.restored)) return false;
    requireAccessTo(this.restored);
    return true;
  }

  /** What is in place is only a copy, and is treated as one from now on. */
  liftToRestored(): void {
    renameSync(this.file, this.restored);
    syncDirectory(this.directory);
  }

  /**
   * Of a copy that has no log yet: what lies beside it is of an earlier one, whose taking over was cut short, and SQLite
   * would write that one's pages into this one. A journal goes too, for all that it could put back is a first page that
   * nothing was written to.
   */
  dropStraysOfRestored(): void {
    for (const suffix of [...companions, "-journal"]) rmSync(this.restored + suffix, { force: true });
    syncDirectory(this.directory);
  }

  /** Puts the copy, now closed, in the place of the database, where there is none. */
  promoteRestored(): void {
    rmSync(this.schemaPages, { force: true });
    markAsCopy(this.file);
    // Before the copy has its place: power may go between the two.
    syncDirectory(this.directory);
    renameSync(this.restored, this.file);
    syncDirectory(this.directory);
  }

  /** A name for something set aside now, that is not taken. */
  nameAside(now: WallMs): string {
    const name = `${this.file}.corrupt-${utcSecondsText(now).replace(/[-:]/g, "")}`;
    for (let copy = 1; ; copy += 1) {
      const candidate = copy === 1 ? name : `${name}-${copy}`;
      if (["", ...companions].every((suffix) => !existsSync(candidate + suffix))) return candidate;
    }
  }

  /**
   * Sets a log of which a part cannot be read aside, and what can be in its place; at no moment is there none. What takes
   * its place may look whole: that it is not stays said.
   *
   * @returns how many bytes could not be read
   * @throws Error with the system's code, as on a full disk; the log is in its place then
   */
  replaceUnreadableLog(aside: string): number {
    const [wal, readable] = [`${this.file}-wal`, `${this.file}.readable-wal`];
    try {
      const lostBytes = copyReadable(wal, readable);
      linkSync(wal, aside);
      closeSync(openSync(this.#logLost, "w", ownerOnly));
      syncDirectory(this.directory);
      renameSync(readable, wal);
      syncDirectory(this.directory);
      return lostBytes;
    } finally {
      rmSync(readable, { force: true });
    }
  }

  hasLostLog(): boolean {
    return existsSync(this.#logLost);
  }

  /** Once what may be lost with it is in doubt. */
  forgetLostLog(): void {
    rmSync(this.#logLost, { force: true });
  }

  #hasCompanions(): boolean {
    return companions.some((companion) => existsSync(this.file + companion));
  }

  #moveAside(now: WallMs): string {
    const name = this.nameAside(now);
    // The database first: while it is gone, `tidy` knows that the replacement is finished.
    for (const suffix of ["", "-wal"]) {
      if (!holdsAnything(this.file + suffix, suffix)) continue;
      renameSync(this.file + suffix, name + suffix);
      syncDirectory(this.directory);
    }
    for (const suffix of companions) rmSync(this.file + suffix, { force: true });
    return name;
  }

  #promote(): void {
    renameSync(this.#finished, this.file);
    syncDirectory(this.directory);
  }
}

/** A file that was set aside under a `nameAside`, whose last part is `name` and to which SQLite's own ending is added. */
export type SetAsidePart = { readonly name: string; readonly suffix: string; readonly at: WallMs };

const asideNames = /^(badged\.sqlite\.corrupt-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z(?:-\d+)?)(-wal|-shm)?$/;

/** `null` for any other file of the directory. */
export function setAsidePart(file: string): SetAsidePart | null {
  const [, name, year, month, day, hours, minutes, seconds, suffix = ""] = asideNames.exec(file) ?? [];
  const at = parseUtcText(`${year}-${month}-${day}T${hours}:${minutes}:${seconds}Z`);
  return name === undefined || at === null ? null : { name, suffix, at };
}

/**
 * Whether others than the owner may put files into a folder: a link of theirs in the place of one of badged's has it write
 * elsewhere, and a database of theirs is taken for its own.
 */
export function isOpenToOthers(directory: string): boolean {
  return ((statSync(directory, { throwIfNoEntry: false })?.mode ?? 0) & 0o022) !== 0;
}

function tightenOne(file: string): boolean {
  const status = lstatSync(file, { throwIfNoEntry: false });
  if (status?.isFile() !== true || (status.mode & 0o077) === 0 || status.uid !== process.geteuid?.()) return false;
  chmodSync(file, ownerOnly);
  return true;
}

/** What is not there, or is gone by now, is nobody else's. */
function requireAccessTo(file: string): void {
  try {
    accessSync(file, constants.R_OK | constants.W_OK);
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
  }
}

/** An empty log, and the shared memory beside it, are nothing to keep. */
function holdsAnything(file: string, suffix: string): boolean {
  const size = statSync(file, { throwIfNoEntry: false })?.size;
  return size !== undefined && (size > 0 || suffix === "");
}

function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
