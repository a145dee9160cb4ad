import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeRdm6300 } from "./rdm6300.ts";

function decode(text: string): string {
  const decoded = decodeRdm6300(Buffer.from(text, "latin1"));
  return decoded.kind === "badge" ? decoded.text : `!${decoded.reason}`;
}

test.each([
  ["data sheet", "010063E9AE25", "010063E9AE"],
  ["data sheet", "0C000621A58E", "0C000621A5"],
  ["data sheet", "62E3086CED08", "62E3086CED"],
  ["data sheet", "4500C5D1E9B8", "4500C5D1E9"],
  ["ID-12LA", "62E3086CED08\r\n", "62E3086CED"],
  ["small letters", "010063e9ae25", "010063E9AE"],
  ["a digit wrong", "010063E9AF25", "!bad-checksum"],
  ["the checksum wrong", "010063E9AE24", "!bad-checksum"],
  ["a digit missing", "010063E9A25", "!wrong-length"],
  ["nothing", "", "!wrong-length"],
  ["no hexadecimal", "01006XE9AE25", "!pattern-mismatch"],
  ["no text", "01006\x00E9AE25", "!not-printable"],
])("%s: %j is %s", (_name, text, outcome) => {
  expect(decode(text)).toBe(outcome);
});

test("one digit read wrongly never passes", () => {
  const digit = fc.constantFrom(..."0123456789ABCDEF");
  fc.assert(
    fc.property(fc.nat({ max: 11 }), digit, (place, wrong) => {
      const good = "62E3086CED08";
      fc.pre(good[place] !== wrong);
      expect(decode(good.slice(0, place) + wrong + good.slice(place + 1))).toBe("!bad-checksum");
    }),
  );
});
