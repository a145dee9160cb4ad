/**
 * The part of the kernel's FUSE protocol (include/uapi/linux/fuse.h, version 7.31) that a file system of one file
 * needs: requests read from /dev/fuse become values, answers become bytes. Numbers are in the machine's own order,
 * which is little-endian on both platforms that badged runs on.
 */

export const protocolMajor = 7;
export const protocolMinor = 31;

/** The largest WRITE that the kernel is told it may send, in bytes. */
export const writeMaxBytes: number = 1024 * 1024;

const pageBytes = 4096;
const requestHeaderBytes = 40;
const writeHeaderBytes = 40;
const answerHeaderBytes = 16;
const attributeBytes = 88;

/** The kernel refuses a read of /dev/fuse into less than the largest request. */
export const requestMaxBytes: number = writeMaxBytes + pageBytes;

export const opcode = {
  lookup: 1,
  forget: 2,
  getattr: 3,
  setattr: 4,
  open: 14,
  read: 15,
  write: 16,
  statfs: 17,
  release: 18,
  fsync: 20,
  flush: 25,
  init: 26,
  opendir: 27,
  readdir: 28,
  releasedir: 29,
  fsyncdir: 30,
  access: 34,
  interrupt: 36,
  destroy: 38,
  batchForget: 42,
} as const;

const changesSizeFlag = 1 << 3;
const asyncReadFlag = 1 << 0;
const bigWritesFlag = 1 << 5;
const maxPagesFlag = 1 << 22;

/** What the kernel asks. `unsupported` is every call that a file system may answer with ENOSYS. */
export type FuseCall =
  | { readonly kind: "init"; readonly major: number; readonly minor: number; readonly readaheadMaxBytes: number }
  | { readonly kind: "lookup"; readonly name: string }
  | { readonly kind: "getattr" }
  | { readonly kind: "setattr"; readonly changesSize: boolean }
  | { readonly kind: "open" }
  | { readonly kind: "opendir" }
  | { readonly kind: "read"; readonly offset: number; readonly sizeBytes: number }
  | { readonly kind: "readdir"; readonly offset: number; readonly sizeBytes: number }
  | { readonly kind: "write"; readonly offset: number; readonly data: Uint8Array }
  | { readonly kind: "fsync" }
  | { readonly kind: "statfs" }
  /** Closing, access checks and the like: nothing to do but to say that it is done. */
  | { readonly kind: "formality" }
  /** Calls that the kernel waits for no answer to. */
  | { readonly kind: "notice" }
  | { readonly kind: "unsupported"; readonly opcode: number };

export interface FuseRequest {
  /** The kernel's own number of the request, returned in the answer. */
  readonly unique: bigint;
  readonly node: number;
  readonly call: FuseCall;
}

/** What the kernel is told of a file or folder; times are left at 1970. */
export interface Attributes {
  readonly node: number;
  readonly mode: number;
  readonly sizeBytes: number;
}

export interface DirectoryEntry {
  readonly node: number;
  readonly name: string;
  /** File type as in `mode >> 12`. */
  readonly type: number;
}

/**
 * Reads one request, exactly as one read of /dev/fuse returned it. Data of a write is a view on `bytes`.
 * Throws RangeError when the bytes are fewer than the request says it holds.
 */
export function decodeRequest(bytes: Buffer): FuseRequest {
  const lengthBytes = bytes.readUInt32LE(0);
  if (lengthBytes < requestHeaderBytes || lengthBytes > bytes.length) {
    throw new RangeError(`FUSE request of ${lengthBytes} bytes in ${bytes.length}`);
  }
  return {
    unique: bytes.readBigUInt64LE(8),
    node: Number(bytes.readBigUInt64LE(16)),
    call: decodeCall(bytes.readUInt32LE(4), bytes.subarray(requestHeaderBytes, lengthBytes)),
  };
}

function decodeCall(code: number, body: Buffer): FuseCall {
  switch (code) {
    case opcode.init:
      return {
        kind: "init",
        major: body.readUInt32LE(0),
        minor: body.readUInt32LE(4),
        readaheadMaxBytes: body.readUInt32LE(8),
      };
    case opcode.lookup:
      return { kind: "lookup", name: body.toString("utf8", 0, body.indexOf(0)) };
    case opcode.getattr:
      return { kind: "getattr" };
    case opcode.setattr:
      return { kind: "setattr", changesSize: (body.readUInt32LE(0) & changesSizeFlag) !== 0 };
    case opcode.open:
      return { kind: "open" };
    case opcode.opendir:
      return { kind: "opendir" };
    case opcode.read:
      return { kind: "read", offset: offsetOf(body), sizeBytes: body.readUInt32LE(16) };
    case opcode.readdir:
      return { kind: "readdir", offset: offsetOf(body), sizeBytes: body.readUInt32LE(16) };
    case opcode.write:
      return { kind: "write", offset: offsetOf(body), data: dataOf(body) };
    case opcode.fsync:
      return { kind: "fsync" };
    case opcode.statfs:
      return { kind: "statfs" };
    case opcode.flush:
    case opcode.release:
    case opcode.releasedir:
    case opcode.fsyncdir:
    case opcode.access:
    case opcode.destroy:
      return { kind: "formality" };
    case opcode.forget:
    case opcode.batchForget:
    case opcode.interrupt:
      return { kind: "notice" };
    default:
      return { kind: "unsupported", opcode: code };
  }
}

