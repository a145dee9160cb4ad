import { filesMax } from "./bundle-files.ts";
import { base64Of, countOf, hasKeys, type Json, listOf, objectOf, parseCanonical, textOf } from "./canonical.ts";
import { type PublicKey, publicKeyOf } from "./public-key.ts";
import { sha256 } from "./tree.ts";

export type ManifestCheckpoint = {
  readonly size: number;
  /** Paths in the bundle. */
  readonly tokens: readonly string[];
  readonly cosignatures: readonly string[];
};

export type Manifest = {
  readonly origin: string;
  /** 1 for the first log of a box. */
  readonly epoch: number;
  readonly key: PublicKey;
  /** Sequence number of the first line in the bundle; the last one is `size − 1`. */
  readonly first: number;
  readonly size: number;
  /** Ascending by size; the last one has the bundle's. */
  readonly checkpoints: readonly [ManifestCheckpoint, ...ManifestCheckpoint[]];
  /** The windows that the bundle is made for. */
  readonly windows: readonly string[];
  /** UTC ms, as who made the bundle says. */
  readonly madeMs: number;
};

const manifestKeys = ["checkpoints", "first", "format", "key", "made", "origin", "size", "version", "windows"];

/**
 * Twice what it says of each file that a bundle may have. What nests deeply takes fifty times its own length to parse, and
 * a manifest of a GB fits into a mail.
 */
export const manifestMaxBytes: number = filesMax * 256;

/** `null` when it has not its form, or is longer than any manifest. */
export function parseManifest(bytes: Uint8Array): Manifest | null {
  const read = bytes.length > manifestMaxBytes ? null : parseCanonical(bytes);
  if (read === null || !hasKeys(read, manifestKeys) || read["format"] !== 1) return null;
  const keyBytes = base64Of(read["key"]);
  const key = keyBytes === null ? null : publicKeyOf(keyBytes);
  const first = countOf(read["first"]);
  const size = countOf(read["size"]);
  const origin = textOf(read["origin"]);
  const epoch = origin === null || key === null ? null : epochOf(origin, key);
  const madeMs = countOf(read["made"]);
  const checkpoints = checkpointsOf(read["checkpoints"], size);
  const windows = windowsOf(read["windows"]);
  if (origin === null || key === null || epoch === null || first === null || size === null) return null;
  if (checkpoints === null || windows === null || first >= size) return null;
  if (madeMs === null || textOf(read["version"]) === null) return null;
  return { origin, epoch, key, first, size, checkpoints, windows, madeMs };
}

/** The number of the epoch in the origin's name; `null` when the name is not that of this key. */
export function epochOf(origin: string, { bytes }: PublicKey): number | null {
  const [, id, epoch] = /^badged\/([0-9a-f]{16})\/([1-9][0-9]{0,8})$/.exec(origin) ?? [];
  return id === sha256(bytes).toString("hex").slice(0, 16) && epoch !== undefined ? Number(epoch) : null;
}

function checkpointsOf(value: Json | undefined, lastSize: number | null): Manifest["checkpoints"] | null {
  const found: ManifestCheckpoint[] = [];
  for (const each of listOf(value) ?? []) {
    const read = objectOf(each);
    if (read === null || !hasKeys(read, ["cosignatures", "size", "tokens"])) return null;
    const size = countOf(read["size"]);
    if (size === null || size <= (found.at(-1)?.size ?? 0)) return null;
    const tokens = pathsOf(read["tokens"], size, "tsr");
    const cosignatures = pathsOf(read["cosignatures"], size, "cosig");
    if (tokens === null || cosignatures === null) return null;
    found.push({ size, tokens, cosignatures });
  }
  const [one, ...others] = found;
  return one !== undefined && found.at(-1)?.size === lastSize ? [one, ...others] : null;
}

const numberedMax = 999;

/** File names of one checkpoint, numbered from 1. */
function pathsOf(value: Json | undefined, size: number, ending: string): readonly string[] | null {
  const names = listOf(value);
  if (names === null || names.length > numberedMax) return null;
  const isNumbered = names.every((name, index) => name === `${size}.${index + 1}.${ending}`);
  return isNumbered ? names.map((name) => `checkpoints/${name}`) : null;
}

function windowsOf(value: Json | undefined): readonly string[] | null {
  const windows = listOf(value);
  if (windows === null || new Set(windows).size !== windows.length) return null;
  const found = windows.filter((each) => typeof each === "string");
  return found.length === windows.length ? found : null;
}
