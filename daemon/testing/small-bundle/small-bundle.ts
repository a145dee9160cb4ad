import { createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import canonicalize from "canonicalize";
import { consistencyProof, inclusionPath, leafHash, sha256, treeHash } from "./naive-tree.ts";

/*
 * A bundle as daemon/evidence/README.md describes it, written with nothing of daemon/evidence: a mistake that writer and
 * verifier share would be found here. Tokens are a text that only `readToken` understands; real ones are tested with
 * their own room.
 */

export type Signer = { readonly private: KeyObject; readonly public: Buffer };

/** Always the same key for the same name. */
export function signerOf(name: string): Signer {
  const pkcs8 = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), sha256(Buffer.from(name))]);
  const key = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  return { private: key, public: spki.subarray(-32) };
}

export function originOf({ public: bytes }: Signer, epoch: number = 1): string {
  return `badged/${sha256(bytes).toString("hex").slice(0, 16)}/${epoch}`;
}

export function noteOf(origin: string, size: number, root: Buffer, signer: Signer): Buffer {
  const text = `${origin}\n${size}\n${root.toString("base64")}\n`;
  return Buffer.from(`${text}\n${signatureLine(origin, 1, signer, sign(null, Buffer.from(text), signer.private))}`);
}

export function signedPart(note: Buffer): Buffer {
  return note.subarray(0, note.indexOf("\n\n") + 1);
}

export function cosignatureOf(note: Buffer, name: string, witness: Signer, seconds: number): Buffer {
  const message = Buffer.concat([Buffer.from(`cosignature/v1\ntime ${seconds}\n`), signedPart(note)]);
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(seconds));
  const signature = Buffer.concat([time, sign(null, message, witness.private)]);
  return Buffer.from(signatureLine(name, 4, witness, signature));
}

export function witnessKeyText(name: string, { public: bytes }: Signer): string {
  const typed = Buffer.concat([Buffer.from([4]), bytes]);
  return `${name}+${keyId(name, 4, bytes).toString("hex")}+${typed.toString("base64")}`;
}

function signatureLine(name: string, type: 1 | 4, signer: Signer, signature: Buffer): string {
  return `— ${name} ${Buffer.concat([keyId(name, type, signer.public), signature]).toString("base64")}\n`;
}

function keyId(name: string, type: 1 | 4, bytes: Buffer): Buffer {
  return sha256(Buffer.from(`${name}\n`), Buffer.from([type]), bytes).subarray(0, 4);
}

export function tokenOf(note: Buffer, atMs: number): Buffer {
  const said = `token ${atMs} ${sha256(signedPart(note)).toString("hex")}`;
  return Buffer.from(`${said} ${sha256(Buffer.from(`authority ${said}`)).toString("hex")}`);
}

/** Reads what `tokenOf` wrote. */
export function readToken(
  response: Uint8Array,
  imprint: Uint8Array,
):
  | { readonly ok: true; readonly genTimeMs: number; readonly notBeforeMs: number; readonly notAfterMs: number }
  | { readonly ok: false; readonly reason: string } {
  const text = Buffer.from(response).toString("latin1");
  const [, said = "", at, over, seal] = /^(token ([0-9]+) ([0-9a-f]{64})) ([0-9a-f]{64})$/.exec(text) ?? [];
  if (over !== Buffer.from(imprint).toString("hex")) return { ok: false, reason: "imprint" };
  if (seal !== sha256(Buffer.from(`authority ${said}`)).toString("hex")) return { ok: false, reason: "signature" };
  return { ok: true, genTimeMs: Number(at), notBeforeMs: Number(at), notAfterMs: Number(at) };
}

export type Content = { readonly kind: string; readonly data: object; readonly atMs: number };

/** An entry of the log as it comes about: a record, or a checkpoint that is stamped and witnessed, and then anchored. */
export type Step = Content | { readonly checkpoint: true; readonly atMs: number };

export type BundleOptions = {
  readonly steps: readonly Step[];
  readonly first: number;
  readonly windows: readonly string[];
  /** Sequence numbers of samples that are reduced to their hashes. */
  readonly erased: ReadonlySet<number>;
  readonly witnessName: string;
};

export type SmallBundle = {
  readonly files: Map<string, Buffer>;
  readonly log: Signer;
  readonly witness: Signer;
  readonly witnessKey: string;
  /** The last checkpoint, cosigned. */
  readonly head: Buffer;
};

