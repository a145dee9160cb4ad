import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  draftOf,
  openCore,
  preparedCore,
  recordId,
  recordOne,
  rosterOf,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import type { StoreCore } from "./store-core.ts";
import { inspectWal } from "./wal-file.ts";
import { walRoomBytes, walSliceBytes } from "./wal-room.ts";

const scans = 50;

let directory: TemporaryDirectory;

beforeEach(() => {
  directory = temporaryDirectory();
});

afterEach(() => directory[Symbol.dispose]());

const walOf = (folder: string): string => join(folder, "badged.sqlite-wal");
const walBytes = (): number => statSync(walOf(directory.path)).size;

function opened(): StoreCore {
  return preparedCore(storeSettings(directory.path, { doubleScanMs: 0 }), rosterOf(1));
}

function lengthened(core: StoreCore): number {
  let slices = 1;
  while (!core.lengthenLog()) slices += 1;
  return slices;
}

function record(core: StoreCore, from: number, count: number): void {
  for (let index = from; index < from + count; index += 1) recordId(core, draftOf(1, index * 10));
}

test("commits overwrite the room, before a checkpoint and after it", () => {
  using core = opened();
  expect(lengthened(core)).toBeGreaterThan(walRoomBytes / walSliceBytes - 1);
  const room = walBytes();
  expect(room).toBeGreaterThanOrEqual(walRoomBytes);
  record(core, 0, scans);
  core.checkpoint();
  record(core, scans, scans);
  expect(walBytes()).toBe(room);
  expect(core.lengthenLog()).toBe(true);
});

test("a log without a commit gets its first", () => {
  opened()[Symbol.dispose]();
  using core = openCore(storeSettings(directory.path));
  lengthened(core);
  expect(core.walFrames().frames).toBe(1);
  expect(walBytes()).toBeGreaterThanOrEqual(walRoomBytes);
});

test("another program's transaction, which writes at the end of the log, is left alone until it is over", () => {
  using core = opened();
  const command = new Sqlite(join(directory.path, "badged.sqlite"));
  command.exec("BEGIN IMMEDIATE");
  const before = walBytes();
  expect(core.lengthenLog()).toBe(false);
  expect(walBytes()).toBe(before);
  command.exec("COMMIT");
  command.close();
  lengthened(core);
  expect(walBytes()).toBeGreaterThanOrEqual(walRoomBytes);
  expect(recordOne(core, draftOf(1, 0)).kind).toBe("recorded");
});

test("what stands before the room is whole and is read, however the process ended", () => {
  using core = opened();
  record(core, 0, scans);
  core.lengthenLog();
  record(core, scans, scans);
  lengthened(core);
  record(core, 2 * scans, scans);

  const after = join(directory.path, "after-the-end");
  mkdirSync(after);
  for (const file of ["badged.sqlite", "badged.sqlite-wal"]) {
    copyFileSync(join(directory.path, file), join(after, file));
  }
  expect(inspectWal(walOf(after))).toEqual({ kind: "whole" });
  using found = openCore(storeSettings(after));
  expect(found.rows()).toBe(3 * scans);
});

describe.skipIf(process.getuid?.() !== 0)("on a small disk", () => {
  beforeEach(() => {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64m", "tmpfs", directory.path]);
  });

  afterEach(() => {
    execFileSync("umount", ["-l", directory.path]);
  });

  test("the log takes what it needs and no more", () => {
    using core = opened();
    const before = walBytes();
    expect(core.lengthenLog()).toBe(true);
    expect(walBytes()).toBe(before);
    expect(recordOne(core, draftOf(1, 0)).kind).toBe("recorded");
  });
});
