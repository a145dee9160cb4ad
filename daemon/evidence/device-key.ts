import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { BadgedError, messageOf, systemCode } from "../base/errors.ts";
import { fingerprintOf, type NoteSigner, originOf, rawPublicKey } from "./note.ts";

/** The key that signs the log of this box. Who has it can write another history, until a witness has seen this one. */
export type DeviceKey = {
  readonly privateKey: KeyObject;
  /** The raw 32 bytes. */
  readonly publicKey: Buffer;
  readonly fingerprint: string;
};

/** In the store's folder, where no other is named. */
export const deviceKeyFile: string = "evidence-key.pem";

/** A key that is kept in a folder: the name of its file, and what it is to people. */
export type KeptKey = { readonly name: string; readonly what: string };

const logsKey: KeptKey = { name: deviceKeyFile, what: "the log's key" };

export function signerOf({ privateKey, publicKey }: DeviceKey, epoch: number): NoteSigner {
  return { name: originOf(publicKey, epoch), publicKey, privateKey };
}

/**
 * @param pem PKCS #8, as `openssl genpkey -algorithm ed25519` writes it
 * @param from where it was read, for people
 * @throws BadgedError `secret-unsafe` when it is no Ed25519 key
 */
export function readDeviceKey(pem: string, from: string): DeviceKey {
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(pem);
  } catch (error) {
    // What OpenSSL says of it may repeat a part of the key.
    throw noKey(from, { cause: systemCode(error) });
  }
  if (privateKey.asymmetricKeyType !== "ed25519") throw noKey(from);
  const publicKey = rawPublicKey(privateKey);
  return { privateKey, publicKey, fingerprint: fingerprintOf(publicKey) };
}

/**
 * The key in the store's folder; `null` when there is none yet.
 *
 * @throws BadgedError `secret-unsafe` when others may read or replace it; `store-unusable` when it cannot be read, or holds
 *   no key
 */
export function findDeviceKey(directory: string, kept: KeptKey = logsKey): DeviceKey | null {
  const file = join(directory, kept.name);
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    throw unusable(kept, file, "read", error);
  }
  try {
    const { mode } = fstatSync(descriptor);
    if ((mode & 0o077) !== 0) throw unsafeKey(kept, file);
    return readKeptKey(readFileSync(descriptor, "utf8"), kept, file);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * The key in the store's folder, made at the first start. It is there whole or not at all, whenever power goes: a
 * checkpoint whose key is gone would be nobody's.
 *
 * @throws BadgedError as `findDeviceKey`
 */
export function ensureDeviceKey(directory: string, kept: KeptKey = logsKey): DeviceKey {
  const found = findDeviceKey(directory, kept);
  if (found !== null) return found;
  const file = join(directory, kept.name);
  const temporary = `${file}.${process.pid}`;
  try {
    writeKey(temporary);
    // Unlike a rename, a link never puts one key in the place of another.
    linkSync(temporary, file);
    rmSync(temporary);
    syncFolder(directory);
  } catch (error) {
    rmSync(temporary, { force: true });
    if (systemCode(error) !== "EEXIST") throw unusable(kept, file, "made", error);
  }
  const made = findDeviceKey(directory, kept);
  if (made === null) throw unusable(kept, file, "made", new Error("it is not there after it was written"));
  return made;
}

/** What was a key once and is none any more is damage to the store's folder: nobody chose that key. */
function readKeptKey(pem: string, { what }: KeptKey, file: string): DeviceKey {
  try {
    return readDeviceKey(pem, file);
  } catch (error) {
    if (!(error instanceof BadgedError)) throw error;
    const advice = "put it back from a copy; or move it away, and a new log begins under a new key";
    throw new BadgedError("store-unusable", `${what} is damaged: ${error.message}`, advice, { cause: error });
  }
}

function writeKey(file: string): void {
  const { privateKey } = generateKeyPairSync("ed25519");
  const pem = privateKey.export({ type: "pkcs8", format: "pem" });
  const descriptor = openSync(file, "w", 0o600);
  try {
    writeFileSync(descriptor, pem);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function syncFolder(directory: string): void {
  const descriptor = openSync(directory, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function noKey(from: string, options?: ErrorOptions): BadgedError {
  return new BadgedError(
    "secret-unsafe",
    `${from} holds no Ed25519 key, so the log could not be signed`,
    "make one with openssl genpkey -algorithm ed25519, or leave evidence.keyFile out and badged makes its own",
    options,
  );
}

function unsafeKey({ what }: KeptKey, file: string): BadgedError {
  return new BadgedError(
    "secret-unsafe",
    `${what} ${file} may be read or replaced by other users of this box`,
    "chmod 600 it; if somebody may have read it, move it away, and a new log begins under a new key",
  );
}

function unusable({ what }: KeptKey, file: string, done: "read" | "made", cause: unknown): BadgedError {
  return new BadgedError(
    "store-unusable",
    `${what} ${file} cannot be ${done}: ${messageOf(cause)}`,
    "give the store's folder to the user that badged runs as",
    { cause },
  );
}
