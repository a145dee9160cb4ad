import { expect, test } from "vitest";
import { csvField, csvLines } from "./csv.ts";

test.each([
  ["plain", "plain"],
  ["a,b", '"a,b"'],
  ['say "x"', '"say ""x"""'],
  ["two\r\nlines", '"two\r\nlines"'],
  ['=HYPERLINK("x")', `"'=HYPERLINK(""x"")"`],
  ["@SUM(A1)", "'@SUM(A1)"],
  ["+32 470 00 00 00", "'+32 470 00 00 00"],
  ["-cmd", "'-cmd"],
  ["-5", "-5"],
  ["-5,5", '"-5,5"'],
  ["-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"],
  ["\r=1+1", '"\'\r=1+1"'],
  ["a;b", '"a;b"'],
])("the field %j is written as %j", (text, field) => {
  expect(csvField(text)).toBe(field);
});

test("a table says that it is UTF-8, and is parted as the spreadsheets of Belgium do", () => {
  expect(
    csvLines([
      ["nr.", "état"],
      ["1", "3,5"],
    ]),
  ).toEqual(["\uFEFFnr.;état", '1;"3,5"']);
});
