import { base64Of, decodeUtf8 } from "./canonical.ts";
import { isSignedBy, keyIdOf, type PublicKey, type WitnessKey } from "./public-key.ts";
import { sha256 } from "./tree.ts";

/** A C2SP checkpoint in a signed note, read but not yet believed. */
export type Note = {
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
  /** The bytes that are signed: the three lines with their line feeds. */
  readonly signed: Buffer;
  /** SHA-256 of them: what a token is over, and what an anchor calls `checkpoint`. */
  readonly digest: Buffer;
  readonly signatures: readonly SignatureLine[];
};

export type SignatureLine = { readonly name: string; readonly keyId: Buffer; readonly signature: Buffer };

export const noteMaxBytes: number = 16_384;

const noteForm = /^(\S{1,255})\n([1-9][0-9]{0,14})\n([A-Za-z0-9+/]{43}=)\n\n((?:— \S+ \S+\n)+)$/u;
const lineForm = /^— ([^\s+]{1,255}) ([A-Za-z0-9+/=]+)\n$/u;

export function parseNote(bytes: Uint8Array): Note | null {
  const text = bytes.length <= noteMaxBytes ? decodeUtf8(bytes) : null;
  const [, origin, size, root, lines] = noteForm.exec(text ?? "") ?? [];
  if (origin === undefined || size === undefined || root === undefined || lines === undefined) return null;
  const rootBytes = base64Of(root);
  const signatures: SignatureLine[] = [];
  for (const line of lines.match(/.*\n/gu) ?? []) {
    const signature = parseSignatureText(line);
    if (signature === null) return null;
    signatures.push(signature);
  }
  if (rootBytes === null) return null;
  const signed = Buffer.from(`${origin}\n${size}\n${root}\n`);
  return { origin, size: Number(size), root: rootBytes, signed, digest: sha256(signed), signatures };
}

/** One signature line with its line feed. */
export function parseSignatureLine(bytes: Uint8Array): SignatureLine | null {
  const text = bytes.length <= noteMaxBytes ? decodeUtf8(bytes) : null;
  return text === null ? null : parseSignatureText(text);
}

function parseSignatureText(line: string): SignatureLine | null {
  const [, name, base64] = lineForm.exec(line) ?? [];
  const bytes = base64Of(base64);
  if (name === undefined || bytes === null || bytes.length < 4) return null;
  return { name, keyId: bytes.subarray(0, 4), signature: bytes.subarray(4) };
}

/** Whether the log that the note names signed it with this key. */
export function isSignedByLog(note: Note, key: PublicKey): boolean {
  const keyId = keyIdOf(note.origin, 1, key);
  return note.signatures.some(
    (line) => line.name === note.origin && line.keyId.equals(keyId) && isSignedBy(key, note.signed, line.signature),
  );
}

/** When a witness says that it saw the checkpoint, in seconds since 1970; `null` when the line is not its cosignature. */
export function cosignedAt(note: Note, line: SignatureLine, witness: WitnessKey): number | null {
  if (line.name !== witness.name || !line.keyId.equals(witness.keyId) || line.signature.length !== 72) return null;
  const seconds = line.signature.readBigUInt64BE(0);
  if (seconds === 0n || seconds > 2n ** 40n) return null;
  const message = Buffer.concat([Buffer.from(`cosignature/v1\ntime ${seconds}\n`), note.signed]);
  return isSignedBy(witness.key, message, line.signature.subarray(8)) ? Number(seconds) : null;
}
