import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type BadgeForm, convertBadge, derivable, isRandomUid, normaliseBadge } from "./badge-form.ts";

const forms: readonly BadgeForm[] = ["hex", "decimal", "8H10D", "3D5D", "wiegand26", "text"];

describe("the same tag in every printed form", () => {
  test.each([
    ["hex", "010063E9AE"],
    ["decimal", "4301515182"],
    ["8H10D", "0006547886"],
    ["3D5D", "099,59822"],
    ["wiegand26", "B1F4D700"],
  ] as const)("hex becomes %s %s", (form, number) => {
    expect(convertBadge("010063e9ae", "hex", "msb", form)).toBe(number);
  });

  test("a 40-bit decimal with leading zeros is the same tag", () => {
    expect(convertBadge("0004301515182", "decimal", "msb", "hex")).toBe("010063E9AE");
  });

  test("the low bits that a printed form keeps give the shorter forms", () => {
    expect(convertBadge("0006547886", "8H10D", "msb", "3D5D")).toBe("099,59822");
    expect(convertBadge("099,59822", "3D5D", "msb", "wiegand26")).toBe("B1F4D700");
    expect(convertBadge("B1F4D700", "wiegand26", "msb", "3D5D")).toBe("099,59822");
  });
});

test.each([
  ["01 00 63 E9 AE", "hex"],
  ["01:00:63:e9:ae", "hex"],
  [" 4301515182 ", "decimal"],
] as const)("what a reader sends as %j is read as the roster's is", (text, form) => {
  expect(convertBadge(text, form, "msb", form)).toBe(normaliseBadge(text, form));
  expect(convertBadge(text, form, "msb", "hex")).toBe("010063E9AE");
});

test("byte order is the reader's: the same UID is one number or the other", () => {
  expect(convertBadge("66CF4DC2", "hex", "msb", "decimal")).toBe("1724861890");
  expect(convertBadge("66CF4DC2", "hex", "lsb", "decimal")).toBe("3259879270");
  expect(convertBadge("3259879270", "decimal", "lsb", "hex")).toBe("66CF4DC2");
});

test.each([
  ["8H10D", "hex"],
  ["3D5D", "8H10D"],
  ["wiegand26", "decimal"],
  ["text", "hex"],
  ["hex", "text"],
] as const)("%s does not hold enough to know %s", (from, to) => {
  expect(derivable(from, to)).toBe(false);
  expect(convertBadge("0006547886", from, "msb", to)).toBeNull();
});

test.each([
  ["hex", "01006"],
  ["hex", "01006G"],
  ["hex", "0102030405060708090A0B"],
  ["hex", ""],
  ["decimal", "12a"],
  ["decimal", "1208925819614629174706177"],
  ["8H10D", "4294967296"],
  ["3D5D", "256,00001"],
  ["3D5D", "001,65536"],
  ["wiegand26", "B1F4D740"],
  ["wiegand26", "31F4D700"],
  ["text", ""],
  ["text", "a\tb"],
] as const)("%s refuses %j", (form, text) => {
  expect(normaliseBadge(text, form)).toBeNull();
});

test("people's ways of writing come to one", () => {
  expect(normaliseBadge(" 01:00:63:e9:ae ", "hex")).toBe("010063E9AE");
  expect(normaliseBadge("6547886", "8H10D")).toBe("0006547886");
  expect(normaliseBadge("99.59822", "3D5D")).toBe("099,59822");
  expect(normaliseBadge("0004301515182", "decimal")).toBe("4301515182");
});

test("a random UID is recognised, a longer one that begins alike is not", () => {
  expect(isRandomUid("08A1B2C3", "hex")).toBe(true);
  expect(isRandomUid("08A1B2C3D4", "hex")).toBe(false);
});

test("normalising twice changes nothing, in any form, for any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 10 }), fc.constantFrom(...forms), (bytes, form) => {
      const hex = Buffer.from(bytes).toString("hex");
      const once = form === "text" ? normaliseBadge(hex, "text") : convertBadge(hex, "hex", "msb", form);
      expect(once).not.toBeNull();
      expect(normaliseBadge(once ?? "", form)).toBe(once);
    }),
  );
});

test("no text whatever makes a form throw", () => {
  fc.assert(
    fc.property(fc.string(), fc.constantFrom(...forms), fc.constantFrom(...forms), (text, from, to) => {
      const converted = convertBadge(text, from, "lsb", to);
      expect(converted === null || normaliseBadge(converted, to) === converted).toBe(true);
    }),
  );
});