export function buildBundle({ steps, first, windows, erased, witnessName }: BundleOptions): SmallBundle {
  const log = signerOf("log");
  const witness = signerOf("witness");
  const origin = originOf(log);
  const lines: Buffer[] = [];
  const checkpoints: { size: number; note: Buffer; token: Buffer; cosignature: Buffer }[] = [];
  const add = ({ kind, data, atMs }: Content): void => {
    const previous = lines.at(-1);
    const record = {
      boot: "0b0e8f5c-6f2f-4d7e-9a52-6c9b5a1d2e3f",
      data,
      err: 8,
      kind,
      mono: atMs - startMs + 60_000,
      p: previous === undefined ? "0".repeat(64) : sha256(previous).toString("hex"),
      seq: lines.length,
      state: "synchronised",
      v: 1,
      wall: atMs,
    };
    lines.push(Buffer.from(canonicalize(record) ?? ""));
  };
  add({
    kind: "epoch",
    atMs: startMs,
    data: { format: 1, key: log.public.toString("base64"), origin, previous: null, reason: "first-start" },
  });
  for (const step of steps) {
    if ("kind" in step) {
      add(step);
      continue;
    }
    const size = lines.length;
    const note = noteOf(origin, size, treeHash(lines.map(leafHash)), log);
    const token = tokenOf(note, step.atMs);
    const cosignature = cosignatureOf(note, witnessName, witness, Math.floor(step.atMs / 1000));
    checkpoints.push({ size, note, token, cosignature });
    if (step === steps.at(-1)) break;
    const checkpoint = sha256(signedPart(note)).toString("hex");
    const of = (type: string, bytes: Buffer, by: string): Content => ({
      kind: "anchor",
      atMs: step.atMs,
      data: { by, checkpoint, sha256: sha256(bytes).toString("hex"), size, type },
    });
    add(of("rfc3161", token, "tsa"));
    add(of("witness", cosignature, witnessName));
  }
  const leaves = lines.map(leafHash);
  const files = new Map<string, Buffer>();
  const shown = checkpoints.filter(({ size }) => size > first);
  for (const [index, { size, note, token, cosignature }] of shown.entries()) {
    files.set(`checkpoints/${size}.ckpt`, note);
    files.set(`checkpoints/${size}.1.tsr`, token);
    files.set(`checkpoints/${size}.1.cosig`, cosignature);
    const older = shown[index - 1]?.size;
    if (older === undefined) continue;
    files.set(`proofs/consistency-${older}-${size}`, proofText(consistencyProof(older, leaves.slice(0, size))));
  }
  const size = lines.length;
  if (first > 0) files.set(`proofs/inclusion-${first}-${size}`, proofText(inclusionPath(first, leaves)));
  const texts = lines.map((line, seq) => (erased.has(seq) ? erasedLine(line, seq) : line));
  files.set("log/records.jsonl", Buffer.concat(texts.slice(first).flatMap((line) => [line, Buffer.from("\n")])));
  const witnessKey = witnessKeyText(witnessName, witness);
  files.set("keys/log.key", Buffer.from(`ed25519:${log.public.toString("base64")}\n`));
  files.set("keys/witness-1.key", Buffer.from(`${witnessKey}\n`));
  files.set("LEESMIJ.md", Buffer.from("# Bewijs\n"));
  const manifest = {
    format: 1,
    origin,
    key: log.public.toString("base64"),
    first,
    size,
    checkpoints: shown.map((each) => ({
      size: each.size,
      tokens: [`${each.size}.1.tsr`],
      cosignatures: [`${each.size}.1.cosig`],
    })),
    windows,
    made: startMs + (erased.size === 0 ? 1 : 91) * 86_400_000,
    version: "0.1.0",
  };
  files.set("manifest.json", Buffer.from(canonicalize(manifest) ?? ""));
  const last = checkpoints.at(-1);
  const head = Buffer.concat([last?.note ?? Buffer.alloc(0), last?.cosignature ?? Buffer.alloc(0)]);
  const bundle = { files, log, witness, witnessKey, head };
  sealBundle(bundle);
  return bundle;
}

/** Sums and signs what is there now, as the owner of the key can after every change. */
export function sealBundle({ files, log }: Pick<SmallBundle, "files" | "log">): void {
  files.delete("SHA256SUMS");
  files.delete("SHA256SUMS.sig");
  const paths = [...files.keys()].sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
  const sums = paths.map((path) => `${sha256(files.get(path) ?? Buffer.alloc(0)).toString("hex")}  ${path}\n`);
  const bytes = Buffer.from(sums.join(""));
  files.set("SHA256SUMS", bytes);
  files.set("SHA256SUMS.sig", sign(null, bytes, log.private));
}

function proofText(proof: readonly Buffer[]): Buffer {
  return Buffer.from(proof.map((hash) => `${hash.toString("hex")}\n`).join(""));
}

function erasedLine(line: Buffer, seq: number): Buffer {
  const erased = { erased: true, hash: sha256(line).toString("hex"), leaf: leafHash(line).toString("hex"), seq };
  return Buffer.from(canonicalize(erased) ?? "");
}

/** 2026-03-02T06:00:00Z. */
export const startMs: number = 1_772_431_200_000;
