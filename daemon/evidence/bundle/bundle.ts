import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import { assert, present } from "../../base/assert.ts";
import type { WallMs } from "../../base/time.ts";
import { consistencyPath, type Hash, inclusionPath, type LeafRange } from "../merkle.ts";
import { publicKeyText } from "../note.ts";

/** A file of a bundle by its path inside it, with `/` between folders. */
export type BundleFile = { readonly path: string; readonly bytes: Uint8Array };

export type BundleCheckpoint = {
  readonly size: number;
  /** The signed note. */
  readonly note: string;
  /** `TimeStampResp` in DER. */
  readonly tokens: readonly Uint8Array[];
  /** Signature lines, without their line feeds. */
  readonly cosignatures: readonly string[];
};

/** All that a bundle is made of; see `daemon/evidence/README.md`. */
export type BundleContent = {
  readonly origin: string;
  readonly publicKey: Uint8Array;
  readonly first: number;
  /** From `first` on, as long as the last checkpoint; records, or what is left of erased ones. */
  readonly lines: readonly string[];
  /** The root over a range of the epoch's leaves that a proof of this bundle asks for. */
  readonly rootOf: (range: LeafRange) => Hash;
  /** Ascending. */
  readonly checkpoints: readonly BundleCheckpoint[];
  /** Ids of the windows that are meant. */
  readonly windows: readonly string[];
  readonly madeAt: WallMs;
  readonly version: string;
  /** Certificates of the authorities, PEM, and keys of the witnesses: copies for who has to look them up. */
  readonly authorities: readonly string[];
  readonly witnesses: readonly string[];
  readonly attachments: readonly { readonly name: string; readonly bytes: Uint8Array }[];
  readonly report: Uint8Array | null;
  /** How to check it: the verifier and the readmes. */
  readonly guide: readonly BundleFile[];
};

export const sumsFile: string = "SHA256SUMS";

/** With the key of the log; `null` where that is lost. */
export type Signing = ((bytes: Uint8Array) => Uint8Array) | null;

export function bundleFiles(content: BundleContent, sign: Signing): readonly BundleFile[] {
  const last = present(content.checkpoints.at(-1), "a bundle has a checkpoint");
  assert(content.first + content.lines.length === last.size, "the last checkpoint is over the last line");
  const files = [
    textFile("manifest.json", manifestOf(content, last.size)),
    textFile("log/records.jsonl", content.lines.map((line) => `${line}\n`).join("")),
    ...content.checkpoints.flatMap(checkpointFiles),
    ...proofFiles(content, last.size),
    textFile("keys/log.key", `${publicKeyText(content.publicKey)}\n`),
    ...content.authorities.map((pem, index) => textFile(`keys/tsa-${index + 1}.pem`, pem)),
    ...content.witnesses.map((key, index) => textFile(`keys/witness-${index + 1}.key`, `${key}\n`)),
    ...attachmentFiles(content.attachments),
    ...(content.report === null ? [] : [{ path: "report.pdf", bytes: content.report }]),
    ...content.guide,
  ];
  return withSums(files, sign);
}

/** The files with their sums and, where there is a key, the signature over them. */
export function withSums(files: readonly BundleFile[], sign: Signing): readonly BundleFile[] {
  const sorted = files.toSorted((one, other) => Buffer.compare(Buffer.from(one.path), Buffer.from(other.path)));
  assert(new Set(sorted.map(({ path }) => path)).size === sorted.length, "every file has a path of its own");
  const sums = textFile(sumsFile, sorted.map(({ path, bytes }) => `${sha256(bytes)}  ${path}\n`).join(""));
  const signature = sign === null ? [] : [{ path: `${sumsFile}.sig`, bytes: sign(sums.bytes) }];
  return [sums, ...signature, ...sorted];
}

function manifestOf(content: BundleContent, size: number): string {
  const manifest = {
    format: 1,
    origin: content.origin,
    key: Buffer.from(content.publicKey).toString("base64"),
    first: content.first,
    size,
    checkpoints: content.checkpoints.map((each) => ({
      size: each.size,
      tokens: each.tokens.map((_, index) => tokenName(each.size, index)),
      cosignatures: each.cosignatures.map((_, index) => cosignatureName(each.size, index)),
    })),
    windows: content.windows,
    made: content.madeAt,
    version: content.version,
  };
  return present(canonicalize(manifest), "a manifest is an object");
}

function checkpointFiles({ size, note, tokens, cosignatures }: BundleCheckpoint): readonly BundleFile[] {
  const inFolder = (name: string): string => `checkpoints/${name}`;
  return [
    textFile(inFolder(`${size}.ckpt`), note),
    ...tokens.map((bytes, index) => ({ path: inFolder(tokenName(size, index)), bytes })),
    ...cosignatures.map((line, index) => textFile(inFolder(cosignatureName(size, index)), `${line}\n`)),
  ];
}

function tokenName(size: number, index: number): string {
  return `${size}.${index + 1}.tsr`;
}

function cosignatureName(size: number, index: number): string {
  return `${size}.${index + 1}.cosig`;
}

function proofFiles({ first, checkpoints, rootOf }: BundleContent, size: number): readonly BundleFile[] {
  const rootOfRange = remembered(rootOf);
  const proofFile = (path: string, ranges: readonly LeafRange[]): BundleFile =>
    textFile(path, ranges.map((range) => `${rootOfRange(range).toString("hex")}\n`).join(""));
  const inclusion = first === 0 ? [] : [proofFile(`proofs/inclusion-${first}-${size}`, inclusionPath(first, size))];
  const consistency = checkpoints.flatMap((each, index) => {
    const next = checkpoints[index + 1];
    if (next === undefined) return [];
    return [proofFile(`proofs/consistency-${each.size}-${next.size}`, consistencyPath(each.size, next.size))];
  });
  return [...inclusion, ...consistency];
}

/** The proofs of neighbouring checkpoints share most of their hashes, and a long one is over a million leaves. */
function remembered(rootOf: BundleContent["rootOf"]): BundleContent["rootOf"] {
  const known = new Map<string, Hash>();
  return (range) => {
    const name = `${range.from} ${range.to}`;
    const root = known.get(name) ?? rootOf(range);
    known.set(name, root);
    return root;
  };
}

/** Names come from people's own files: what a shell, a zip or another system could stumble over is replaced. */
function attachmentFiles(attachments: BundleContent["attachments"]): readonly BundleFile[] {
  const taken = new Set<string>();
  return attachments.map(({ name, bytes }) => {
    const plain = plainName(name);
    let path = `external/${plain}`;
    for (let count = 2; taken.has(path); count += 1) path = `external/${count}-${plain}`;
    taken.add(path);
    return { path, bytes };
  });
}

const nameMaxChars = 100;

function plainName(name: string): string {
  const plain = name
    .replace(/[^A-Za-z0-9._-]/g, "_")
    .slice(-nameMaxChars)
    .replace(/^[.-]+/, "_");
  return plain === "" ? "_" : plain;
}

function textFile(path: string, text: string): BundleFile {
  return { path, bytes: Buffer.from(text) };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
