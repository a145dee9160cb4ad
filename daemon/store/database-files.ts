import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { utcSecondsText } from "../base/system-time.ts";
import type { WallMs } from "../base/time.ts";

/** What SQLite keeps beside a database file. */
const companions = ["-wal", "-shm"] as const;

/**
 * The files of the store in their directory, and the order in which they change places:
 *
 *     badged.sqlite                  the database, with `-wal` and `-shm` beside it while it is open
 *     badged.sqlite.building         its replacement while it is being filled with what can be read
 *     badged.sqlite.new              its replacement, finished
 *     badged.sqlite.corrupt-<utc>    a damaged one, set aside with its `-wal`
 *
 * A replacement is finished before the damaged file is moved, so a power cut at any moment leaves either the damaged
 * file in its place, and the work is done again, or no file in its place and a finished replacement.
 */
export class DatabaseFiles {
  readonly directory: string;
  readonly file: string;
  readonly building: string;
  readonly #finished: string;

  constructor(directory: string) {
    this.directory = directory;
    this.file = join(directory, "badged.sqlite");
    this.building = `${this.file}.building`;
    this.#finished = `${this.file}.new`;
  }

  /** Makes the directory, for the owner alone: it holds national numbers. */
  createDirectory(): void {
    if (mkdirSync(this.directory, { recursive: true, mode: 0o700 }) !== undefined)
      syncDirectory(dirname(this.directory));
  }

  exists(): boolean {
    return existsSync(this.file);
  }

  /** Finishes or undoes what an earlier process was doing when it died. Returns where a stray log was set aside. */
  tidy(now: WallMs): string | null {
    this.dropBuilding();
    if (this.exists()) {
      rmSync(this.#finished, { force: true });
      return null;
    }
    const strays = companions.some((companion) => existsSync(this.file + companion));
    const setAside = strays ? this.#moveAside(now) : null;
    if (existsSync(this.#finished)) this.#promote();
    return setAside;
  }

  dropBuilding(): void {
    for (const suffix of ["", ...companions]) rmSync(this.building + suffix, { force: true });
  }

  /**
   * Puts what was built, now closed, in the place of the database. Returns where the one that was there is now;
   * `null` when there was none.
   */
  replace(now: WallMs): string | null {
    renameSync(this.building, this.#finished);
    syncDirectory(this.directory);
    const setAside = this.exists() ? this.#moveAside(now) : null;
    this.#promote();
    return setAside;
  }

  /** A name for something set aside now, that is not taken. */
  nameAside(now: WallMs): string {
    const name = `${this.file}.corrupt-${utcSecondsText(now).replace(/[-:]/g, "")}`;
    for (let copy = 1; ; copy += 1) {
      const candidate = copy === 1 ? name : `${name}-${copy}`;
      if (["", ...companions].every((suffix) => !existsSync(candidate + suffix))) return candidate;
    }
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
