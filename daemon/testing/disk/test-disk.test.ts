import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { between, seededRandom } from "../../base/random.ts";
import { systemTime } from "../../base/system-time.ts";
import { elapsedMs } from "../../base/time.ts";
import { loopsIn, mountsIn } from "./mount-table.ts";
import {
  createTestDisk,
  diskSizeMaxMiB,
  diskSizeMinMiB,
  maySysAdmin,
  type TestDisk,
  testDiskObstacle,
} from "./test-disk.ts";
import type { LogEntry, LogPosition } from "./write-log.ts";

const obstacle = testDiskObstacle();
const onTestDisk = test.skipIf(obstacle !== null);
const reason = obstacle === null ? "" : ` (${obstacle})`;

const recordCount = 100;
const cutCount = 20;
const seed = 20_261_025;

/** A folder for one test, on a tmpfs where there is one. */
function temporaryFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "badged-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

function smallDisk(directory: string): Promise<TestDisk> {
  return createTestDisk({ directory, sizeMiB: diskSizeMinMiB, time: systemTime });
}

function script(name: string, parameters: readonly string[]): ChildProcess {
  const path = fileURLToPath(new URL(name, import.meta.url));
  return fork(path, parameters, { execArgv: [], stdio: ["ignore", "ignore", "pipe", "ipc"] });
}

/** Appends records to a file on the disk; the log's position at which each was known to be acknowledged. */
async function appendRecords(disk: TestDisk, mode: "synced" | "unsynced"): Promise<LogPosition[]> {
  const acknowledged: LogPosition[] = [];
  const writer = script("append-records.ts", [join(disk.mountPoint, "records"), String(recordCount), mode]);
  writer.on("message", () => acknowledged.push(disk.position()));
  expect(await once(writer, "close")).toEqual([0, null]);
  expect(acknowledged).toHaveLength(recordCount);
  return acknowledged;
}

/** The records that were acknowledged by the time of the cut and are not on the disk that it left. */
async function lostAt(disk: TestDisk, at: LogPosition, acknowledged: readonly LogPosition[]): Promise<number[]> {
  return await disk.cut({ at, random: seededRandom(seed + at) }, (mountPoint) => {
    const file = join(mountPoint, "records");
    const found = new Set(existsSync(file) ? readFileSync(file, "latin1").split("\n") : []);
    return acknowledged.flatMap((position, record) =>
      position <= at && !found.has(`record ${record}`) ? [record] : [],
    );
  });
}

function countFlushes(entries: readonly LogEntry[]): number {
  return entries.filter(({ kind }) => kind === "flush").length;
}

onTestDisk(`a record acknowledged after fdatasync survives every power cut${reason}`, async () => {
  using folder = temporaryFolder();
  await using disk = await smallDisk(folder.path);
  const acknowledged = await appendRecords(disk, "synced");
  const random = seededRandom(seed);
  const positions = Array.from({ length: cutCount }, () => between(random, 0, disk.position())).sort((a, b) => a - b);
  for (const at of [...positions, ...acknowledged.slice(-2)]) expect(await lostAt(disk, at, acknowledged)).toEqual([]);
});

onTestDisk(`a record acknowledged without fdatasync is lost in a power cut${reason}`, async () => {
  using folder = temporaryFolder();
  await using disk = await smallDisk(folder.path);
  const acknowledged = await appendRecords(disk, "unsynced");
  const at = Math.max(...acknowledged);
  expect(await lostAt(disk, at, acknowledged)).not.toEqual([]);
});

onTestDisk(`each fdatasync of an append reaches the disk as a flush${reason}`, async () => {
  using folder = temporaryFolder();
  await using disk = await smallDisk(folder.path);
  const before = disk.position();
  await appendRecords(disk, "synced");
  expect(countFlushes(disk.entries().slice(before))).toBeGreaterThanOrEqual(recordCount);
});

