import { constants } from "node:os";
import { unreachable } from "../../base/assert.ts";
import {
  type Attributes,
  encodeAnswer,
  encodeAttributes,
  encodeDirectory,
  encodeEntry,
  encodeInit,
  encodeOpened,
  encodeRefusal,
  encodeStatfs,
  type FuseRequest,
  protocolMajor,
} from "./fuse-protocol.ts";

/** The one file's name. */
export const diskFileName = "disk.img";

const rootNode = 1;
const diskNode = 2;
const folderMode = 0o040755;
const fileMode = 0o100600;
const errno = constants.errno;

/** What the server does for one request: hand back ready bytes, or touch the disk and answer then. */
export type FuseDecision =
  | { readonly kind: "answer"; readonly bytes: Buffer }
  | { readonly kind: "read"; readonly unique: bigint; readonly offset: number; readonly sizeBytes: number }
  | { readonly kind: "write"; readonly unique: bigint; readonly offset: number; readonly data: Uint8Array }
  | { readonly kind: "flush"; readonly unique: bigint }
  | { readonly kind: "nothing" };

/** A folder with one file of `diskBytes`, which can be read, written and synced but not resized. */
export function decide({ unique, node, call }: FuseRequest, diskBytes: number): FuseDecision {
  const answer = (body?: Uint8Array): FuseDecision => ({ kind: "answer", bytes: encodeAnswer(unique, body) });
  const refuse = (code: number): FuseDecision => ({ kind: "answer", bytes: encodeRefusal(unique, code) });
  switch (call.kind) {
    case "init":
      return call.major === protocolMajor ? answer(encodeInit(call.readaheadMaxBytes)) : refuse(errno.EPROTO);
    case "lookup":
      return node === rootNode && call.name === diskFileName
        ? answer(encodeEntry(attributesOf(diskNode, diskBytes)))
        : refuse(errno.ENOENT);
    case "getattr":
      return answer(encodeAttributes(attributesOf(node, diskBytes)));
    case "setattr":
      return call.changesSize ? refuse(errno.EPERM) : answer(encodeAttributes(attributesOf(node, diskBytes)));
    case "open":
      return answer(encodeOpened(true));
    case "opendir":
      return answer(encodeOpened(false));
    case "read": {
      const sizeBytes = Math.max(0, Math.min(call.sizeBytes, diskBytes - call.offset));
      return { kind: "read", unique, offset: call.offset, sizeBytes };
    }
    case "readdir":
      return answer(encodeDirectory(entries, call.offset, call.sizeBytes));
    case "write":
      return call.offset + call.data.length <= diskBytes
        ? { kind: "write", unique, offset: call.offset, data: call.data }
        : refuse(errno.ENOSPC);
    case "fsync":
      return { kind: "flush", unique };
    case "statfs":
      return answer(encodeStatfs(diskBytes));
    case "formality":
      return answer();
    case "notice":
      return { kind: "nothing" };
    case "unsupported":
      return refuse(errno.ENOSYS);
    default:
      return unreachable(call);
  }
}

const entries = [
  { node: rootNode, name: ".", type: folderMode >> 12 },
  { node: rootNode, name: "..", type: folderMode >> 12 },
  { node: diskNode, name: diskFileName, type: fileMode >> 12 },
];

function attributesOf(node: number, diskBytes: number): Attributes {
  return node === diskNode
    ? { node, mode: fileMode, sizeBytes: diskBytes }
    : { node: rootNode, mode: folderMode, sizeBytes: 0 };
}
