import { generateKeyPairSync } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { keyFault, parsePrivateKey, readPrivateKey } from "./private-key.ts";

const folder = mkdtempSync(join(tmpdir(), "badged-key-"));
afterAll(() => rmSync(folder, { recursive: true }));

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const pkcs8 = rsa.export({ type: "pkcs8", format: "pem" }).toString();
const pkcs1 = rsa.export({ type: "pkcs1", format: "pem" }).toString();

function file(text: string, mode = 0o600): string {
  const path = join(folder, "key.pem");
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

test.each([
  ["PKCS#8", pkcs8],
  ["PKCS#1", pkcs1],
  ["PKCS#8 with Windows line ends", pkcs8.replaceAll("\n", "\r\n")],
])("a key in %s is read", (_, pem) => {
  expect(readPrivateKey(file(pem)).equals(rsa)).toBe(true);
  expect(keyFault(file(pem))).toBeNull();
});

test.each([
  ["a certificate", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "holds no private key"],
  ["a public key", rsa.export({ type: "pkcs1", format: "pem" }).toString().slice(40, 200), "holds no private key"],
  [
    "a key with a passphrase",
    rsa.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" }).toString(),
    "has a passphrase",
  ],
  [
    "an old key with a passphrase",
    rsa.export({ type: "pkcs1", format: "pem", cipher: "aes-256-cbc", passphrase: "x" }).toString(),
    "has a passphrase",
  ],
  [
    "a key of another kind",
    generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    "is no RSA key",
  ],
  [
    "a short key",
    generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    "has 1024 bits",
  ],
])("%s is refused, and nothing of it is repeated", (_, pem, words) => {
  const parsed = parsePrivateKey(pem);
  expect(parsed).toMatchObject({ ok: false, fault: { kind: "unsafe", message: expect.stringContaining(words) } });
  expect(JSON.stringify(parsed)).not.toContain(pem.split("\n")[1]);
  expect(keyFault(file(pem))?.message).toContain(words);
});

test("a key that others may read is refused before it is looked into", () => {
  expect(keyFault(file(pkcs8, 0o644))?.message).toBe("may be read by every user of this box");
  expect(() => readPrivateKey(file(pkcs8, 0o644))).toThrow("may be read by every user");
});
