import { hash } from "node:crypto";

/*
 * RFC 6962 section 2.1, from the verifier's side only. Sizes are counted with division, not with shifts: a log may pass 2³¹.
 */

export function sha256(bytes: Uint8Array): Buffer {
  return hash("sha256", bytes, "buffer");
}

/** @returns a function that hashes lines of at most `lineMaxBytes` as leaves, over one piece of memory. */
export function leafHasher(lineMaxBytes: number): (line: Uint8Array) => Buffer {
  const scratch = new Uint8Array(lineMaxBytes + 1);
  return (line) => {
    scratch.set(line, 1);
    return sha256(scratch.subarray(0, line.length + 1));
  };
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  const bytes = new Uint8Array(65);
  bytes[0] = 1;
  bytes.set(left, 1);
  bytes.set(right, 33);
  return sha256(bytes);
}

/** The perfect subtrees from the left that a tree of `size` leaves consists of: one for each bit of `size`, largest first. */
export type Frontier = { size: number; readonly nodes: Buffer[] };

export function append(frontier: Frontier, leaf: Buffer): void {
  let node = leaf;
  for (let size = frontier.size; size % 2 === 1; size = (size - 1) / 2) {
    const left = frontier.nodes.pop();
    if (left === undefined) throw new RangeError("a frontier has a node for each bit of its size");
    node = nodeHash(left, node);
  }
  frontier.nodes.push(node);
  frontier.size += 1;
}

/** `null` of an empty tree: no checkpoint is over one. */
export function rootOf({ nodes }: Frontier): Buffer | null {
  let root: Buffer | null = null;
  for (const node of nodes.toReversed()) root = root === null ? node : nodeHash(node, root);
  return root;
}

/**
 * Follows an inclusion proof up (RFC 9162 section 2.1.3.2).
 *
 * @returns the root that it leads to, and the siblings to the left of the leaf, which are the frontier of the `index`
 * leaves before it; `null` when the proof has not the length that its place in the tree asks for.
 */
export function followInclusion(
  leaf: Buffer,
  index: number,
  size: number,
  proof: readonly Buffer[],
): { readonly root: Buffer; readonly before: Frontier } | null {
  if (index >= size) return null;
  let place = index;
  let last = size - 1;
  let root = leaf;
  const left: Buffer[] = [];
  for (const sibling of proof) {
    if (last === 0) return null;
    if (place % 2 === 1 || place === last) {
      root = nodeHash(sibling, root);
      left.unshift(sibling);
      while (place % 2 === 0 && place !== 0) {
        place = half(place);
        last = half(last);
      }
    } else {
      root = nodeHash(root, sibling);
    }
    place = half(place);
    last = half(last);
  }
  return last === 0 ? { root, before: { size: index, nodes: left } } : null;
}

/** Whether the proof shows the tree of `oldSize` leaves to be the beginning of that of `size` (RFC 9162 section 2.1.4.2). */
export function isConsistent(
  older: { readonly size: number; readonly root: Buffer },
  newer: { readonly size: number; readonly root: Buffer },
  proof: readonly Buffer[],
): boolean {
  if (older.size === 0 || older.size >= newer.size) return false;
  const path = isPowerOfTwo(older.size) ? [older.root, ...proof] : [...proof];
  const [seed, ...rest] = path;
  if (seed === undefined) return false;
  let place = older.size - 1;
  let last = newer.size - 1;
  while (place % 2 === 1) {
    place = half(place);
    last = half(last);
  }
  let oldRoot = seed;
  let newRoot = seed;
  for (const node of rest) {
    if (last === 0) return false;
    if (place % 2 === 1 || place === last) {
      oldRoot = nodeHash(node, oldRoot);
      newRoot = nodeHash(node, newRoot);
      while (place % 2 === 0 && place !== 0) {
        place = half(place);
        last = half(last);
      }
    } else {
      newRoot = nodeHash(newRoot, node);
    }
    place = half(place);
    last = half(last);
  }
  return last === 0 && oldRoot.equals(older.root) && newRoot.equals(newer.root);
}

function half(value: number): number {
  return Math.floor(value / 2);
}

function isPowerOfTwo(value: number): boolean {
  let rest = value;
  while (rest % 2 === 0) rest /= 2;
  return rest === 1;
}
