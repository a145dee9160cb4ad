import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  draftOf,
  preparedCore,
  recordId,
  rosterOf,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import { inspectWal } from "./wal-file.ts";

/** Logs written by SQLite itself, one commit of a few frames for each scan. */

const headerBytes = 32;
const frameBytes = 24 + 4096;

let directory: TemporaryDirectory;
let log: Buffer;

beforeEach(() => {
  directory = temporaryDirectory();
  using core = preparedCore(storeSettings(directory.path), rosterOf(1));
  for (let index = 0; index < 5; index += 1) recordId(core, draftOf(1, index * 10));
  copyFileSync(join(directory.path, "badged.sqlite-wal"), join(directory.path, "copy"));
  log = readFileSync(join(directory.path, "copy"));
});

afterEach(() => directory[Symbol.dispose]());

function verdictOn(bytes: Buffer): ReturnType<typeof inspectWal> {
  const file = join(directory.path, "damaged");
  writeFileSync(file, bytes);
  return inspectWal(file);
}

/** Offsets of the frames that end a commit. */
function commits(): readonly number[] {
  const offsets: number[] = [];
  for (let at = headerBytes; at + frameBytes <= log.length; at += frameBytes) {
    if (log.readUInt32BE(at + 4) !== 0) offsets.push(at);
  }
  return offsets;
}

function flipped(offset: number): Buffer {
  const bytes = Buffer.from(log);
  bytes.writeUInt8(bytes.readUInt8(offset) ^ 0xff, offset);
  return bytes;
}

test("a log as SQLite left it is whole, and so is an empty one", () => {
  expect(commits().length).toBeGreaterThanOrEqual(5);
  expect(verdictOn(log)).toEqual({ kind: "whole" });
  expect(verdictOn(Buffer.alloc(0))).toEqual({ kind: "whole" });
});

test("a last transaction that was cut off was never acknowledged", () => {
  expect(verdictOn(log.subarray(0, log.length - 1000))).toEqual({ kind: "whole" });
  expect(verdictOn(flipped((commits().at(-1) ?? 0) + 100))).toEqual({ kind: "whole" });
});

test("a damaged frame with commits behind it is damage, and they are counted", () => {
  const third = commits().at(-3) ?? 0;
  expect(verdictOn(flipped(third + 100))).toEqual({ kind: "damaged", commitsLost: 3 });
});

test.each([0, 8, 17, 25])("byte %i of the header damaged: nothing can be read", (offset) => {
  expect(verdictOn(flipped(offset))).toEqual({ kind: "header-damaged" });
});

test("frames of the log's previous round are its end, not damage", () => {
  const bytes = Buffer.from(log);
  for (const at of commits().slice(2)) bytes.writeUInt32BE(1, at + 8);
  const next = (commits()[1] ?? 0) + frameBytes;
  for (let at = next; at + frameBytes <= bytes.length; at += frameBytes) bytes.writeUInt32BE(1, at + 8);
  expect(verdictOn(bytes)).toEqual({ kind: "whole" });
});
