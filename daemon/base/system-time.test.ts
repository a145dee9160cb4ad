import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseHttpDate, parseUtcText, utcSecondsText, utcText } from "./system-time.ts";
import { wallMs } from "./time.ts";

test("whole seconds are cut, never rounded into the future, before 1970 as well", () => {
  expect(utcSecondsText(wallMs(1_773_489_600_999))).toBe("2026-03-14T12:00:00Z");
  expect(utcSecondsText(wallMs(-1))).toBe("1969-12-31T23:59:59Z");
  expect(utcText(wallMs(-1))).toBe("1969-12-31T23:59:59.999Z");
});

test("whole seconds are those of the calendar, whichever day was written before", () => {
  const lastMs = 253_402_300_799_999;
  const anyMs = fc.oneof(
    fc.integer({ min: -62_135_596_800_000, max: lastMs }),
    fc.double({ min: 0, max: 4e12, noNaN: true }),
  );
  fc.assert(
    fc.property(anyMs, (at) => {
      const calendar = utcText(wallMs(Math.floor(at / 1000) * 1000)).replace(".000Z", "Z");
      expect(utcSecondsText(wallMs(at))).toBe(calendar);
      expect(utcSecondsText(wallMs(Math.floor(at) + 86_400_000))).not.toBe(calendar);
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  ["2026-03-14T12:00:00Z", true],
  ["2026-03-14T13:00:00+01:00", true],
  ["2026-03-14T12:00:00", false],
  ["2026-03-14", false],
  ["14 March 2026", false],
])("a moment is read only with its zone: %s", (text, isRead) => {
  expect(parseUtcText(text) !== null).toBe(isRead);
});

test.each(["Sat, 14 Mar 2026 12:00:00 GMT", "Saturday, 14-Mar-26 12:00:00 GMT"])("HTTP-date: %s", (text) => {
  expect(parseHttpDate(text)).toBe(1_773_489_600_000);
});

test("HTTP-date in the form of asctime is UTC, whatever the zone of the box", () => {
  const code =
    'import { parseHttpDate } from "./daemon/base/system-time.ts"; console.log(parseHttpDate(process.argv[1]));';
  const options = { encoding: "utf8", env: { ...process.env, TZ: "Europe/Brussels" } } as const;
  for (const text of ["Sat Mar 14 12:00:00 2026", "Sat, 14 Mar 2026 12:00:00 GMT"]) {
    const said = execFileSync(process.execPath, ["--input-type=module", "-e", code, text], options);
    expect(Number(said)).toBe(1_773_489_600_000);
  }
});

test.each(["", "soon", "12:00", "1773489600"])("no HTTP-date: %s", (text) => {
  expect(parseHttpDate(text)).toBeNull();
});
