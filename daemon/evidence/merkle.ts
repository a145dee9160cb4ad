import { createHash } from "node:crypto";
import { assert, present } from "../base/assert.ts";

/*
 * The tree of RFC 6962 section 2.1 over the lines of one epoch. Sizes and indices are plain numbers, and halved by
 * division: bit operations would end at 2³¹.
 */

/** 32 bytes of SHA-256. */
export type Hash = Buffer;

export const hashBytes: number = 32;

/** The root of no leaves at all. */
export const emptyRoot: Hash = createHash("sha256").digest();

const leafPrefix = Buffer.from([0x00]);
const nodePrefix = Buffer.from([0x01]);

/** @param line the bytes of a record, without its line feed */
export function leafHash(line: string | Uint8Array): Hash {
  return createHash("sha256").update(leafPrefix).update(line).digest();
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Hash {
  return createHash("sha256").update(nodePrefix).update(left).update(right).digest();
}

/**
 * What has to be kept of all leaves so far to add the next: the roots of the complete trees that they fall into, the
 * largest first. As many as `size` has ones in binary.
 */
export type Frontier = { readonly size: number; readonly roots: readonly Hash[] };

export const emptyFrontier: Frontier = { size: 0, roots: [] };

export function append(frontier: Frontier, leaf: Hash): Frontier {
  const roots = [...frontier.roots];
  let node = leaf;
  for (let rest = frontier.size; rest % 2 === 1; rest = (rest - 1) / 2) {
    node = nodeHash(present(roots.pop(), "there is a root for every one in the size"), node);
  }
  roots.push(node);
  return { size: frontier.size + 1, roots };
}

export function rootOf({ roots }: Frontier): Hash {
  const smallest = roots.at(-1);
  if (smallest === undefined) return emptyRoot;
  return roots.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), smallest);
}

/** The root over leaves, as if they were a tree of their own. */
export function rootOver(leaves: Iterable<Hash>): Hash {
  let frontier = emptyFrontier;
  for (const leaf of leaves) frontier = append(frontier, leaf);
  return rootOf(frontier);
}

/** Leaves from `from` up to and without `to`; their root is one hash of a proof. */
export type LeafRange = { readonly from: number; readonly to: number };

/** The ranges whose roots prove that leaf `index` is in the tree of `size` leaves, in the order of the proof. */
export function inclusionPath(index: number, size: number): readonly LeafRange[] {
  assert(Number.isSafeInteger(index) && index >= 0 && index < size, "a leaf of the tree is proven");
  const path: LeafRange[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + splitOf(to - from);
    if (index < middle) {
      path.push({ from: middle, to });
      to = middle;
    } else {
      path.push({ from, to: middle });
      from = middle;
    }
  }
  return path.reverse();
}

/** The ranges whose roots prove that the tree of `oldSize` leaves is a prefix of that of `size`, in the order of the proof. */
export function consistencyPath(oldSize: number, size: number): readonly LeafRange[] {
  assert(Number.isSafeInteger(oldSize) && oldSize >= 0 && oldSize <= size, "a tree grows");
  if (oldSize === 0 || oldSize === size) return [];
  const path: LeafRange[] = [];
  let [from, to] = [0, size];
  let isWholeOldTree = true;
  while (to !== oldSize) {
    const middle = from + splitOf(to - from);
    if (oldSize <= middle) {
      path.push({ from: middle, to });
      to = middle;
    } else {
      path.push({ from, to: middle });
      from = middle;
      isWholeOldTree = false;
    }
  }
  // The old root itself is known to whoever checks, and is left out.
  if (!isWholeOldTree) path.push({ from, to });
  return path.reverse();
}

export function inclusionProof(leaves: readonly Hash[], index: number): readonly Hash[] {
  return inclusionPath(index, leaves.length).map(({ from, to }) => rootOver(leaves.slice(from, to)));
}

export function consistencyProof(leaves: readonly Hash[], oldSize: number): readonly Hash[] {
  return consistencyPath(oldSize, leaves.length).map(({ from, to }) => rootOver(leaves.slice(from, to)));
}

export type InclusionClaim = {
  readonly leaf: Hash;
  readonly index: number;
  readonly size: number;
  readonly root: Hash;
  readonly proof: readonly Hash[];
};

/** RFC 9162 section 2.1.3.2. */
export function provesInclusion({ leaf, index, size, root, proof }: InclusionClaim): boolean {
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(index) || index < 0 || index >= size) return false;
  if (!proof.every(isHash)) return false;
  let [node, last] = [index, size - 1];
  let found = leaf;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      found = nodeHash(sibling, found);
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, half(last)];
    } else {
      found = nodeHash(found, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && found.equals(root);
}

export type ConsistencyClaim = {
  readonly oldSize: number;
  readonly oldRoot: Hash;
  readonly size: number;
  readonly root: Hash;
  readonly proof: readonly Hash[];
};

/** RFC 9162 section 2.1.4.2; a tree without leaves is a prefix of every other. */
export function provesConsistency({ oldSize, oldRoot, size, root, proof }: ConsistencyClaim): boolean {
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(oldSize) || oldSize < 0 || oldSize > size) return false;
  if (!proof.every(isHash)) return false;
  if (oldSize === size) return proof.length === 0 && oldRoot.equals(root) && (size > 0 || root.equals(emptyRoot));
  if (oldSize === 0) return proof.length === 0 && oldRoot.equals(emptyRoot);
  let [node, last] = [oldSize - 1, size - 1];
  while (node % 2 === 1) [node, last] = [half(node), half(last)];
  // The old tree is a complete one, and its root stands for itself.
  const [first, ...others] = node === 0 ? [oldRoot, ...proof] : proof;
  if (first === undefined) return false;
  let [oldFound, found] = [first, first];
  for (const sibling of others) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      oldFound = nodeHash(sibling, oldFound);
      found = nodeHash(sibling, found);
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, half(last)];
    } else {
      found = nodeHash(found, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && oldFound.equals(oldRoot) && found.equals(root);
}

/** The largest power of two below `count`, which is at least two. */
function splitOf(count: number): number {
  let split = 1;
  while (split * 2 < count) split *= 2;
  return split;
}

function half(value: number): number {
  return Math.floor(value / 2);
}

function isHash(value: Hash): boolean {
  return value.length === hashBytes;
}
