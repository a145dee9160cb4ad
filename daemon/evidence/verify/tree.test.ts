import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { consistencyProof, inclusionPath, leafHash, treeHash } from "../../testing/small-bundle/naive-tree.ts";
import { append, type Frontier, followInclusion, isConsistent, rootOf } from "./tree.ts";

const leavesMax = 70;
const all = Array.from({ length: leavesMax }, (_, index) => leafHash(Buffer.from(`line ${index}`)));
const place = fc
  .integer({ min: 1, max: leavesMax })
  .chain((size) => fc.record({ size: fc.constant(size), index: fc.integer({ min: 0, max: size - 1 }) }));

describe("the tree, against RFC 6962 as it is written", () => {
  test("has the root of every size, leaf by leaf", () => {
    const frontier: Frontier = { size: 0, nodes: [] };
    for (const [index, leaf] of all.entries()) {
      append(frontier, leaf);
      expect(rootOf(frontier)).toEqual(treeHash(all.slice(0, index + 1)));
    }
  });

  test("takes every inclusion proof, and goes on from what lies to its left", () => {
    fc.assert(
      fc.property(place, ({ size, index }) => {
        const leaves = all.slice(0, size);
        const leaf = leaves[index] ?? Buffer.alloc(0);
        const followed = followInclusion(leaf, index, size, inclusionPath(index, leaves));
        expect(followed?.root).toEqual(treeHash(leaves));
        const frontier = followed?.before ?? { size: 0, nodes: [] };
        for (const each of leaves.slice(index)) append(frontier, each);
        expect(rootOf(frontier)).toEqual(treeHash(leaves));
      }),
    );
  });

  test("refuses an inclusion proof of another length, order, leaf or place", () => {
    fc.assert(
      fc.property(place, fc.integer({ min: 0, max: leavesMax - 1 }), ({ size, index }, other) => {
        const leaves = all.slice(0, size);
        const leaf = leaves[index] ?? Buffer.alloc(0);
        const proof = inclusionPath(index, leaves);
        const root = treeHash(leaves);
        const leadsThere = (...proven: Parameters<typeof followInclusion>): boolean =>
          followInclusion(...proven)?.root.equals(root) === true;
        expect(leadsThere(leaf, index, size, [...proof, leaf])).toBe(false);
        if (proof.length > 0) expect(leadsThere(leaf, index, size, proof.slice(1))).toBe(false);
        if (other !== index) {
          expect(leadsThere(all[other] ?? leaf, index, size, proof)).toBe(false);
          expect(leadsThere(leaf, other, size, proof)).toBe(false);
        }
      }),
    );
  });

  test("takes every consistency proof, and none with a hash changed, missing or too many", () => {
    fc.assert(
      fc.property(place, fc.nat(), ({ size, index }, at) => {
        fc.pre(index > 0);
        const leaves = all.slice(0, size);
        const older = { size: index, root: treeHash(leaves.slice(0, index)) };
        const newer = { size, root: treeHash(leaves) };
        const proof = consistencyProof(index, leaves);
        expect(isConsistent(older, newer, proof)).toBe(true);
        const where = at % proof.length;
        expect(isConsistent(older, newer, proof.with(where, leafHash(Buffer.from("other"))))).toBe(false);
        expect(isConsistent(older, newer, proof.toSpliced(where, 1))).toBe(false);
        expect(isConsistent(older, newer, [...proof, newer.root])).toBe(false);
        expect(isConsistent({ ...older, root: newer.root }, newer, proof)).toBe(false);
      }),
    );
  });
});
