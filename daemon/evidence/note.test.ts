import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { leafHash } from "./merkle.ts";
import {
  checkpointText,
  cosign,
  cosignedAt,
  fromBase64,
  isSignedBy,
  type NoteSigner,
  originOf,
  parseCheckpoint,
  parseNote,
  parsePublicKey,
  parseVerifierKey,
  publicKeyText,
  rawPublicKey,
  signedPartHash,
  signNote,
  verifierKeyText,
  withSignature,
} from "./note.ts";

/** A key from 32 fixed bytes, as PKCS #8. */
function signerOf(fill: number, name: (publicKey: Buffer) => string): NoteSigner {
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, fill)]);
  const privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const publicKey = rawPublicKey(privateKey);
  return { name: name(publicKey), publicKey, privateKey };
}

const log = signerOf(1, (publicKey) => originOf(publicKey, 1));
const witness = signerOf(2, () => "witness.example/works");
const text = checkpointText({ origin: log.name, size: 379, root: leafHash("root") });
const note = signNote(text, log);

test("a checkpoint is three lines under the name of its log", () => {
  expect(log.name).toBe("badged/34750f98bd59fcfc/1");
  expect(note).toMatchInlineSnapshot(`
    "badged/34750f98bd59fcfc/1
    379
    PAb5plclr2BSYfY2ZyyWINQJcx2JpFHXRV/pxK4WeCk=

    — badged/34750f98bd59fcfc/1 cqflfyG8uPVdHScoB1cdLfC3hhz5b3iHguzQTSitwTI5NwyTme5o6UeJOp7w7FGYJfgw0D3aFdRADDsNdj2lRm32Xg8=
    "
  `);
});

test("a note is read back, and signed by its own key only", () => {
  const parsed = parseNote(note);
  expect(parsed?.text).toBe(text);
  expect(parsed?.signatures.map(({ name }) => name)).toEqual([log.name]);
  expect(parsed !== null && isSignedBy(parsed, log)).toBe(true);
  expect(parsed !== null && isSignedBy(parsed, { ...log, publicKey: witness.publicKey })).toBe(false);
  expect(parsed !== null && isSignedBy(parsed, { ...log, name: originOf(log.publicKey, 2) })).toBe(false);
  expect(parseCheckpoint(text)).toEqual({ origin: log.name, size: 379, root: leafHash("root") });
});

test("a cosignature stands under the note, says when, and leaves the signed part as it was", () => {
  const line = cosign(text, 1_785_751_200, witness);
  expect(cosignedAt(text, line, witness)).toBe(1_785_751_200);
  const both = parseNote(withSignature(note, line));
  expect(both?.text).toBe(text);
  expect(both?.signatures.map((each) => each.line)).toEqual([note.split("\n").at(-2), line]);
  expect(both !== null && isSignedBy(both, log)).toBe(true);
});

test("a cosignature of another checkpoint, witness or kind is none", () => {
  const line = cosign(text, 1_785_751_200, witness);
  const other = checkpointText({ origin: log.name, size: 380, root: leafHash("root") });
  expect(cosignedAt(other, line, witness)).toBeNull();
  expect(cosignedAt(text, line, { ...witness, publicKey: log.publicKey })).toBeNull();
  expect(cosignedAt(text, line, { ...witness, name: "another" })).toBeNull();
  expect(cosignedAt(text, parseNote(signNote(text, witness))?.signatures[0]?.line ?? "", witness)).toBeNull();
});

test("no byte of a note can be changed, left out or put in", () => {
  const bytes = Buffer.from(note);
  for (let at = 0; at < bytes.length; at++) {
    for (const mask of [0x01, 0x20, 0x80]) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ mask;
      expect(isAccepted(changed)).toBe(false);
    }
    expect(isAccepted(Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]))).toBe(false);
    expect(isAccepted(Buffer.concat([bytes.subarray(0, at), Buffer.from("A"), bytes.subarray(at)]))).toBe(false);
  }
});