function offsetOf(body: Buffer): number {
  return Number(body.readBigUInt64LE(8));
}

function dataOf(body: Buffer): Buffer {
  const data = body.subarray(writeHeaderBytes);
  const saidBytes = body.readUInt32LE(16);
  if (data.length !== saidBytes) throw new RangeError(`FUSE write says ${saidBytes} bytes and holds ${data.length}`);
  return data;
}

/** A whole answer: header and `body`. */
export function encodeAnswer(unique: bigint, body: Uint8Array = new Uint8Array(0)): Buffer {
  const bytes = Buffer.alloc(answerHeaderBytes + body.length);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeBigUInt64LE(unique, 8);
  bytes.set(body, answerHeaderBytes);
  return bytes;
}

/** A whole answer that refuses; `errno` is positive, as in `os.constants.errno`. */
export function encodeRefusal(unique: bigint, errno: number): Buffer {
  const bytes = encodeAnswer(unique);
  bytes.writeInt32LE(-errno, 4);
  return bytes;
}

/** No writeback cache is asked for, so that every write arrives when it is issued. */
export function encodeInit(readaheadMaxBytes: number): Buffer {
  const body = Buffer.alloc(64);
  body.writeUInt32LE(protocolMajor, 0);
  body.writeUInt32LE(protocolMinor, 4);
  body.writeUInt32LE(readaheadMaxBytes, 8);
  body.writeUInt32LE(asyncReadFlag | bigWritesFlag | maxPagesFlag, 12);
  body.writeUInt16LE(16, 16);
  body.writeUInt16LE(12, 18);
  body.writeUInt32LE(writeMaxBytes, 20);
  body.writeUInt32LE(1, 24);
  body.writeUInt16LE(writeMaxBytes / pageBytes, 28);
  return body;
}

/** Valid for no time, so that the kernel never answers from memory. */
export function encodeAttributes(attributes: Attributes): Buffer {
  const body = Buffer.alloc(16 + attributeBytes);
  putAttributes(body, 16, attributes);
  return body;
}

export function encodeEntry(attributes: Attributes): Buffer {
  const body = Buffer.alloc(40 + attributeBytes);
  body.writeBigUInt64LE(BigInt(attributes.node), 0);
  putAttributes(body, 40, attributes);
  return body;
}

function putAttributes(body: Buffer, at: number, { node, mode, sizeBytes }: Attributes): void {
  body.writeBigUInt64LE(BigInt(node), at);
  body.writeBigUInt64LE(BigInt(sizeBytes), at + 8);
  body.writeBigUInt64LE(BigInt(Math.ceil(sizeBytes / 512)), at + 16);
  body.writeUInt32LE(mode, at + 60);
  body.writeUInt32LE(1, at + 64);
  body.writeUInt32LE(pageBytes, at + 80);
}

/** `direct` keeps the file out of the kernel's page cache (FOPEN_DIRECT_IO). */
export function encodeOpened(direct: boolean): Buffer {
  const body = Buffer.alloc(16);
  body.writeUInt32LE(direct ? 1 : 0, 8);
  return body;
}

export function encodeWritten(sizeBytes: number): Buffer {
  const body = Buffer.alloc(8);
  body.writeUInt32LE(sizeBytes, 0);
  return body;
}

export function encodeStatfs(sizeBytes: number): Buffer {
  const body = Buffer.alloc(80);
  body.writeBigUInt64LE(BigInt(Math.ceil(sizeBytes / pageBytes)), 0);
  body.writeUInt32LE(pageBytes, 40);
  body.writeUInt32LE(255, 44);
  body.writeUInt32LE(pageBytes, 48);
  return body;
}

/** The entries from `offset` (an index) on, as many as fit in `sizeBytes`. */
export function encodeDirectory(entries: readonly DirectoryEntry[], offset: number, sizeBytes: number): Buffer {
  const parts: Buffer[] = [];
  let usedBytes = 0;
  for (const [index, entry] of entries.entries()) {
    if (index < offset) continue;
    const name = Buffer.from(entry.name, "utf8");
    const part = Buffer.alloc(Math.ceil((24 + name.length) / 8) * 8);
    part.writeBigUInt64LE(BigInt(entry.node), 0);
    part.writeBigUInt64LE(BigInt(index + 1), 8);
    part.writeUInt32LE(name.length, 16);
    part.writeUInt32LE(entry.type, 20);
    part.set(name, 24);
    if (usedBytes + part.length > sizeBytes) break;
    usedBytes += part.length;
    parts.push(part);
  }
  return Buffer.concat(parts);
}