onTestDisk(`a flush takes as long as it is told to${reason}`, async () => {
  using folder = temporaryFolder();
  await using disk = await smallDisk(folder.path);
  const file = openSync(join(disk.mountPoint, "file"), "w");
  await disk.setSyncDelayMs(100);
  const start = systemTime.monotonicNs();
  writeSync(file, "data");
  fdatasyncSync(file);
  const tookMs = elapsedMs(start, systemTime.monotonicNs());
  await disk.setSyncDelayMs(0);
  closeSync(file);
  expect(tookMs).toBeGreaterThanOrEqual(100);
});

onTestDisk(
  `a cut may be earlier than the one before, and what is done to it stays out of the next${reason}`,
  async () => {
    using folder = temporaryFolder();
    await using disk = await smallDisk(folder.path);
    const acknowledged = await appendRecords(disk, "synced");
    const random = seededRandom(seed);
    await disk.cut({ at: disk.position(), random }, (mountPoint) => rmSync(join(mountPoint, "records")));
    expect(await disk.cut({ at: 0, random }, (mountPoint) => readdirSync(mountPoint))).toEqual(["lost+found"]);
    expect(await lostAt(disk, disk.position(), acknowledged)).toEqual([]);
  },
);

onTestDisk(`a disk whose writes are forgotten has no position and can be written to${reason}`, async () => {
  using folder = temporaryFolder();
  await using disk = await createTestDisk({
    directory: folder.path,
    sizeMiB: diskSizeMinMiB,
    time: systemTime,
    writes: "forgotten",
  });
  await appendRecords(disk, "synced");
  expect(disk.position()).toBe(0);
});

onTestDisk(`nothing stays mounted after a failure in a cut's check${reason}`, async () => {
  using folder = temporaryFolder();
  const fails = async (): Promise<void> => {
    await using disk = await smallDisk(folder.path);
    await disk.cut({ at: disk.position(), random: seededRandom(seed) }, () => Promise.reject(new Error("as meant")));
  };
  await expect(fails()).rejects.toThrow("as meant");
  expect([mountsIn(folder.path), loopsIn(folder.path), readdirSync(folder.path)]).toEqual([[], [], []]);
});

onTestDisk(`a program left on the disk is told, and nothing stays mounted${reason}`, async () => {
  using folder = temporaryFolder();
  const disk = await smallDisk(folder.path);
  const file = openSync(join(disk.mountPoint, "file"), "w");
  await expect(disk[Symbol.asyncDispose]()).rejects.toThrow(/still in use/);
  expect(mountsIn(folder.path)).toEqual([]);
  closeSync(file);
});

onTestDisk(`a program with mounts of its own that was started meanwhile does not keep the disk${reason}`, async () => {
  using folder = temporaryFolder();
  const disk = await smallDisk(folder.path);
  const other = spawn("unshare", ["--mount", "sh", "-c", "echo started; exec sleep infinity"]);
  try {
    await once(other.stdout, "data");
    await disk[Symbol.asyncDispose]();
    expect([mountsIn(folder.path), loopsIn(folder.path), readdirSync(folder.path)]).toEqual([[], [], []]);
  } finally {
    other.kill("SIGKILL");
  }
});

onTestDisk(`a disk whose owner is killed cleans up after itself${reason}`, async () => {
  using folder = temporaryFolder();
  const owner = script("own-a-disk.ts", [folder.path]);
  await once(owner, "message");
  expect(mountsIn(folder.path)).toHaveLength(2);
  owner.kill("SIGKILL");
  // The disk's server inherited this pipe, so that it closes when the server too has ended.
  await once(owner, "close");
  expect([mountsIn(folder.path), loopsIn(folder.path), readdirSync(folder.path)]).toEqual([[], [], []]);
});

test.each([diskSizeMinMiB - 1, diskSizeMaxMiB + 1])("a disk of %i MiB is refused", async (sizeMiB) => {
  using folder = temporaryFolder();
  await expect(createTestDisk({ directory: folder.path, sizeMiB, time: systemTime })).rejects.toThrow(/limits/);
});

test.each([
  ["CapEff:\t000001ffffffffff", true],
  ["CapEff:\t00000000a80425fb", false],
  ["nothing of the kind", false],
])("whether a process may mount is read from %j: %s", (status, may) => {
  expect(maySysAdmin(status)).toBe(may);
});
