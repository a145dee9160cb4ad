import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemCode } from "../base/errors.ts";
import { systemTime } from "../base/system-time.ts";
import { testDiskObstacle } from "../testing/disk/test-disk.ts";
import {
  at,
  claimRequest,
  draftOf,
  type RecordingLog,
  recordingLog,
  rosterOf,
  site,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import { Store } from "./store.ts";

/** A real file system of 4 MiB, filled to the last byte. Mounting one needs root. */

let directory: TemporaryDirectory;
let log: RecordingLog;

describe.skipIf(process.getuid?.() !== 0)("a full disk", () => {
  beforeEach(() => {
    directory = temporaryDirectory();
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", directory.path]);
    log = recordingLog();
  });

  afterEach(() => {
    execFileSync("umount", ["-l", directory.path]);
    directory[Symbol.dispose]();
  });

  const ballast = (): string => join(directory.path, "ballast");

  function fillDisk(): void {
    const { bavail, bsize } = statfsSync(directory.path);
    writeFileSync(ballast(), Buffer.alloc(bavail * bsize));
  }

  async function open(): Promise<Store> {
    const store = await Store.open(storeSettings(join(directory.path, "store"), { doubleScanMs: 0 }), {
      time: systemTime,
      log,
    });
    await store.internWorkSite(site);
    await store.replaceRoster(rosterOf(1, 2, 3), "fixture");
    return store;
  }

  /** Records until the disk is full; returns how many were acknowledged. */
  async function recordUntilFull(store: Store): Promise<number> {
    for (let acknowledged = 0; acknowledged < 10_000; acknowledged += 1) {
      const outcome = await store.record(draftOf(1, acknowledged * 10));
      if (outcome.kind !== "not-recorded") continue;
      expect(outcome.reason).toBe("disk-full");
      return acknowledged;
    }
    throw new Error("the disk never became full");
  }

  test("is told to the worker, and recovers by itself when there is room", async () => {
    await using store = await open();
    fillDisk();
    const acknowledged = await recordUntilFull(store);
    expect(await store.record(draftOf(2, 1e6))).toMatchObject({ kind: "not-recorded", reason: "disk-full" });
    expect((await store.summary()).rows).toBe(acknowledged);
    rmSync(ballast());
    expect((await store.record(draftOf(2, 1e6))).kind).toBe("recorded");
    expect((await store.summary()).rows).toBe(acknowledged + 1);
    expect(log.lines.map((line) => line.message)).toEqual(["a scan was not recorded", "scans are recorded again"]);
  });

  test("is a later for the forwarder, and leaves every scan as it was", async () => {
    await using store = await open();
    await store.record(draftOf(1, 0));
    fillDisk();
    await recordUntilFull(store);
    await expect(store.claim(claimRequest({ now: at(1e6) }))).rejects.toMatchObject({ code: "disk-full" });
    expect((await store.summary()).byState.sending).toBe(0);
    rmSync(ballast());
    expect(await store.claim(claimRequest({ now: at(1e6) }))).not.toBeNull();
  });

  test("keeps no daemon from starting after a clean stop, and from telling the worker", async () => {
    {
      await using store = await open();
      await store.record(draftOf(1, 0));
    }
    fillDisk();
    const settings = storeSettings(join(directory.path, "store"), { doubleScanMs: 0 });
    await using store = await Store.open(settings, { time: systemTime, log });
    const more = await recordUntilFull(store);
    expect((await store.summary()).rows).toBe(1 + more);
    rmSync(ballast());
    expect((await store.record(draftOf(2, 1e6))).kind).toBe("recorded");
  });

  test("loses nothing of what was acknowledged over a restart", async () => {
    const store = await open();
    fillDisk();
    const acknowledged = await recordUntilFull(store);
    await store[Symbol.asyncDispose]();
    rmSync(ballast());
    await using again = await open();
    expect((await again.summary()).rows).toBe(acknowledged);
  });
});

/** A disk of less than 512 MB gets blocks of 1 KiB, four to a page that SQLite maps. */
describe.skipIf(testDiskObstacle() !== null)("a full disk of small blocks", () => {
  const mountPoint = (): string => join(directory.path, "disk");
  const ballast = (): string => join(mountPoint(), "ballast");

  beforeEach(() => {
    directory = temporaryDirectory();
    log = recordingLog();
    const image = join(directory.path, "image");
    mkdirSync(mountPoint());
    writeFileSync(image, "");
    truncateSync(image, 16 * 1024 * 1024);
    execFileSync("mkfs.ext4", ["-q", "-F", "-b", "1024", "-m", "0", image]);
    execFileSync("mount", ["-o", "loop", image, mountPoint()]);
  });

  afterEach(() => {
    execFileSync("umount", ["-l", mountPoint()]);
    directory[Symbol.dispose]();
  });

  /** To the last byte, then takes this much away. */
  function fillDisk(leftBytes: number): void {
    const descriptor = openSync(ballast(), "w");
    const block = Buffer.alloc(1024);
    let bytes = 0;
    try {
      for (;;) bytes += writeSync(descriptor, block);
    } catch (error) {
      expect(systemCode(error)).toBe("ENOSPC");
    } finally {
      closeSync(descriptor);
    }
    truncateSync(ballast(), bytes - leftBytes);
  }

  test.each([0, 10, 16])("with %i KiB left keeps no daemon from starting", async (leftKib) => {
    const settings = storeSettings(join(mountPoint(), "store"), { doubleScanMs: 0 });
    {
      await using store = await Store.open(settings, { time: systemTime, log });
      await store.internWorkSite(site);
      await store.replaceRoster(rosterOf(1), "fixture");
    }
    fillDisk(leftKib * 1024);
    await using store = await Store.open(settings, { time: systemTime, log });
    expect((await store.record(draftOf(1, 0))).kind).toBe("recorded");
    expect(log.lines.map((line) => line.message)).toContain(
      "the disk is full: the store is opened in the room kept for that",
    );
  });
});
