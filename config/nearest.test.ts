import fc from "fast-check";
import { expect, test } from "vitest";
import { comparedMaxChars, editDistance, nearest } from "./nearest.ts";

const known = ["timeZone", "name", "place", "port", "presence", "tokenFile", "in", "out", "toggle"];

test.each([
  ["timezone", "timeZone"],
  ["time_zone", "timeZone"],
  ["tiemZone", "timeZone"],
  ["prot", "port"],
  ["presense", "presence"],
  ["token-file", "tokenFile"],
  ["togle", "toggle"],
  ["colour", null],
  ["x", null],
  ["", null],
])("%s was meant as %s", (written, meant) => {
  expect(nearest(written, known)).toBe(meant);
});

test.each([
  ["", "", 0],
  ["port", "port", 0],
  ["prot", "port", 1],
  ["kitten", "sitting", 3],
  ["", "abc", 3],
])("from %j to %j it is %d edits", (left, right, distance) => {
  expect(editDistance(left, right)).toBe(distance);
});

test("a word longer than the limit is not compared, one at the limit is", () => {
  const long = "a".repeat(comparedMaxChars);
  expect(nearest(long, [long])).toBe(long);
  expect(nearest(`${long}a`, [`${long}a`])).toBeNull();
});

test("the distance is the same both ways, zero only for equals, at most the longer length", () => {
  const word = fc.string({ maxLength: 12 });
  fc.assert(
    fc.property(word, word, (left, right) => {
      const distance = editDistance(left, right);
      expect(distance).toBe(editDistance(right, left));
      expect(distance === 0).toBe(left === right);
      expect(distance).toBeLessThanOrEqual(Math.max(left.length, right.length));
    }),
  );
});
