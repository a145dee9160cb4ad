import { createHash } from "node:crypto";

/*
 * RFC 6962 section 2.1 as it is written there, recursions and all: slow, and nothing to get wrong. The verifier walks the
 * same trees the other way round.
 */

export function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

const leafPrefix = Buffer.from([0]);
const nodePrefix = Buffer.from([1]);

export function leafHash(line: Uint8Array): Buffer {
  return sha256(leafPrefix, line);
}

export function treeHash(leaves: readonly Buffer[]): Buffer {
  const [only, second] = leaves;
  if (only === undefined) return sha256();
  if (second === undefined) return only;
  const k = splitOf(leaves.length);
  return sha256(nodePrefix, treeHash(leaves.slice(0, k)), treeHash(leaves.slice(k)));
}

export function inclusionPath(index: number, leaves: readonly Buffer[]): readonly Buffer[] {
  if (leaves.length <= 1) return [];
  const k = splitOf(leaves.length);
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)];
  return index < k
    ? [...inclusionPath(index, left), treeHash(right)]
    : [...inclusionPath(index - k, right), treeHash(left)];
}

export function consistencyProof(oldSize: number, leaves: readonly Buffer[]): readonly Buffer[] {
  return subproof(oldSize, leaves, true);
}

function subproof(oldSize: number, leaves: readonly Buffer[], isWhole: boolean): readonly Buffer[] {
  if (oldSize === leaves.length) return isWhole ? [] : [treeHash(leaves)];
  const k = splitOf(leaves.length);
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)];
  return oldSize <= k
    ? [...subproof(oldSize, left, isWhole), treeHash(right)]
    : [...subproof(oldSize - k, right, false), treeHash(left)];
}

/** The largest power of two below the size. */
function splitOf(size: number): number {
  let k = 1;
  while (k * 2 < size) k *= 2;
  return k;
}
