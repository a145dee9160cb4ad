import { expect, test } from "vitest";
import { afterBreaking, afterPassing, breakingPutOffsMax, breakingScansMax } from "./breaking-scans.ts";

test("whoever failed alone before others went through is known, until a call that carries him goes through", () => {
  const known = afterPassing(new Map(), [1, 2, 3], [3, 4]);
  expect([...known.keys()]).toEqual([1, 2]);
  expect([...afterPassing(known, [], [1]).keys()]).toEqual([2]);
});

test("it is put off the longer the more often it breaks the service, to a limit", () => {
  let breaking = afterPassing(new Map(), [1], [2]);
  const putOffs: number[] = [];
  for (let time = 0; time < 6; time += 1) {
    const after = afterBreaking(breaking, 1);
    putOffs.push(after.putOffs);
    breaking = afterPassing(after.breaking, [1], [2]);
  }
  expect(putOffs).toEqual([1, 2, 3, 4, 4, 4]);
  expect(Math.max(...putOffs)).toBe(breakingPutOffsMax);
});

test("of too many the oldest is forgotten", () => {
  const ids = Array.from({ length: breakingScansMax + 2 }, (_, id) => id);
  expect([...afterPassing(new Map(), ids, []).keys()]).toEqual(ids.slice(2));
});
