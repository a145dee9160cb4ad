import { createHash, createPrivateKey, type KeyObject, sign } from "node:crypto";
import { type NoteSigner, rawPublicKey } from "../../evidence/note.ts";

/** PKCS #8 of an Ed25519 key, up to its 32 bytes (RFC 8410 section 7). */
const privateKeyHead = Buffer.from("302e020100300506032b657004220420", "hex");

/** The same name gives the same key, so that a seed repeats a log to the byte. */
export function seededKey(name: string): { readonly privateKey: KeyObject; readonly publicKey: Buffer } {
  const secret = createHash("sha256").update(name).digest();
  const key = Buffer.concat([privateKeyHead, secret]);
  const privateKey = createPrivateKey({ key, format: "der", type: "pkcs8" });
  return { privateKey, publicKey: rawPublicKey(privateKey) };
}

export function seededWitness(name: string): NoteSigner {
  return { name, ...seededKey(`witness ${name}`) };
}

export function signedBy(privateKey: KeyObject): (bytes: Uint8Array) => Buffer {
  return (bytes) => sign(null, bytes, privateKey);
}
