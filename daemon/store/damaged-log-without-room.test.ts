import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
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

const frameBytes = 24 + 4096;

let disk: TemporaryDirectory;
let directory: string;

/** A write-ahead log that is damaged on a disk with no room for its copy. Mounting that disk needs root. */
describe.skipIf(process.getuid?.() !== 0)("a damaged write-ahead log without room for its copy", () => {
  beforeEach(() => {
    disk = temporaryDirectory();
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", disk.path]);
    directory = join(disk.path, "store");
    const file = join(directory, "badged.sqlite");
    const core = preparedCore(storeSettings(directory), rosterOf(1));
    core.checkpoint();
    for (let minutes = 0; minutes < 100; minutes += 10) recordId(core, draftOf(1, minutes));
    // As a power cut leaves the files, and a bad sector in the first commit after the checkpoint.
    const [database, wal] = [readFileSync(file), readFileSync(`${file}-wal`)];
    core[Symbol.dispose]();
    wal.fill(0xa5, 32 + 2 * frameBytes + 500, 32 + 2 * frameBytes + 600);
    writeFileSync(file, database);
    writeFileSync(`${file}-wal`, wal, { mode: 0o600 });
  });

  afterEach(() => {
    execFileSync("umount", ["-l", disk.path]);
    disk[Symbol.dispose]();
  });

  const ballast = (): string => join(disk.path, "ballast");
  const copies = (): readonly string[] => readdirSync(directory).filter((name) => /corrupt-.*-wal$/.test(name));
  const log = (): Buffer => readFileSync(join(directory, "badged.sqlite-wal"));

  test("stays as it is, start after start, and is copied whole once there is room", () => {
    const before = log();
    const { bavail, bsize } = statfsSync(disk.path);
    writeFileSync(ballast(), Buffer.alloc(bavail * bsize - 16_384));
    for (let start = 0; start < 3; start += 1) {
      expect(() => openCore(storeSettings(directory), recordingLog())).toThrow(/no space left/);
      expect(copies()).toEqual([]);
    }
    expect(log().equals(before)).toBe(true);
    rmSync(ballast());
    using _core = openCore(storeSettings(directory), recordingLog());
    expect(copies().map((name) => readFileSync(join(directory, name)).equals(before))).toEqual([true]);
  });
});
