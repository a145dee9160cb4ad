import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decodeRequest,
  encodeAnswer,
  encodeAttributes,
  encodeDirectory,
  encodeEntry,
  encodeInit,
  encodeRefusal,
  type FuseCall,
  opcode,
  requestMaxBytes,
  writeMaxBytes,
} from "./fuse-protocol.ts";

/** A request as the kernel lays it out: a header of 40 bytes and the call's own body. */
function requestBytes(code: number, body: Uint8Array, unique = 7n): Buffer {
  const bytes = Buffer.alloc(40 + body.length);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt32LE(code, 4);
  bytes.writeBigUInt64LE(unique, 8);
  bytes.writeBigUInt64LE(2n, 16);
  bytes.set(body, 40);
  return bytes;
}

/** The body shared by READ, READDIR and WRITE: file handle, offset, size, flags. */
function transferBody(offset: number, sizeBytes: number, data: Uint8Array = new Uint8Array(0)): Buffer {
  const body = Buffer.alloc(40 + data.length);
  body.writeBigUInt64LE(BigInt(offset), 8);
  body.writeUInt32LE(sizeBytes, 16);
  body.set(data, 40);
  return body;
}

function initBody(): Buffer {
  const body = Buffer.alloc(64);
  body.writeUInt32LE(7, 0);
  body.writeUInt32LE(45, 4);
  body.writeUInt32LE(131_072, 8);
  return body;
}

function setattrBody(valid: number): Buffer {
  const body = Buffer.alloc(88);
  body.writeUInt32LE(valid, 0);
  return body;
}

const calls: readonly (readonly [string, number, Buffer, FuseCall])[] = [
  ["INIT", opcode.init, initBody(), { kind: "init", major: 7, minor: 45, readaheadMaxBytes: 131_072 }],
  ["LOOKUP", opcode.lookup, Buffer.from("disk.img\0"), { kind: "lookup", name: "disk.img" }],
  ["GETATTR", opcode.getattr, Buffer.alloc(16), { kind: "getattr" }],
  ["SETATTR of a time", opcode.setattr, setattrBody(1 << 5), { kind: "setattr", changesSize: false }],
  ["SETATTR of the size", opcode.setattr, setattrBody((1 << 3) | (1 << 5)), { kind: "setattr", changesSize: true }],
  ["OPEN", opcode.open, Buffer.alloc(8), { kind: "open" }],
  ["OPENDIR", opcode.opendir, Buffer.alloc(8), { kind: "opendir" }],
  ["READ", opcode.read, transferBody(4096, 512), { kind: "read", offset: 4096, sizeBytes: 512 }],
  ["READDIR", opcode.readdir, transferBody(2, 4096), { kind: "readdir", offset: 2, sizeBytes: 4096 }],
  ["FSYNC", opcode.fsync, Buffer.alloc(16), { kind: "fsync" }],
  ["STATFS", opcode.statfs, Buffer.alloc(0), { kind: "statfs" }],
  ["FLUSH", opcode.flush, Buffer.alloc(24), { kind: "formality" }],
  ["RELEASE", opcode.release, Buffer.alloc(24), { kind: "formality" }],
  ["ACCESS", opcode.access, Buffer.alloc(8), { kind: "formality" }],
  ["FORGET", opcode.forget, Buffer.alloc(8), { kind: "notice" }],
  ["BATCH_FORGET", opcode.batchForget, Buffer.alloc(24), { kind: "notice" }],
  ["INTERRUPT", opcode.interrupt, Buffer.alloc(8), { kind: "notice" }],
  ["FALLOCATE", 43, Buffer.alloc(32), { kind: "unsupported", opcode: 43 }],
];

test.each(calls)("%s is read from the kernel's bytes", (_name, code, body, call) => {
  expect(decodeRequest(requestBytes(code, body))).toEqual({ unique: 7n, node: 2, call });
});

test("a write keeps its offset and data, whatever follows in the buffer", () => {
  fc.assert(
    fc.property(fc.nat(2 ** 40), fc.uint8Array({ maxLength: 9000 }), fc.uint8Array(), (offset, data, rest) => {
      const bytes = Buffer.concat([requestBytes(opcode.write, transferBody(offset, data.length, data)), rest]);
      const { call } = decodeRequest(bytes);
      expect(call.kind).toBe("write");
      if (call.kind !== "write") return;
      expect(call.offset).toBe(offset);
      expect(Buffer.compare(call.data, data)).toBe(0);
    }),
  );
});

test("the largest write that the kernel may send fits in the read buffer", () => {
  const whole = requestBytes(opcode.write, transferBody(0, writeMaxBytes, new Uint8Array(writeMaxBytes)));
  expect(whole.length).toBeLessThanOrEqual(requestMaxBytes);
  expect(encodeInit(0).readUInt32LE(20)).toBe(writeMaxBytes);
});

test("a write that holds less than it says is refused", () => {
  expect(() => decodeRequest(requestBytes(opcode.write, transferBody(0, 10, new Uint8Array(9))))).toThrow(RangeError);
});

test("a request cut short is refused", () => {
  expect(() => decodeRequest(requestBytes(opcode.getattr, Buffer.alloc(16)).subarray(0, 48))).toThrow(RangeError);
});

test("an answer carries its own length and the request's number", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.uint8Array(), (unique, body) => {
      const bytes = encodeAnswer(unique, body);
      expect(bytes.readUInt32LE(0)).toBe(bytes.length);
      expect(bytes.readInt32LE(4)).toBe(0);
      expect(bytes.readBigUInt64LE(8)).toBe(unique);
      expect(Buffer.compare(bytes.subarray(16), body)).toBe(0);
    }),
  );
});

test("a refusal carries the error as a negative number and no body", () => {
  const bytes = encodeRefusal(3n, 2);
  expect([bytes.length, bytes.readInt32LE(4)]).toEqual([16, -2]);
});

test("attributes and entries have the sizes that version 7.31 fixes", () => {
  const attributes = { node: 2, mode: 0o100600, sizeBytes: 4096 };
  expect(encodeAttributes(attributes)).toHaveLength(104);
  expect(encodeEntry(attributes)).toHaveLength(128);
  expect(encodeInit(0)).toHaveLength(64);
});

const names = [
  { node: 1, name: ".", type: 4 },
  { node: 1, name: "..", type: 4 },
  { node: 2, name: "disk.img", type: 8 },
];

test.each([
  [0, 4096, 3],
  [2, 4096, 1],
  [3, 4096, 0],
  [0, 64, 2],
  [0, 31, 0],
])(
  "a folder read from entry %i into %i bytes gives %i entries, each aligned to 8 bytes",
  (offset, sizeBytes, count) => {
    const bytes = encodeDirectory(names, offset, sizeBytes);
    expect(bytes).toHaveLength(count * 32);
  },
);
