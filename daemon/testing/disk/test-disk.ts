import { type ChildProcess, fork } from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { assert } from "../../base/assert.ts";
import { messageOf } from "../../base/errors.ts";
import type { Random } from "../../base/random.ts";
import type { Time } from "../../base/time.ts";
import { CutImage, logLength } from "./cut-image.ts";
import { type DiskFiles, diskFilesIn } from "./disk-files.ts";
import { releaseMounts } from "./host-mounts.ts";
import { run } from "./run.ts";
import { badSectorBytes, isServerReport, type ServerOrder, type ServerReport } from "./server-orders.ts";
import type { LogEntry, LogPosition } from "./write-log.ts";

/** An ext4 with its journal of 4 MiB needs some room; a cut holds the whole image in memory. */
export const diskSizeMinMiB = 16;
export const diskSizeMaxMiB = 1024;

/** What a disk's controller writes whole or not at all, unless a cut says otherwise. */
const sectorDefaultBytes = 512;
const serverEndMaxMs = 10_000;

/** The options that Debian and Raspberry Pi OS give a root file system, which is larger and so gets them by itself. */
const mkfsOptions = ["-q", "-F", "-b", "4096", "-I", "256", "-i", "16384"];
/** All of the file system is written at once, so that no background thread of the kernel adds to the log. */
const mkfsAtOnce = ["-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0"];
/** Debian's own options: data=ordered and barriers are ext4's defaults. */
const mountOptions = "defaults,noatime";

export interface TestDiskOptions {
  /** An existing folder, best on a tmpfs; the disk makes a folder of its own in it and removes that. */
  readonly directory: string;
  readonly sizeMiB: number;
  readonly time: Time;
  /** `forgotten` for benchmarks: the disk can be slow but not cut, and its log does not grow. Default `logged`. */
  readonly writes?: "logged" | "forgotten";
}

export interface CutOptions {
  /** From 0 (the file system just made) to `position()`; ascending cuts are quickest. */
  readonly at: LogPosition;
  readonly random: Random;
  /** 512 unless given. */
  readonly sectorBytes?: number;
}

/**
 * An ext4 file system on a disk that logs what it is told, can be made slow, and can be cut from its power.
 *
 * `position()` counts the writes and flushes that the disk had completed. A program on the disk that acknowledges
 * only after its sync returned, and whose acknowledgement was seen before `position()` answered `p`, must find what it
 * acknowledged after every `cut` at a position ≥ `p`. What was acknowledged after a cut's position may be lost.
 */
export interface TestDisk extends AsyncDisposable {
  /** Where the file system is mounted; a process that works here must end before the disk is disposed. */
  readonly mountPoint: string;
  /** Makes each later flush take this long; 0 as long as the memory takes. A journal commit of ext4 is two flushes. */
  setSyncDelayMs(delayMs: number): Promise<void>;
  /**
   * The sector of `badSectorBytes` that a file has at `offset` cannot be read any more, until it is written whole. No
   * other sector of the disk may hold the same bytes, and nobody the file open.
   */
  spoil(file: string, offset: number): Promise<void>;
  /** The log's length now, without a word to the server: it never waits. */
  position(): LogPosition;
  /** What the disk was told up to now. */
  entries(): readonly LogEntry[];
  /**
   * Hands `check` the folder where the disk is mounted as it was found after the cut, journal recovered; it may be
   * written to. The disk itself goes on. One cut at a time.
   * Throws what `check` throws, and an Error when the file system itself cannot be mounted.
   */
  cut<T>(options: CutOptions, check: (mountPoint: string) => T | Promise<T>): Promise<T>;
}

/** Why no test disk can be made here, or `null` when one can. */
export function testDiskObstacle(): string | null {
  if (process.platform !== "linux") return "needs Linux";
  if (process.getuid?.() !== 0) return "needs root";
  if (!maySysAdmin(readFileSync("/proc/self/status", "utf8"))) return "needs CAP_SYS_ADMIN";
  for (const device of ["/dev/fuse", "/dev/loop-control"]) {
    try {
      accessSync(device, constants.R_OK | constants.W_OK);
    } catch (error) {
      return `needs ${device}: ${messageOf(error)}`;
    }
  }
  return null;
}

/** CAP_SYS_ADMIN is bit 21 of the effective set; root in a container lacks it. */
export function maySysAdmin(processStatus: string): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(processStatus)?.[1] ?? "0";
  return ((BigInt(`0x${effective}`) >> 21n) & 1n) === 1n;
}

