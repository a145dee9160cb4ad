import fc from "fast-check";
import { expect, test } from "vitest";
import {
  append,
  consistencyPath,
  consistencyProof,
  emptyFrontier,
  emptyRoot,
  type Frontier,
  type Hash,
  inclusionPath,
  inclusionProof,
  leafHash,
  nodeHash,
  provesConsistency,
  provesInclusion,
  rootOf,
  rootOver,
} from "./merkle.ts";

const sizeMax = 70;
const leaves = Array.from({ length: sizeMax }, (_, index) => leafHash(`line ${index}`));
const roots = Array.from({ length: sizeMax + 1 }, (_, size) => definedRoot(leaves.slice(0, size)));

/** The definition of RFC 6962 section 2.1, word for word and slow. */
function definedRoot(of: readonly Hash[]): Hash {
  const [only] = of;
  if (only === undefined) return emptyRoot;
  if (of.length === 1) return only;
  let split = 1;
  while (split * 2 < of.length) split *= 2;
  return nodeHash(definedRoot(of.slice(0, split)), definedRoot(of.slice(split)));
}

function rootAt(size: number): Hash {
  return roots[size] ?? emptyRoot;
}

function leafAt(index: number): Hash {
  return leaves[index] ?? emptyRoot;
}

/** The test vectors that certificate transparency logs share. */
const vectors = {
  lines: ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"],
  roots: [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
  ],
};

test("roots are those of the published vectors", () => {
  let frontier = emptyFrontier;
  expect(rootOf(frontier)).toEqual(emptyRoot);
  vectors.lines.forEach((line, index) => {
    frontier = append(frontier, leafHash(Buffer.from(line, "hex")));
    expect(rootOf(frontier).toString("hex")).toBe(vectors.roots[index]);
  });
});

test("a tree that grows leaf by leaf has the roots of the definition, and keeps as many hashes as its size has ones", () => {
  let frontier: Frontier = emptyFrontier;
  leaves.forEach((leaf, index) => {
    frontier = append(frontier, leaf);
    expect(rootOf(frontier)).toEqual(rootAt(index + 1));
    expect(frontier.roots).toHaveLength([...(index + 1).toString(2)].filter((digit) => digit === "1").length);
  });
  expect(rootOver(leaves)).toEqual(rootAt(sizeMax));
});

test("every leaf of every size is proven in, and in no other place, size or tree", () => {
  for (let size = 1; size <= sizeMax; size++) {
    for (let index = 0; index < size; index++) {
      const proof = inclusionProof(leaves.slice(0, size), index);
      const claim = { leaf: leafAt(index), index, size, root: rootAt(size), proof };
      expect(provesInclusion(claim)).toBe(true);
      expect(provesInclusion({ ...claim, index: index + 1 })).toBe(false);
      expect(provesInclusion({ ...claim, root: rootAt(size - 1) })).toBe(false);
      expect(provesInclusion({ ...claim, leaf: leafAt(index + 1) })).toBe(false);
      expect(provesInclusion({ ...claim, proof: [...proof, emptyRoot] })).toBe(false);
      expect(proof.length > 0 && provesInclusion({ ...claim, proof: proof.slice(1) })).toBe(false);
      expect(proof.length > 0 && provesInclusion({ ...claim, proof: proof.slice(0, -1) })).toBe(false);
    }
  }
});

test("every size is proven a prefix of every larger one, and of no other", () => {
  for (let size = 0; size <= sizeMax; size++) {
    for (let oldSize = 0; oldSize <= size; oldSize++) {
      const proof = consistencyProof(leaves.slice(0, size), oldSize);
      const claim = { oldSize, oldRoot: rootAt(oldSize), size, root: rootAt(size), proof };
      expect(provesConsistency(claim)).toBe(true);
      expect(provesConsistency({ ...claim, oldRoot: leafHash("forged") })).toBe(false);
      expect(oldSize > 0 && provesConsistency({ ...claim, root: leafHash("forged") })).toBe(false);
      expect(provesConsistency({ ...claim, proof: [...proof, emptyRoot] })).toBe(false);
      expect(proof.length > 0 && provesConsistency({ ...claim, proof: proof.slice(1) })).toBe(false);
      expect(proof.length > 0 && provesConsistency({ ...claim, proof: proof.slice(0, -1) })).toBe(false);
      expect(provesConsistency({ ...claim, oldSize: size + 1 })).toBe(false);
    }
  }
});

test("no bit of a proof can be turned", () => {
  const cases = fc.tuple(fc.integer({ min: 2, max: sizeMax }), fc.nat(), fc.nat(), fc.nat());
  fc.assert(
    fc.property(cases, ([size, part, hash, bit]) => {
      const index = part % size;
      const old = 1 + (part % (size - 1));
      const inclusion = inclusionProof(leaves.slice(0, size), index);
      const consistency = consistencyProof(leaves.slice(0, size), old);
      const root = rootAt(size);
      const turnedIn = turned(inclusion, hash, bit);
      expect(provesInclusion({ leaf: leafAt(index), index, size, root, proof: turnedIn })).toBe(false);
      const claim = { oldSize: old, oldRoot: rootAt(old), size, root, proof: turned(consistency, hash, bit) };
      expect(provesConsistency(claim)).toBe(false);
    }),
    { numRuns: 2000 },
  );
});

function turned(proof: readonly Hash[], hash: number, bit: number): readonly Hash[] {
  return proof.map((each, index) => {
    if (index !== hash % proof.length) return each;
    const copy = Buffer.from(each);
    const at = bit % 256;
    copy[at >> 3] = (copy[at >> 3] ?? 0) ^ (1 << (at & 7));
    return copy;
  });
}

test("hashes that are too short are no proof", () => {
  const [first = emptyRoot, ...others] = inclusionProof(leaves, 5);
  const claim = { leaf: leafAt(5), index: 5, size: sizeMax, root: rootAt(sizeMax) };
  expect(provesInclusion({ ...claim, proof: [first, ...others] })).toBe(true);
  expect(provesInclusion({ ...claim, proof: [first.subarray(1), ...others] })).toBe(false);
});

test("sizes beyond 2³¹ have paths too", () => {
  const size = 2 ** 40 + 3;
  expect(inclusionPath(2 ** 40 + 2, size)).toEqual([
    { from: 2 ** 40, to: 2 ** 40 + 2 },
    { from: 0, to: 2 ** 40 },
  ]);
  expect(consistencyPath(2 ** 40, size)).toEqual([{ from: 2 ** 40, to: size }]);
});
