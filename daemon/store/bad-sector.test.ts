import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemTime } from "../base/system-time.ts";
import { createTestDisk, diskSizeMinMiB, type TestDisk, testDiskObstacle } from "../testing/disk/test-disk.ts";
import {
  at,
  draftOf,
  noon,
  openCore,
  preparedCore,
  recordId,
  recordingLog,
  registerDue,
  rosterOf,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import { DatabaseFiles } from "./database-files.ts";

/** A sector of the card that gives an error instead of what it holds, and a start upon it: on a real ext4. */

const obstacle = testDiskObstacle();
const onTestDisk = test.skipIf(obstacle !== null);
const reason = obstacle === null ? "" : ` (${obstacle})`;

const sectorBytes = 4096;
const walHeaderBytes = 32;
const frameBytes = 24 + 4096;

let folder: string;
let killed: TemporaryDirectory;
let disk: TestDisk | null = null;
let scans: readonly number[];

/** The files of a store whose power went: scans 1 and 2 in the database, registered by a call that is in the log. */
beforeEach(async () => {
  folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "badged-bad-sector-"));
  killed = temporaryDirectory();
  using lived = temporaryDirectory();
  using core = preparedCore(storeSettings(lived.path), rosterOf(1, 2, 3));
  const first = [1, 2].map((worker) => recordId(core, draftOf(worker, worker)));
  core.checkpoint();
  registerDue(core, at(100));
  const later = [200, 210, 220, 230, 240, 250].map((minutes) => recordId(core, draftOf(3, minutes)));
  scans = [...first, ...later];
  for (const name of readdirSync(lived.path)) copyFileSync(join(lived.path, name), join(killed.path, name));
  if (obstacle === null) disk = await createTestDisk({ directory: folder, sizeMiB: diskSizeMinMiB, time: systemTime });
});

afterEach(async () => {
  killed[Symbol.dispose]();
  await disk?.[Symbol.asyncDispose]();
  disk = null;
  rmSync(folder, { recursive: true });
});

async function spoiled(name: string, offset: number): Promise<string> {
  if (disk === null) throw new Error("the disk is there");
  for (const file of readdirSync(killed.path)) {
    if (!file.endsWith("-shm")) copyFileSync(join(killed.path, file), join(disk.mountPoint, file));
  }
  const file = join(disk.mountPoint, name);
  await disk.spoil(file, offset);
  expect(() => readFileSync(file)).toThrow("EIO");
  return disk.mountPoint;
}

onTestDisk(`in the database's header, it costs nothing${reason}`, async () => {
  using core = openCore(storeSettings(await spoiled("badged.sqlite", 0)));
  expect(scans.map((scan) => core.show(scan)?.state)).toEqual([
    "registered",
    "registered",
    ...Array.from({ length: 6 }, () => "waiting"),
  ]);
  expect(core.show(scans[7] ?? 0)?.doubt).toBeNull();
});

onTestDisk(`in the copy of the schema's pages, it costs nothing, and they are copied again${reason}`, async () => {
  const directory = await spoiled("badged.sqlite.schema-pages", 0);
  using core = openCore(storeSettings(directory));
  expect([1, 2].map((scan) => core.show(scan)?.state)).toEqual(["registered", "registered"]);
  expect(() => readFileSync(join(directory, "badged.sqlite.schema-pages"))).not.toThrow();
});

onTestDisk.each([
  ["header", 0],
  ["first commit", walHeaderBytes + 2 * frameBytes],
])(`in the log's %s, what was in the database is in doubt and the log is kept${reason}`, async (_, offset) => {
  const directory = await spoiled("badged.sqlite-wal", offset - (offset % sectorBytes));
  const log = recordingLog();
  using core = openCore(storeSettings(directory), log);
  expect([core.show(1), core.show(2)]).toMatchObject([
    { state: "waiting", doubt: { outcome: "interrupted" } },
    { state: "waiting", doubt: { outcome: "interrupted" } },
  ]);
  const kept = readdirSync(directory).filter((name) => /corrupt-.*-wal$/.test(name));
  expect(kept).toHaveLength(1);
  expect(statSync(join(directory, kept[0] ?? "")).size).toBe(statSync(join(killed.path, "badged.sqlite-wal")).size);
  expect(log.lines.map(({ message }) => message)).toContain(
    "a part of the write-ahead log cannot be read, the scans recorded last may be lost",
  );
});

onTestDisk(`in a log whose header is damaged too, the log is kept, and scans are recorded${reason}`, async () => {
  const wal = join(killed.path, "badged.sqlite-wal");
  writeFileSync(wal, Buffer.concat([Buffer.alloc(walHeaderBytes), readFileSync(wal).subarray(walHeaderBytes)]));
  const directory = await spoiled("badged.sqlite-wal", sectorBytes);
  using core = openCore(storeSettings(directory));
  expect(core.show(1)).toMatchObject({ state: "waiting", doubt: { outcome: "interrupted" } });
  expect(readdirSync(directory).filter((name) => /corrupt-.*-wal$/.test(name))).toHaveLength(1);
});

onTestDisk(`in the log's last commit, what is in front of it is there${reason}`, async () => {
  const size = statSync(join(killed.path, "badged.sqlite-wal")).size;
  const last = size - sectorBytes - (size % sectorBytes);
  using core = openCore(storeSettings(await spoiled("badged.sqlite-wal", last)));
  expect([1, 2].map((scan) => core.show(scan)?.state)).toEqual(["registered", "registered"]);
  expect(core.show(scans[6] ?? 0)).toMatchObject({ state: "waiting", doubt: { outcome: "interrupted" } });
});

onTestDisk(
  `in the log's last commit, what is lost is in doubt after a power cut in the start too${reason}`,
  async () => {
    const size = statSync(join(killed.path, "badged.sqlite-wal")).size;
    const last = size - sectorBytes - (size % sectorBytes);
    const directory = await spoiled("badged.sqlite-wal", last);
    const files = new DatabaseFiles(directory);
    files.replaceUnreadableLog(`${files.nameAside(noon)}-wal`);
    const doubted = scans[6] ?? 0;
    {
      using core = openCore(storeSettings(directory));
      expect(core.show(doubted)).toMatchObject({ state: "waiting", doubt: { outcome: "interrupted" } });
    }
    const log = recordingLog();
    using again = openCore(storeSettings(directory), log);
    expect(again.show(doubted)?.doubt).not.toBeNull();
    expect(log.lines).toEqual([]);
  },
);