/** Throws an Error when a command fails; nothing stays mounted then. */
export async function createTestDisk(options: TestDiskOptions): Promise<TestDisk> {
  const { sizeMiB, time, writes = "logged" } = options;
  assert(sizeMiB >= diskSizeMinMiB && sizeMiB <= diskSizeMaxMiB, "a test disk's size is within its limits");
  const files = diskFilesIn(await mkdtemp(join(options.directory, "test-disk-")));
  await using undo = new AsyncDisposableStack();
  undo.defer(() => rm(files.directory, { recursive: true, force: true }));
  await makeBlank(files, sizeMiB);
  const server = undo.adopt(startServer(files.directory, writes), (child) => endServer(child, time));
  undo.defer(() => release(files.directory, time));
  await reportOf(server, "mounted");
  const device = await run("losetup", ["--find", "--show", "--direct-io=on", files.fuseDisk]);
  await run("mount", ["-t", "ext4", "-o", mountOptions, device, files.liveMount]);
  const image = undo.use(new CutImage(files));
  return testDisk(files, server, image, undo.move(), time);
}

function testDisk(
  files: DiskFiles,
  server: ChildProcess,
  image: CutImage,
  owned: AsyncDisposableStack,
  time: Time,
): TestDisk {
  let cutting = false;
  const order = async (given: ServerOrder): Promise<void> => {
    assert(server.connected, "a test disk's server lives as long as the disk");
    const done = reportOf(server, "order-done");
    server.send(given);
    await done;
  };
  return {
    mountPoint: files.liveMount,
    setSyncDelayMs: (syncDelayMs) => order({ syncDelayMs }),
    async spoil(file, offset) {
      // To disk, and out of memory: the kernel would not ask the disk for it again.
      await run("dd", [`of=${file}`, "oflag=nocache", "conv=notrunc,fdatasync", "count=0", "status=none"]);
      const sector = (await readFile(file)).subarray(offset, offset + badSectorBytes);
      const [badSectorAt, ...others] = placesOf(sector, await readFile(files.currentImage));
      assert(badSectorAt !== undefined && others.length === 0, "the sector is found once on the disk");
      await order({ badSectorAt });
      await run("dd", [`of=${file}`, "oflag=nocache", "conv=notrunc,fdatasync", "count=0", "status=none"]);
    },
    position: () => logLength(files.logIndex),
    entries: () => image.entries(),
    async cut({ at, random, sectorBytes = sectorDefaultBytes }, check) {
      assert(!cutting, "one cut at a time");
      cutting = true;
      try {
        image.write({ at, random, sectorBytes });
        await run("mount", ["-t", "ext4", "-o", `loop,${mountOptions}`, files.cutImage, files.cutMount]);
        try {
          return await check(files.cutMount);
        } finally {
          await release(files.cutMount, time);
        }
      } finally {
        // A new file for each cut: `mount` takes up a loop device that still holds this one, with what it remembers.
        await rm(files.cutImage, { force: true });
        cutting = false;
      }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Where a disk holds what stands in a sector, in bytes. */
function placesOf(sector: Buffer, disk: Buffer): number[] {
  const places: number[] = [];
  for (let at = 0; at < disk.length; at += badSectorBytes) {
    if (sector.equals(disk.subarray(at, at + badSectorBytes))) places.push(at);
  }
  return places;
}

async function makeBlank(files: DiskFiles, sizeMiB: number): Promise<void> {
  for (const folder of [files.fuseMount, files.liveMount, files.cutMount]) await mkdir(folder);
  for (const file of [files.blankImage, files.logIndex, files.logData]) await writeFile(file, "");
  await truncate(files.blankImage, sizeMiB * 1024 * 1024);
  await run("mkfs.ext4", [...mkfsOptions, ...mkfsAtOnce, files.blankImage]);
  await copyFile(files.blankImage, files.currentImage);
}

/** In a process group of its own, so that Ctrl-C at a terminal does not take the disk from under its mounts. */
function startServer(directory: string, writes: "logged" | "forgotten"): ChildProcess {
  return fork(fileURLToPath(new URL("fuse-server.ts", import.meta.url)), [directory, writes], {
    detached: true,
    execArgv: [],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
}

/** Resolves at the server's next report of that kind; rejects when it ends first. */
function reportOf(server: ChildProcess, kind: ServerReport["kind"]): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void): void => {
      server.off("message", onMessage);
      server.off("exit", onExit);
      finish();
    };
    const onMessage = (message: unknown): void => {
      if (isServerReport(message) && message.kind === kind) settle(resolve);
    };
    const onExit = (code: number | null): void =>
      settle(() => reject(new Error(`the test disk's server ended with ${code}`)));
    server.on("message", onMessage);
    server.on("exit", onExit);
  });
}

/** A mount that had to be forced is a program that was left running on the disk: a fault of the test, told here. */
async function release(directory: string, time: Time): Promise<void> {
  const forced = await releaseMounts(directory, time);
  if (forced.length > 0) throw new Error(`still in use, unmounted by force: ${forced.join(", ")}`);
}

async function endServer(server: ChildProcess, time: Time): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  if (server.connected) server.disconnect();
  const patience = new AbortController();
  const late = time.sleep(serverEndMaxMs, patience.signal).then(() => {
    if (!patience.signal.aborted) server.kill("SIGKILL");
  });
  await ended;
  patience.abort();
  await late;
}
