import { between, pick, type Random } from "../../base/random.ts";
import type { BundleFile } from "../../evidence/bundle/bundle.ts";

/** A bundle after one accident or one clumsy hand: one file has other bytes, or is not there (`null`). */
export type Mutant = {
  readonly name: string;
  /** Whether its bytes are others, or the file is one too few or too many. */
  readonly kind: "bytes" | "file";
  readonly path: string;
  readonly bytes: Uint8Array | null;
};

/** Eight bits, left out, cut off before it. */
export const mutantsPerByte = 10;

export const byteMutations = ["flip", "delete", "truncate"] as const;
export type ByteMutation = (typeof byteMutations)[number];

/** Every bit flipped, every byte left out, every length cut to, every file removed; and files that are too many. */
export function* allMutants(files: readonly BundleFile[]): Generator<Mutant> {
  for (const file of files) {
    for (let at = 0; at < file.bytes.length; at += 1) {
      for (let bit = 0; bit < 8; bit += 1) yield flipped(file, at, bit);
      yield without(file, at);
      yield cut(file, at);
    }
  }
  yield* fileMutants(files);
}

export function* fileMutants(files: readonly BundleFile[]): Generator<Mutant> {
  for (const { path } of files) yield { name: `${path} removed`, kind: "file", path, bytes: null };
  for (const path of [
    "keys/tsa-7.pem",
    "external/ticket.pdf",
    "checkpoints/1.ckpt",
    "proofs/consistency-1-2",
    "more",
  ]) {
    yield { name: `${path} added`, kind: "file", path, bytes: Buffer.from("one more") };
  }
}

/** Drawn from all mutants of bytes, every file as likely as every other: most bytes are in the log. */
function drawMutant(files: readonly [BundleFile, ...BundleFile[]], random: Random): Mutant {
  const file = pick(random, files);
  const at = between(random, 0, file.bytes.length - 1);
  switch (pick(random, byteMutations)) {
    case "flip":
      return flipped(file, at, between(random, 0, 7));
    case "delete":
      return without(file, at);
    case "truncate":
      return cut(file, at);
  }
}

export function* drawnMutants(
  files: readonly [BundleFile, ...BundleFile[]],
  random: Random,
  count: number,
): Generator<Mutant> {
  for (let drawn = 0; drawn < count; drawn += 1) yield drawMutant(files, random);
}

export function applied(files: readonly BundleFile[], { path, bytes }: Mutant): ReadonlyMap<string, Uint8Array> {
  const changed = new Map(files.map((file) => [file.path, file.bytes]));
  if (bytes === null) changed.delete(path);
  else changed.set(path, bytes);
  return changed;
}

function flipped({ path, bytes }: BundleFile, at: number, bit: number): Mutant {
  const changed = Buffer.from(bytes);
  changed[at] = (changed[at] ?? 0) ^ (1 << bit);
  return { name: `${path}: bit ${bit} of byte ${at}`, kind: "bytes", path, bytes: changed };
}

function without({ path, bytes }: BundleFile, at: number): Mutant {
  const changed = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
  return { name: `${path}: without byte ${at}`, kind: "bytes", path, bytes: changed };
}

function cut({ path, bytes }: BundleFile, at: number): Mutant {
  return { name: `${path}: cut to ${at} bytes`, kind: "bytes", path, bytes: bytes.subarray(0, at) };
}
