import { expect, test } from "vitest";
import { BadgedError } from "../base/errors.ts";
import { explain, shown, table } from "./terminal.ts";

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

test("what steers a terminal is shown, not obeyed", () => {
  expect(shown("a\u001b]0;b\u0007 \u009b31m \r\u202ec\u2066 \u007f")).toBe(
    String.raw`a\u001b]0;b\u0007 \u009b31m \u000d\u202ec\u2066 \u007f`,
  );
});

test("lines, tabs and the words of every language stay", () => {
  const text = "één\tdeux\nžltý – ▀▄ محمد";
  expect(shown(text)).toBe(text);
});

test("a document for machines says the same as before", () => {
  const document = { name: "\u001b \u009b \u202e \u007f \\ é" };
  expect(JSON.parse(shown(JSON.stringify(document)))).toEqual(document);
});