test("no byte of a cosignature can be changed", () => {
  const line = Buffer.from(cosign(text, 1_785_751_200, witness));
  for (let at = 0; at < line.length; at++) {
    for (const mask of [0x01, 0x20, 0x80]) {
      const changed = Buffer.from(line);
      changed[at] = (changed[at] ?? 0) ^ mask;
      expect(cosignedAt(text, changed.toString("latin1"), witness)).toBeNull();
      expect(cosignedAt(text, changed.toString(), witness)).toBeNull();
    }
  }
});

function isAccepted(bytes: Uint8Array): boolean {
  const parsed = parseNote(bytes);
  return parsed !== null && isSignedBy(parsed, log);
}

test("any bytes are either no note, or written again the same", () => {
  const line = fc.string({ maxLength: 12 });
  const likely = fc.array(fc.oneof(line, fc.constant(""), fc.constant("— a AAAAAAA="), fc.constant("— a AAAAAAB=")));
  fc.assert(
    fc.property(
      likely.map((lines) => lines.join("\n")),
      (whole) => {
        const parsed = parseNote(whole);
        if (parsed === null) return;
        expect(`${parsed.text}\n${parsed.signatures.map((each) => `${each.line}\n`).join("")}`).toBe(whole);
      },
    ),
    { numRuns: 2000 },
  );
});

test("checkpoints of any log, size and root are read back", () => {
  const root = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.nat(), fc.maxSafeNat(), root, (epoch, size, hash) => {
      const checkpoint = { origin: originOf(log.publicKey, epoch), size, root: hash };
      expect(parseCheckpoint(checkpointText(checkpoint))).toEqual(checkpoint);
    }),
  );
});

test.each([
  ["a size with a zero before it", text.replace("379", "0379")],
  ["a negative size", text.replace("379", "-379")],
  ["a size beyond the safe integers", text.replace("379", "9007199254740992")],
  ["a fourth line", `${text}more\n`],
  ["a root that is too short", text.replace(/\n[^\n]+=\n$/, "\nAAAA\n")],
  ["no line feed at the end", text.slice(0, -1)],
  ["base64 with bits of nothing", text.replace("Ck=\n", "Cl=\n")],
])("%s is no checkpoint", (_what, changed) => {
  expect(changed).not.toBe(text);
  expect(parseCheckpoint(changed)).toBeNull();
});

test("keys are passed on as text, and a text with another id is none", () => {
  expect(parsePublicKey(publicKeyText(log.publicKey))).toEqual(log.publicKey);
  expect(parsePublicKey(`${publicKeyText(log.publicKey)} `)).toBeNull();
  expect(parsePublicKey(publicKeyText(Buffer.alloc(31)))).toBeNull();
  const key = verifierKeyText(witness, "cosignature");
  expect(parseVerifierKey(key, "cosignature")).toEqual({ name: witness.name, publicKey: witness.publicKey });
  expect(parseVerifierKey(key, "log")).toBeNull();
  expect(parseVerifierKey(key.replace("works", "house"), "cosignature")).toBeNull();
});

test("keys with plus signs in their base64 are read too", () => {
  for (let tries = 0; tries < 50; tries++) {
    const { publicKey } = generateKeyPairSync("ed25519");
    const key = { name: "witness", publicKey: rawPublicKey(publicKey) };
    expect(parseVerifierKey(verifierKeyText(key, "cosignature"), "cosignature")).toEqual(key);
  }
});

test("base64 has one form", () => {
  expect(fromBase64("AAAA")).toEqual(Buffer.alloc(3));
  for (const lenient of ["AAA", "AA=", "AAB=", "AA-_", "AAAA=", "AAAA\n", ""]) expect(fromBase64(lenient)).toBeNull();
});

test("what an authority is asked for is the hash of the signed part", () => {
  expect(signedPartHash(text)).not.toEqual(signedPartHash(note));
  expect(signedPartHash(text)).toHaveLength(32);
});
