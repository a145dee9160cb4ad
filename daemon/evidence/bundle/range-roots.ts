import { hash } from "node:crypto";
import { assert, present } from "../../base/assert.ts";
import { type Hash, hashBytes, type LeafRange, rootOver } from "../merkle.ts";

/** A power of two: every range of a proof that is longer than a block begins with one. */
export const blockLeaves: number = 256;

/**
 * What the proofs of a bundle need of all leaves of an epoch: the roots of whole blocks, and the leaves of those blocks in
 * which a range of a proof ends. Seven years have seven million leaves, of which a bundle needs some hundred.
 */
export class RangeRoots {
  readonly #roots: Hash[] = [];
  readonly #block: Buffer = Buffer.alloc(blockLeaves * hashBytes);
  #size = 0;
  readonly #kept = new Map<number, Buffer>();

  /** How many leaves were added. */
  get size(): number {
    return this.#size;
  }

  /** Adds the next leaf. */
  add(leaf: Hash): void {
    leaf.copy(this.#block, (this.#size % blockLeaves) * hashBytes);
    this.#size += 1;
    if (this.#size % blockLeaves === 0) this.#roots.push(blockRoot(this.#block));
  }

  /** Where the blocks begin of which the leaves have to be kept for proofs between these sizes, ascending. */
  static blocksOf(sizes: readonly number[]): readonly number[] {
    const begins = sizes.map((size) => size - (size % blockLeaves));
    return [...new Set(begins)].sort((one, other) => one - other);
  }

  /** Keeps a leaf that was added before, for ranges that end in its block; those of a block from its first on. */
  keep(index: number, leaf: Hash): void {
    const begin = index - (index % blockLeaves);
    const block = this.#kept.get(begin) ?? Buffer.alloc(blockLeaves * hashBytes);
    leaf.copy(block, (index - begin) * hashBytes);
    this.#kept.set(begin, block);
  }

  /** The root over a range of a proof. */
  rootOf({ from, to }: LeafRange): Hash {
    const begin = to - (to % blockLeaves);
    if (from > begin || from % blockLeaves !== 0) return rootOver(this.#leaves(from, to));
    const roots = this.#roots.slice(from / blockLeaves, begin / blockLeaves);
    // A tree over whole blocks and a part of one splits between blocks, as long as it has more than one.
    return rootOver(begin === to ? roots : [...roots, rootOver(this.#leaves(begin, to))]);
  }

  #leaves(from: number, to: number): readonly Hash[] {
    const begin = from - (from % blockLeaves);
    assert(to - begin <= blockLeaves, "a range that begins within a block ends in it");
    const block = present(this.#kept.get(begin), "the leaves of this block were kept");
    return Array.from({ length: to - from }, (_, index) => {
      const at = (from - begin + index) * hashBytes;
      return block.subarray(at, at + hashBytes);
    });
  }
}

/** The root of a block whose leaves are all there; `leaves` is written over. A log of years has millions of nodes. */
function blockRoot(leaves: Buffer): Hash {
  const pair = Buffer.alloc(1 + 2 * hashBytes);
  pair[0] = 1;
  for (let count = blockLeaves; count > 1; count /= 2) {
    for (let index = 0; index < count; index += 2) {
      leaves.copy(pair, 1, index * hashBytes, (index + 2) * hashBytes);
      // A text costs less than a piece of memory that somebody has to give back.
      leaves.write(hash("sha256", pair, "binary"), (index / 2) * hashBytes, "latin1");
    }
  }
  // Not out of the pool: each root would keep the 8 kB of it in which the leaves before were read.
  const root = Buffer.alloc(hashBytes);
  leaves.copy(root, 0, 0, hashBytes);
  return root;
}
