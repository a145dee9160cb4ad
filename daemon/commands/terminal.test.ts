import { expect, test } from "vitest";
import { BadgedError } from "../base/errors.ts";
import { explain, table } from "./terminal.ts";

test("columns line up, and no line ends in spaces", () => {
  expect(
    table(
      ["scan", "state"],
      [
        ["7", "waiting"],
        ["1234", "x"],
      ],
    ),
  ).toBe("scan  state\n7     waiting\n1234  x");
});

test("a table without rows is its headings", () => {
  expect(table(["scan", "state"], [])).toBe("scan  state");
});

test("an expected failure says what to do, a defect shows where it is", () => {
  expect(explain(new BadgedError("usage", "no such thing", "try another"))).toBe(
    "badged: no such thing\n  try another",
  );
  expect(explain(new TypeError("x is undefined"))).toMatch(/defect in badged.*x is undefined[\s\S]*terminal\.test/);
});
