import { expect, test } from "vitest";
import { isMisread, type ReaderRule, readBadge } from "./draft.ts";

const toggle: ReaderRule = {
  id: "gate",
  encoding: "hex",
  byteOrder: "msb",
  keys: new Map(),
  otherwise: { kind: "toggle" },
  workSiteId: 1,
};
const keyed: ReaderRule = {
  ...toggle,
  keys: new Map([
    ["I", "in"],
    ["O", "out"],
    ["IX", "out"],
  ]),
};

test("a badge comes in the roster's form, the reader's characters beside it", () => {
  expect(readBadge("010063e9ae", toggle, "8H10D")).toEqual({
    badge: { raw: "010063e9ae", number: "0006547886" },
    rule: { kind: "toggle" },
    understood: true,
  });
});

test.each([
  ["I010063E9AE", "in"],
  ["O010063E9AE", "out"],
  ["IX010063E9AE", "out"],
] as const)("the key in front of %s says %s and is no part of the badge", (text, direction) => {
  const read = readBadge(text, keyed, "hex");
  expect(read.rule).toEqual({ kind: "fixed", direction });
  expect(read.badge).toEqual({ raw: "010063E9AE", number: "010063E9AE" });
});

test("without a key the reader's own rule decides", () => {
  expect(readBadge("010063E9AE", keyed, "hex").rule).toEqual({ kind: "toggle" });
});

test("a badge that is not of the reader's form is kept, and can never be taken for a number of the roster", () => {
  const read = readBadge("123", toggle, "decimal");
  expect(read).toMatchObject({ badge: { raw: "123", number: "?123" }, understood: false });
});

test("a key alone is a badge nobody has, not an empty one", () => {
  expect(readBadge("I", keyed, "hex").badge).toEqual({ raw: "I", number: "?I" });
});

test.each([
  ["hex", "decimal", "msb", "000063E9AE", true],
  ["hex", "decimal", "msb", "010063E9AE", false],
  ["hex", "decimal", "msb", "0063E9AE", false],
  ["hex", "decimal", "lsb", "AEE9630000", true],
  ["hex", "decimal", "lsb", "000063E9AE", false],
  ["hex", "hex", "lsb", "000063E9AE", false],
  ["decimal", "hex", "msb", "6547886", false],
  ["decimal", "decimal", "lsb", "6547886", false],
  ["8H10D", "decimal", "msb", "0006547886", false],
  ["3D5D", "wiegand26", "msb", "099,59822", false],
  ["text", "text", "msb", "I12345", true],
  ["text", "text", "msb", "12345", false],
] as const)(
  "a roster in %s at a reader that sends %s, %s: %s is misread: %s",
  (form, encoding, byteOrder, badge, is) => {
    const keys = new Map([["I", "in"] as const]);
    const otherwise = { kind: "toggle" } as const;
    expect(isMisread(badge, { id: "gate", encoding, byteOrder, keys, otherwise }, form)).toBe(is);
  },
);
