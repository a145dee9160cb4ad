import { expect, test } from "vitest";
import { digitsOf, isDeclarationOfWorksNumber, isEnterpriseNumber, isSsin } from "./identifiers.ts";

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
