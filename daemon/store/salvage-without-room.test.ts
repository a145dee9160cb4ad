import { execFileSync } from "node:child_process";
import { closeSync, openSync, readdirSync, rmSync, statfsSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ManualTime } from "../testing/manual-time.ts";
import {
  draftOf,
  openCore,
  preparedCore,
  recordingLog,
  rosterOf,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import { packDrafts, unpackOutcomes } from "./draft-pack.ts";
import { wholeCheckMaxBytes } from "./integrity.ts";
import { StoreKeeper } from "./store-keeper.ts";

const pageBytes = 4096;

let disk: TemporaryDirectory;
let directory: string;
let scans: number;

/** A database that is damaged on a disk with no room for another one. Mounting that disk needs root. */
describe.skipIf(process.getuid?.() !== 0)("without room for salvage", () => {
  beforeEach(() => {
    disk = temporaryDirectory();
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=24m", "tmpfs", disk.path]);
    directory = join(disk.path, "store");
    using core = preparedCore(storeSettings(directory), rosterOf(1, 2, 3));
    scans = 0;
    for (; core.summary().databaseBytes < 2 * wholeCheckMaxBytes; scans += 500) {
      core.record(Array.from({ length: 500 }, (_, each) => draftOf(1 + (each % 3), (scans + each) * 10)));
    }
  });

  afterEach(() => {
    execFileSync("umount", ["-l", disk.path]);
    disk[Symbol.dispose]();
  });

  const file = (): string => join(directory, "badged.sqlite");
  const ballast = (): string => join(disk.path, "ballast");
  const strays = (): readonly string[] => readdirSync(directory).filter((name) => /corrupt|building|new/.test(name));

  function leaveRoom(bytes: number): void {
    const { bavail, bsize } = statfsSync(disk.path);
    writeFileSync(ballast(), Buffer.alloc(bavail * bsize - bytes));
  }

  /** @param at 0 the first of its pages, 1 the last */
  function damage(name: string, at: number): void {
    const db = new Sqlite(file(), { readonly: true });
    const pages = db
      .prepare<[string], number>("SELECT pageno FROM dbstat WHERE name = ? ORDER BY pageno")
      .pluck()
      .all(name);
    db.close();
    const page = pages[Math.floor((pages.length - 1) * at)] ?? 1;
    const descriptor = openSync(file(), "r+");
    writeSync(descriptor, Buffer.alloc(pageBytes, 0xa5), 0, pageBytes, (page - 1) * pageBytes);
    closeSync(descriptor);
  }

  test("at start the damaged file stays in its place, and is salvaged whole once there is room", () => {
    damage("scans_waiting", 0);
    leaveRoom(1_000_000);
    const log = recordingLog();
    expect(() => openCore(storeSettings(directory), log)).toThrow(/disk is full/);
    expect(log.lines.map(({ message }) => message)).toEqual(["the database is damaged, and cannot be salvaged now"]);
    expect(strays()).toEqual([]);
    rmSync(ballast());
    using core = openCore(storeSettings(directory), log);
    expect(core.summary().byState.waiting).toBe(scans);
  });

  test("while running the reason is told, and the store recovers by itself when there is room", () => {
    using keeper = new StoreKeeper(storeSettings(directory), recordingLog(), new ManualTime());
    damage("scans", 0.7);
    leaveRoom(0);
    const filter = { states: [], readerId: "nobody", from: null, to: null, doubtfulOnly: false, limit: 1 } as const;
    for (let round = 0; round < 5; round += 1) {
      expect(() => keeper.call("core", "list", [filter])).toThrow(expect.objectContaining({ code: "disk-full" }));
      expect(unpackOutcomes(keeper.record(packDrafts([draftOf(1, 2_000_000)])))).toMatchObject([
        { kind: "not-recorded", reason: "disk-full" },
      ]);
    }
    expect(strays()).toEqual([]);
    rmSync(ballast());
    expect(keeper.call("core", "list", [filter])).toEqual([]);
    expect(strays()).toHaveLength(1);
    expect(unpackOutcomes(keeper.record(packDrafts([draftOf(1, 2_000_000)])))).toMatchObject([{ kind: "recorded" }]);
    expect(keeper.gauges().rows).toBeGreaterThan(scans - 100);
  });
});
