import { expect, test } from "vitest";
import { encodeBadge } from "./reader-simulator.ts";

test.each([
  ["rdm6300", "010063E9AE", "02 30 31 30 30 36 33 45 39 41 45 32 35 03"],
  ["rdm6300", "62e3086ced", "02 36 32 45 33 30 38 36 43 45 44 30 38 03"],
  ["serial-line", "AB12", "41 42 31 32 0d 0a"],
] as const)("%s sends %s as the data sheet says", (style, badge, hex) => {
  expect(Buffer.from(encodeBadge(badge, style)).toString("hex")).toBe(hex.replaceAll(" ", ""));
});

test.each([
  ["rdm6300", "0100"],
  ["rdm6300", "010063E9AG"],
  ["serial-line", ""],
  ["serial-line", "A\r"],
] as const)("%s cannot send %j", (style, badge) => {
  expect(() => encodeBadge(badge, style)).toThrow(RangeError);
});
