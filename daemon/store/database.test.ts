import {
  chmodSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BadgedError, type ErrorCode } from "../base/errors.ts";
import { silentLog } from "../base/log.ts";
import {
  draftOf,
  openCore,
  preparedCore,
  recordId,
  recordingLog,
  rosterOf,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import { schemaVersion } from "./schema.ts";
import { storeAdvice } from "./store-advice.ts";
import type { StoreSettings } from "./store-settings.ts";

/** What is found in the store's place, and what is made of it. Damage has its own test. */

let directory: TemporaryDirectory;
let file: string;

beforeEach(() => {
  directory = temporaryDirectory();
  file = join(directory.path, "badged.sqlite");
});

afterEach(() => directory[Symbol.dispose]());

const setAside = (): readonly string[] => readdirSync(directory.path).filter((name) => name.includes(".corrupt-"));

/** Of the files of the database, by what their names have behind its own. */
function modes(): Readonly<Record<string, number>> {
  const names = readdirSync(directory.path).filter((name) => name.startsWith("badged.sqlite"));
  return Object.fromEntries(
    names.map((name) => [name.slice("badged.sqlite".length), statSync(join(directory.path, name)).mode & 0o777]),
  );
}

function ownersAlone(...suffixes: readonly string[]): Readonly<Record<string, number>> {
  return Object.fromEntries(suffixes.map((suffix) => [suffix, 0o600]));
}

function codeOf(settings: StoreSettings): ErrorCode | "opened" {
  try {
    openCore(settings)[Symbol.dispose]();
    return "opened";
  } catch (error) {
    if (error instanceof BadgedError) return error.code;
    throw error;
  }
}

function change(sql: string): void {
  const db = new Sqlite(file);
  db.exec(sql);
  db.close();
}

/** A store with three scans, closed, all of it in the database file. */
function fill(): void {
  using core = preparedCore(storeSettings(directory.path), rosterOf(1, 2, 3));
  for (const worker of [1, 2, 3]) recordId(core, draftOf(worker, worker));
}

describe("a daemon", () => {
  test("makes the directory for the owner alone", () => {
    const nested = join(directory.path, "a", "b");
    openCore(storeSettings(nested))[Symbol.dispose]();
    expect(statSync(nested).mode & 0o777).toBe(0o700);
  });

  test("keeps its files from all others, whatever the umask", () => {
    using core = preparedCore(storeSettings(directory.path), rosterOf(1));
    recordId(core, draftOf(1, 0));
    expect(modes()).toEqual(ownersAlone("", "-shm", "-wal", ".reserve", ".schema-pages"));
  });

  test("takes from all others what they could open of an earlier store, and says so", () => {
    fill();
    writeFileSync(`${file}.corrupt-20260101T000000Z`, "set aside");
    for (const name of readdirSync(directory.path)) chmodSync(join(directory.path, name), 0o644);
    writeFileSync(join(directory.path, "theirs"), "", { mode: 0o644 });
    const told: object[] = [];
    using _core = openCore(storeSettings(directory.path), { ...silentLog, warn: (fields) => void told.push(fields) });
    expect(modes()).toEqual(ownersAlone("", "-shm", "-wal", ".corrupt-20260101T000000Z", ".reserve", ".schema-pages"));
    expect(statSync(join(directory.path, "theirs")).mode & 0o777).toBe(0o644);
    expect(told).toEqual([
      { files: expect.arrayContaining(["badged.sqlite", "badged.sqlite.corrupt-20260101T000000Z"]) },
    ]);
  });

  test("says where others may put files of theirs in the place of its own", () => {
    chmodSync(directory.path, 0o770);
    const log = recordingLog();
    openCore(storeSettings(directory.path), log)[Symbol.dispose]();
    const words = "other users may replace the files of the store: chmod 700 its folder";
    expect(log.lines).toContainEqual({ fields: { directory: directory.path }, message: words });
    chmodSync(directory.path, 0o750);
    const quiet = recordingLog();
    openCore(storeSettings(directory.path), quiet)[Symbol.dispose]();
    expect(quiet.lines.map(({ message }) => message)).not.toContain(words);
  });

  test("keeps what it sets aside, and what it puts in its place, from all others", () => {
    fill();
    writeFileSync(file, readFileSync(file).fill(0x5a, 0, 4096));
    chmodSync(file, 0o644);
    using core = openCore(storeSettings(directory.path));
    expect(core.rows()).toBe(3);
    expect(setAside()).toHaveLength(1);
    expect(new Set(Object.values(modes()))).toEqual(new Set([0o600]));
  });

  test("finds its scans and its id again", () => {
    fill();
    const ids = [0, 1].map(() => {
      using core = openCore(storeSettings(directory.path));
      expect(core.rows()).toBe(3);
      return core.storeId();
    });
    expect(new Set(ids).size).toBe(1);
    expect(setAside()).toEqual([]);
  });

  test("clears away what an unfinished creation left", () => {
    for (const suffix of ["", "-journal"]) writeFileSync(`${file}.building${suffix}`, "half");
    using core = openCore(storeSettings(directory.path));
    expect(core.rows()).toBe(0);
    expect(["", "-journal"].filter((suffix) => existsSync(`${file}.building${suffix}`))).toEqual([]);
  });

  test("takes the finished replacement when the power went before it was in place", () => {
    fill();
    renameSync(file, `${file}.new`);
    writeFileSync(`${file}-wal`, "the log of the one that was set aside");
    using core = openCore(storeSettings(directory.path));
    expect(core.rows()).toBe(3);
    expect(setAside()).toEqual([expect.stringMatching(/-wal$/)]);
  });

  test("does the replacement again when the power went before the damaged one was moved", () => {
    fill();
    copyFileSync(file, `${file}.new`);
    using core = openCore(storeSettings(directory.path));
    expect(core.rows()).toBe(3);
    expect(existsSync(`${file}.new`)).toBe(false);
  });

  test("never touches a database that is newer", () => {
    fill();
    change(`PRAGMA user_version = ${schemaVersion + 1}`);
    const before = readFileSync(file);
    expect(codeOf(storeSettings(directory.path))).toBe("store-newer");
    expect(readFileSync(file).equals(before)).toBe(true);
    expect(setAside()).toEqual([]);
  });

  test("refuses the database of another program, and leaves it", () => {
    const other = new Sqlite(file);
    other.pragma("journal_mode = WAL");
    other.exec("CREATE TABLE theirs (a)");
    other.close();
    expect(codeOf(storeSettings(directory.path))).toBe("store-undecided");
    expect(setAside()).toEqual([]);
  });

  test("says so when the directory is none", () => {
    writeFileSync(join(directory.path, "taken"), "");
    expect(codeOf(storeSettings(join(directory.path, "taken")))).toBe("store-unusable");
  });
});

describe("a visitor", () => {
  const visit = (): StoreSettings => storeSettings(directory.path, { mode: "visitor" });

  test("finds no store where there is none, and makes none", () => {
    expect(codeOf(visit())).toBe("store-missing");
    expect(existsSync(file)).toBe(false);
  });

  test("sees what the daemon commits, and the daemon what it releases", () => {
    using daemon = preparedCore(storeSettings(directory.path), rosterOf(1));
    using visitor = openCore(visit());
    recordId(daemon, draftOf(1, 0));
    expect(visitor.summary().rows).toBe(1);
    visitor.replaceRoster(rosterOf(1, 2), "visited", draftOf(1, 0).stamp.utcMs);
    expect(daemon.rosterFingerprint()).toBe("visited");
  });

  test("refuses a newer store", () => {
    fill();
    change(`PRAGMA user_version = ${schemaVersion + 1}`);
    expect(codeOf(visit())).toBe("store-newer");
  });

  test("refuses an older store, for only the daemon migrates", () => {
    fill();
    change(`PRAGMA user_version = ${schemaVersion - 1}`);
    expect(codeOf(visit())).toBe("store-unusable");
  });

  test("leaves a damaged store to the daemon", () => {
    fill();
    truncateSync(file, 5000);
    expect(codeOf(visit())).toBe("store-unusable");
    expect(setAside()).toEqual([]);
    rmSync(file);
  });

  test("of a store with a damaged header is told what mends it", () => {
    fill();
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.fill(0x5a, 0, 16));
    expect(() => openCore(visit())).toThrow(
      expect.objectContaining({ code: "store-unusable", advice: storeAdvice.corrupt }),
    );
    expect(readFileSync(file).equals(bytes)).toBe(true);
  });

  test("leaves a database that was emptied, and its log, to the daemon", () => {
    const core = preparedCore(storeSettings(directory.path), rosterOf(1));
    recordId(core, draftOf(1, 0));
    const log = readFileSync(`${file}-wal`);
    core[Symbol.dispose]();
    truncateSync(file, 0);
    writeFileSync(`${file}-wal`, log);
    expect(() => openCore(visit())).toThrow(
      expect.objectContaining({ code: "store-unusable", advice: storeAdvice.corrupt }),
    );
    expect([readFileSync(file).length, readFileSync(`${file}-wal`).equals(log)]).toEqual([0, true]);
  });
});
