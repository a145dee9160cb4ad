import { expect, test } from "vitest";
import { digitsOf, isDeclarationOfWorksNumber, isEnterpriseNumber, isSsin, withoutSsins } from "./identifiers.ts";

test.each(["93051822361", "97440936363", "53480200724", "90010100123", "85011512355"])("%s is a valid SSIN", (ssin) => {
  expect(isSsin(ssin)).toBe(true);
});

test.each([
  "90231512314",
  "85011507999",
  "85011508098",
  "85011508100",
  "9305182236",
  "930518223611",
  "9305182236a",
  "",
])("%s is refused as SSIN", (ssin) => {
  expect(isSsin(ssin)).toBe(false);
});

test.each([
  ["93051822361", "[]"],
  ["asked 93.05.18-223.61.", "asked []."],
  ["93.05.18\u2011223.61, as a word processor writes it", "[], as a word processor writes it"],
  ["93.05.18 – 223.61", "[]"],
  ["93\u00b705\u00b718\u00b7223\u00b761 and 930518_22361", "[] and []"],
  ["worker 12 93.05.18-223.61", "worker 12 []"],
  ["93051822361 97440936363", "[] []"],
  ["93.05.18-223.62", "93.05.18-223.62"],
  ["930518223611 and 193051822361", "930518223611 and 193051822361"],
  ["from 2026-03-01 10:15:00 to 2026-03-01 11:15:00", "from 2026-03-01 10:15:00 to 2026-03-01 11:15:00"],
])("of %j what is left without national numbers is %j", (text, left) => {
  expect(withoutSsins(text, "[]")).toBe(left);
});

test("a birth from 2000 on is checked with the 2 put before", () => {
  expect(isSsin(`00010100${"1"}${String(97 - (2_000_101_001 % 97)).padStart(2, "0")}`)).toBe(true);
});

test.each([
  ["0566988259", true],
  ["1009237290", true],
  ["0566988258", false],
  ["2009237290", false],
  ["566988259", false],
])("enterprise number %s: %s", (number, valid) => {
  expect(isEnterpriseNumber(number)).toBe(valid);
});

test.each([
  ["1Y1003SQ5VSSZ", true],
  ["1Y1003SQ5VSS", false],
  ["1I1003SQ5VSSZ", false],
  ["1O1003SQ5VSSZ", false],
  ["1y1003sq5vssz", false],
])("declaration of works %s: %s", (number, valid) => {
  expect(isDeclarationOfWorksNumber(number)).toBe(valid);
});

test("punctuation people write is removed", () => {
  expect(digitsOf("93.05.18-223.61")).toBe("93051822361");
});
