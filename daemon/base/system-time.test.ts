import { execFileSync, spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { present } from "./assert.ts";
import { parseHttpDate, parseUtcText, utcSecondsText, utcText, zonedText } from "./system-time.ts";
import { wallMs } from "./time.ts";

const moment = (text: string) => present(parseUtcText(text), text);

describe("summer time ends on 25 October 2026, and 02:30 comes twice", () => {
  const folds = [
    ["2026-10-25T00:30:00Z", "2026-10-25 02:30:00 GMT+2"],
    ["2026-10-25T01:30:00Z", "2026-10-25 02:30:00 GMT+1"],
  ] as const;

  test.each(folds)("%s is %s in Brussels", (utc, local) => {
    expect(zonedText(moment(utc), "Europe/Brussels")).toBe(local);
  });

  test("both stay an hour apart in UTC, which is what is stored and sent", () => {
    const [first, second] = folds.map(([utc]) => moment(utc));
    expect((second ?? 0) - (first ?? 0)).toBe(3_600_000);
    expect(folds.map(([utc]) => utcSecondsText(moment(utc)))).toEqual(folds.map(([utc]) => utc));
  });

  test.each(["America/New_York", "Asia/Kolkata", "Europe/Brussels"])("a box set to %s says the same", (zone) => {
    const program = `
      const { parseUtcText, utcText, zonedText } = await import(${JSON.stringify(new URL("./system-time.ts", import.meta.url).href)});
      for (const utc of ${JSON.stringify(folds.map(([utc]) => utc))}) {
        console.log(zonedText(parseUtcText(utc), "Europe/Brussels"), utcText(parseUtcText(utc)));
      }`;
    const run = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
      encoding: "utf8",
      env: { ...process.env, TZ: zone },
    });
    expect(run.stdout.trim().split("\n")).toEqual(folds.map(([utc, local]) => `${local} ${utc.replace("Z", ".000Z")}`));
  });
});

test("the hour that is left out in spring is in no local time", () => {
  expect(zonedText(moment("2026-03-29T00:59:59Z"), "Europe/Brussels")).toBe("2026-03-29 01:59:59 GMT+1");
  expect(zonedText(moment("2026-03-29T01:00:00Z"), "Europe/Brussels")).toBe("2026-03-29 03:00:00 GMT+2");
});

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
