import { expect, test } from "vitest";
import { type AnchoredCheckpoint, selectRange } from "./selection.ts";

function checkpoint(
  size: number,
  by: { readonly token?: number | null; readonly cosignature?: number | null } = {},
): AnchoredCheckpoint {
  return {
    size,
    tokens: by.token === undefined ? [] : [{ seq: by.token }],
    cosignatures: by.cosignature === undefined ? [] : [{ seq: by.cosignature }],
  };
}

test("from the last token before it to the first one after it, with the tokens between", () => {
  const checkpoints = [
    checkpoint(10, { token: 10 }),
    checkpoint(20, { token: 21, cosignature: 20 }),
    checkpoint(25, { cosignature: 25 }),
    checkpoint(40, { token: 40 }),
    checkpoint(50, { cosignature: 50 }),
    checkpoint(60, { token: 60, cosignature: 61 }),
    checkpoint(70, { token: 70, cosignature: 71 }),
  ];
  expect(selectRange(checkpoints, { from: 30, to: 45 })).toEqual({
    first: 20,
    size: 60,
    sizes: [20, 40, 60],
    isWhole: true,
  });
});

test("a cosignature stands in for a token on either side", () => {
  const checkpoints = [checkpoint(10, { cosignature: 10 }), checkpoint(20), checkpoint(30, { cosignature: 30 })];
  expect(selectRange(checkpoints, { from: 12, to: 15 })).toEqual({
    first: 10,
    size: 30,
    sizes: [10, 30],
    isWhole: true,
  });
});

test("a token whose record comes after the beginning does not bound it", () => {
  const checkpoints = [checkpoint(10, { token: 14 }), checkpoint(30, { token: 30 })];
  expect(selectRange(checkpoints, { from: 12, to: 15 })).toEqual({
    first: 0,
    size: 30,
    sizes: [10, 30],
    isWhole: true,
  });
});

test("the newest checkpoint is the end where none covers it, and said not to", () => {
  const checkpoints = [checkpoint(10, { token: 10 }), checkpoint(14)];
  expect(selectRange(checkpoints, { from: 12, to: 15 })).toEqual({
    first: 10,
    size: 14,
    sizes: [10, 14],
    isWhole: false,
  });
  expect(selectRange([], { from: 12, to: 15 })).toBe(null);
});
