import { expect, test } from "vitest";
import { csvField, spreadsheet } from "./spreadsheet.ts";

test("a Belgian Excel finds its columns and its accents", () => {
  expect(spreadsheet(["panne", "durée"], [["1", "5 min, 3 s"]]).join("\n")).toBe("\uFEFFpanne;durée\n1;5 min, 3 s");
});

test.each([
  ["plain", "plain"],
  ["a,b", "a,b"],
  ["a;b", '"a;b"'],
  ['say "x"', '"say ""x"""'],
  ["two\r\nlines", '"two\r\nlines"'],
  ['=HYPERLINK("x")', `"'=HYPERLINK(""x"")"`],
  ["@SUM(A1)", "'@SUM(A1)"],
  ["+32 470 00 00 00", "'+32 470 00 00 00"],
  ["-cmd", "'-cmd"],
  ["-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"],
  ["\r=1", `"'\r=1"`],
  ["\n=1", `"'\n=1"`],
  ["-5", "-5"],
  ["-5,25", "-5,25"],
])("the field %j is written as %j", (text, field) => {
  expect(csvField(text)).toBe(field);
});
