import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { base64Of } from "./canonical.ts";
import { sha256 } from "./tree.ts";

/** An Ed25519 public key, and its 32 bytes. */
export type PublicKey = { readonly bytes: Buffer; readonly key: KeyObject };

/** A witness as its operator publishes it. */
export type WitnessKey = { readonly name: string; readonly keyId: Buffer; readonly key: PublicKey };

/** RFC 8410: what stands before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo. */
const spkiPrefix = Buffer.from("302a300506032b6570032100", "hex");

export const signatureBytes: number = 64;

export function publicKeyOf(bytes: Buffer): PublicKey | null {
  if (bytes.length !== 32) return null;
  return { bytes, key: createPublicKey({ key: Buffer.concat([spkiPrefix, bytes]), format: "der", type: "spki" }) };
}

/** `ed25519:<base64>`, with or without a line feed behind it. */
export function parseLogKey(text: string): PublicKey | null {
  const match = /^ed25519:([A-Za-z0-9+/=]+)\n?$/.exec(text);
  const bytes = base64Of(match?.[1]);
  return bytes === null ? null : publicKeyOf(bytes);
}

/** `<name>+<key id in hex>+<base64 of 0x04 ‖ public key>`, with or without a line feed behind it. */
export function parseWitnessKey(text: string): WitnessKey | null {
  const match = /^([^\s+]{1,255})\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)\n?$/u.exec(text);
  const [, name, id] = match ?? [];
  const typed = base64Of(match?.[3]);
  if (name === undefined || id === undefined || typed === null || typed[0] !== 4) return null;
  const key = publicKeyOf(typed.subarray(1));
  if (key === null) return null;
  const keyId = keyIdOf(name, 4, key);
  return keyId.toString("hex") === id ? { name, keyId, key } : null;
}

/** The C2SP key id: 1 is a log's Ed25519 key, 4 that of a witness. */
export function keyIdOf(name: string, type: 1 | 4, { bytes }: PublicKey): Buffer {
  return sha256(Buffer.concat([Buffer.from(`${name}\n`), Buffer.from([type]), bytes])).subarray(0, 4);
}

export function isSignedBy({ key }: PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
  return signature.length === signatureBytes && verify(null, message, key, signature);
}

/** What a person compares: SHA-256 of the key in groups of four digits. */
export function fingerprintOf({ bytes }: PublicKey): string {
  return (sha256(bytes).toString("hex").match(/.{4}/g) ?? []).join(" ");
}
