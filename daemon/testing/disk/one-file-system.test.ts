import { constants } from "node:os";
import { expect, test } from "vitest";
import type { FuseCall } from "./fuse-protocol.ts";
import { decide, type FuseDecision } from "./one-file-system.ts";

const diskBytes = 8192;

function decided(call: FuseCall, node = 2): FuseDecision {
  return decide({ unique: 9n, node, call }, diskBytes);
}

/** The errno of a refusal; 0 for an answer. */
function errnoOf(decision: FuseDecision): number {
  return decision.kind === "answer" ? Math.abs(decision.bytes.readInt32LE(4)) : Number.NaN;
}

test("the one file is found in the folder, and nothing else", () => {
  expect(errnoOf(decided({ kind: "lookup", name: "disk.img" }, 1))).toBe(0);
  expect(errnoOf(decided({ kind: "lookup", name: "other.img" }, 1))).toBe(constants.errno.ENOENT);
});

test.each([
  [8192 - 512, 512, "write"],
  [8192 - 511, 512, "answer"],
  [8192, 1, "answer"],
])("a write at %i of %i bytes becomes: %s", (offset, lengthBytes, kind) => {
  expect(decided({ kind: "write", offset, data: new Uint8Array(lengthBytes) }).kind).toBe(kind);
});

test("a write past the disk's end is refused for want of room", () => {
  expect(errnoOf(decided({ kind: "write", offset: diskBytes, data: new Uint8Array(1) }))).toBe(constants.errno.ENOSPC);
});

test.each([
  [0, 4096, 4096],
  [4096, 8192, 4096],
  [8192, 4096, 0],
  [10_000, 4096, 0],
])("a read at %i of %i bytes gives the %i that are there", (offset, askedBytes, sizeBytes) => {
  expect(decided({ kind: "read", offset, sizeBytes: askedBytes })).toEqual({
    kind: "read",
    unique: 9n,
    offset,
    sizeBytes,
  });
});

test("a sync is a flush of the disk", () => {
  expect(decided({ kind: "fsync" })).toEqual({ kind: "flush", unique: 9n });
});

test("the disk cannot be resized", () => {
  expect(errnoOf(decided({ kind: "setattr", changesSize: true }))).toBe(constants.errno.EPERM);
  expect(errnoOf(decided({ kind: "setattr", changesSize: false }))).toBe(0);
});

test("a call that is not known is refused as such", () => {
  expect(errnoOf(decided({ kind: "unsupported", opcode: 43 }))).toBe(constants.errno.ENOSYS);
});

test("a kernel of another protocol is refused", () => {
  expect(errnoOf(decided({ kind: "init", major: 8, minor: 0, readaheadMaxBytes: 0 }))).toBe(constants.errno.EPROTO);
});

test("what waits for no answer gets none", () => {
  expect(decided({ kind: "notice" })).toEqual({ kind: "nothing" });
});
