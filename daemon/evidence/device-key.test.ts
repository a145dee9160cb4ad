import { generateKeyPairSync } from "node:crypto";
import { chmodSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type TemporaryDirectory, temporaryDirectory } from "../testing/store-fixture.ts";
import { deviceKeyFile, ensureDeviceKey, findDeviceKey, readDeviceKey, signerOf } from "./device-key.ts";
import { isSignedBy, parseNote, signNote } from "./note.ts";

let directory: TemporaryDirectory;

beforeEach(() => {
  directory = temporaryDirectory();
});

afterEach(() => {
  directory[Symbol.dispose]();
});

test("the key is made once, for its owner alone, and nothing else is left behind", () => {
  expect(findDeviceKey(directory.path)).toBeNull();
  const made = ensureDeviceKey(directory.path);
  expect(readdirSync(directory.path)).toEqual([deviceKeyFile]);
  expect(statSync(join(directory.path, deviceKeyFile)).mode & 0o777).toBe(0o600);
  expect(ensureDeviceKey(directory.path).publicKey).toEqual(made.publicKey);
});

test("it signs under the origin of its epoch", () => {
  const signer = signerOf(ensureDeviceKey(directory.path), 3);
  const note = parseNote(signNote("text\n", signer));
  expect(signer.name).toMatch(/^badged\/[0-9a-f]{16}\/3$/);
  expect(note !== null && isSignedBy(note, signer)).toBe(true);
});

test.each([0o640, 0o604, 0o620, 0o644])("a key with mode %o is refused", (mode) => {
  ensureDeviceKey(directory.path);
  chmodSync(join(directory.path, deviceKeyFile), mode);
  expect(() => ensureDeviceKey(directory.path)).toThrow("may be read or replaced by other users");
});

test("a link is not followed to a key elsewhere", () => {
  symlinkSync("/etc/hostname", join(directory.path, deviceKeyFile));
  expect(() => ensureDeviceKey(directory.path)).toThrow("cannot be read");
});

test("what is no Ed25519 key is refused, and never repeated", () => {
  const file = join(directory.path, deviceKeyFile);
  writeFileSync(file, "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n", { mode: 0o600 });
  expect(() => ensureDeviceKey(directory.path)).toThrow(`${file} holds no Ed25519 key`);
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  expect(() => readDeviceKey(pem, "the credential")).toThrow("the credential holds no Ed25519 key");
});
