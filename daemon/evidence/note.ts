import { createHash, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { assert } from "../base/assert.ts";
import { type Hash, hashBytes } from "./merkle.ts";

/*
 * C2SP signed-note, tlog-checkpoint and tlog-cosignature, for Ed25519. Node's base64 takes what is not canonical, so
 * everything read is written again and compared.
 */

export const publicKeyBytes: number = 32;
export const signatureBytes: number = 64;
/** Of a whole note; ours have 300 bytes and 250 for each witness. */
export const noteMaxBytes: number = 64 * 1024;
const keyIdBytes = 4;
const timeBytes = 8;

/** What a key signs, as the byte that goes into its id. */
export const algorithms = { log: 0x01, cosignature: 0x04 } as const;
export type Algorithm = keyof typeof algorithms;

/** Who signs: a name without spaces and plus signs, and the raw 32 bytes of the public key. */
export type NoteKey = { readonly name: string; readonly publicKey: Uint8Array };

export type NoteSigner = NoteKey & { readonly privateKey: KeyObject };

export type Checkpoint = { readonly origin: string; readonly size: number; readonly root: Hash };

/** One line under a note. `line` is without its line feed. */
export type NoteSignature = {
  readonly name: string;
  readonly keyId: Buffer;
  readonly signature: Buffer;
  readonly line: string;
};

/** `text` is the signed part, with the line feed at its end. */
export type SignedNote = { readonly text: string; readonly signatures: readonly NoteSignature[] };

export function keyIdOf({ name, publicKey }: NoteKey, algorithm: Algorithm): Buffer {
  return sha256(`${name}\n`, Buffer.from([algorithms[algorithm]]), publicKey).subarray(0, keyIdBytes);
}

/** The raw 32 bytes of an Ed25519 key, public or private. */
export function rawPublicKey(key: KeyObject): Buffer {
  assert(key.asymmetricKeyType === "ed25519", "keys of the log are Ed25519");
  const { x } = (key.type === "private" ? createPublicKey(key) : key).export({ format: "jwk" });
  return Buffer.from(x ?? "", "base64url");
}

/** The first 16 hex digits of SHA-256 of the public key: what two people can compare by reading aloud. */
export function fingerprintOf(publicKey: Uint8Array): string {
  return sha256(publicKey).toString("hex").slice(0, 16);
}

/** @param epoch 1, 2… */
export function originOf(publicKey: Uint8Array, epoch: number): string {
  return `badged/${fingerprintOf(publicKey)}/${epoch}`;
}

export function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${root.toString("base64")}\n`;
}

/** `null` when the signed part of a note is not a checkpoint of three lines. */
export function parseCheckpoint(text: string): Checkpoint | null {
  const [origin = "", sizeText = "", rootText = "", end, ...others] = text.split("\n");
  const root = fromBase64(rootText);
  const size = /^(0|[1-9]\d{0,15})$/.test(sizeText) ? Number(sizeText) : Number.NaN;
  if (end !== "" || others.length > 0 || !isName(origin)) return null;
  return Number.isSafeInteger(size) && root?.length === hashBytes ? { origin, size, root } : null;
}

/** `checkpoint` of an anchor, and what a timestamp is asked for. */
export function signedPartHash(text: string): Hash {
  return sha256(text);
}

/** @param text the signed part, with the line feed at its end */
export function signNote(text: string, signer: NoteSigner): string {
  assert(isNoteText(text), "a note has whole lines and no control characters");
  const signature = sign(null, Buffer.from(text), signer.privateKey);
  return `${text}\n${signatureLine(signer, "log", signature)}\n`;
}

/** The note with one more line under it. */
export function withSignature(note: string, line: string): string {
  return `${note}${line}\n`;
}

/** `null` when it is not a note with at least one signature line, in exactly the bytes that would be written. */
export function parseNote(note: string | Uint8Array): SignedNote | null {
  const bytes = Buffer.from(note);
  const whole = bytes.toString();
  if (bytes.length > noteMaxBytes || !Buffer.from(whole).equals(bytes)) return null;
  const end = whole.lastIndexOf("\n\n");
  const text = whole.slice(0, end + 1);
  if (end < 0 || !isNoteText(text) || !whole.endsWith("\n")) return null;
  const lines = whole.slice(end + 2, -1).split("\n");
  const signatures = lines.flatMap((line) => parseSignatureLine(line) ?? []);
  return signatures.length === lines.length ? { text, signatures } : null;
}

/** Of one line under a note, without its line feed; `null` when it is none. */
export function parseSignatureLine(line: string): NoteSignature | null {
  const [dash, name = "", base64 = "", ...others] = line.split(" ");
  const bytes = fromBase64(base64);
  if (dash !== "—" || !isName(name) || others.length > 0 || bytes === null || bytes.length <= keyIdBytes) return null;
  return { name, keyId: bytes.subarray(0, keyIdBytes), signature: bytes.subarray(keyIdBytes), line };
}

/** Whether the note carries a signature of the log's key, and no wrong one in its name. */
export function isSignedBy(note: SignedNote, key: NoteKey): boolean {
  const own = note.signatures.filter((each) => isOf(each, key, "log"));
  return own.length > 0 && own.every(({ signature }) => isValid(Buffer.from(note.text), signature, key.publicKey));
}

/** A cosignature/v1 line over the signed part of a checkpoint, without a line feed. */
export function cosign(text: string, timeSeconds: number, signer: NoteSigner): string {
  const time = Buffer.alloc(timeBytes);
  time.writeBigUInt64BE(BigInt(timeSeconds));
  const signature = sign(null, cosignedBytes(text, BigInt(timeSeconds)), signer.privateKey);
  return signatureLine(signer, "cosignature", Buffer.concat([time, signature]));
}

/**
 * When the witness saw the checkpoint, in seconds since 1970; `null` when the line is not its cosignature of it.
 *
 * @param text the signed part of the checkpoint
 * @param line without its line feed
 */
export function cosignedAt(text: string, line: string, witness: NoteKey): number | null {
  const parsed = parseSignatureLine(line);
  if (parsed === null || !isOf(parsed, witness, "cosignature")) return null;
  if (parsed.signature.length !== timeBytes + signatureBytes) return null;
  const timeSeconds = parsed.signature.readBigUInt64BE();
  if (timeSeconds > BigInt(Number.MAX_SAFE_INTEGER)) return null;
  const signature = parsed.signature.subarray(timeBytes);
  return isValid(cosignedBytes(text, timeSeconds), signature, witness.publicKey) ? Number(timeSeconds) : null;
}

/** `<name>+<key id in hex>+<base64 of the algorithm and the key>`. */
export function verifierKeyText(key: NoteKey, algorithm: Algorithm): string {
  const typed = Buffer.concat([Buffer.from([algorithms[algorithm]]), key.publicKey]);
  return `${key.name}+${keyIdOf(key, algorithm).toString("hex")}+${typed.toString("base64")}`;
}

/** `null` unless the text is one key of that algorithm with the id that belongs to it. */
export function parseVerifierKey(text: string, algorithm: Algorithm): NoteKey | null {
  // Base64 has plus signs of its own: the third part is all that is left.
  const [, name = "", , base64 = ""] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text) ?? [];
  const typed = fromBase64(base64);
  if (!isName(name) || typed?.length !== 1 + publicKeyBytes) return null;
  const key = { name, publicKey: typed.subarray(1) };
  return verifierKeyText(key, algorithm) === text ? key : null;
}

/** `ed25519:<base64>`, as people pass the log's key on. */
export function publicKeyText(publicKey: Uint8Array): string {
  return `ed25519:${Buffer.from(publicKey).toString("base64")}`;
}

export function parsePublicKey(text: string): Buffer | null {
  const [, base64 = ""] = /^ed25519:(.+)$/.exec(text) ?? [];
  const bytes = fromBase64(base64);
  return bytes?.length === publicKeyBytes ? bytes : null;
}

/** Of canonical base64 only; `null` otherwise, and for nothing at all. */
export function fromBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, "base64");
  return text !== "" && bytes.toString("base64") === text ? bytes : null;
}

export function isValid(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean {
  if (publicKey.length !== publicKeyBytes || signature.length !== signatureBytes) return false;
  const x = Buffer.from(publicKey).toString("base64url");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  return verify(null, message, key, signature);
}

function signatureLine(signer: NoteKey, algorithm: Algorithm, signature: Uint8Array): string {
  assert(isName(signer.name), "a signer's name has neither spaces nor plus signs");
  return `— ${signer.name} ${Buffer.concat([keyIdOf(signer, algorithm), signature]).toString("base64")}`;
}

function cosignedBytes(text: string, timeSeconds: bigint): Buffer {
  return Buffer.from(`cosignature/v1\ntime ${timeSeconds}\n${text}`);
}

function isOf({ name, keyId }: NoteSignature, key: NoteKey, algorithm: Algorithm): boolean {
  return name === key.name && keyId.equals(keyIdOf(key, algorithm));
}

function isName(text: string): boolean {
  return text !== "" && text.isWellFormed() && !/[\s+\p{Cc}]/u.test(text);
}

/** Whole lines without control characters. */
function isNoteText(text: string): boolean {
  return text.endsWith("\n") && text !== "\n" && text.isWellFormed() && !/[^\P{Cc}\n]/u.test(text);
}

function sha256(...parts: readonly (string | Uint8Array)[]): Buffer {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}
