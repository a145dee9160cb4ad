import fc from "fast-check";
import { expect, test } from "vitest";
import { consistencyPath, inclusionPath, leafHash, rootOver } from "../merkle.ts";
import { blockLeaves, RangeRoots } from "./range-roots.ts";

const leaves = Array.from({ length: 6 * blockLeaves }, (_, index) => leafHash(String(index)));
const size = fc.oneof(
  fc.integer({ min: 1, max: leaves.length }),
  fc.integer({ min: 1, max: 6 }).map((blocks) => blocks * blockLeaves),
);

test("every range of the proofs between some sizes has the root that all of its leaves have", () => {
  fc.assert(
    fc.property(fc.uniqueArray(size, { minLength: 2, maxLength: 4 }), (drawn) => {
      const sizes = drawn.toSorted((one, other) => one - other);
      const [first = 0, ...others] = sizes;
      const last = others.at(-1) ?? 0;
      const roots = new RangeRoots();
      for (const leaf of leaves) roots.add(leaf);
      for (const begin of RangeRoots.blocksOf(sizes)) {
        for (const [index, leaf] of leaves.slice(begin, begin + blockLeaves).entries()) roots.keep(begin + index, leaf);
      }
      const ranges = sizes.flatMap((each, index) => consistencyPath(each, sizes[index + 1] ?? each));
      for (const range of [...inclusionPath(first, last), ...ranges]) {
        expect(roots.rootOf(range), JSON.stringify(range)).toEqual(rootOver(leaves.slice(range.from, range.to)));
      }
    }),
    { numRuns: 60 },
  );
});
