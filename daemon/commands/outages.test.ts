import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { languages } from "../base/language.ts";
import { wordsIn } from "../outage/explanation.ts";
import { writeSite } from "../testing/campaign/site.ts";
import { preparedCore, storeSettings, type TemporaryDirectory, temporaryDirectory } from "../testing/store-fixture.ts";
import { csvField, listOutages } from "./outages.ts";

let directory: TemporaryDirectory;

beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => directory[Symbol.dispose]());

test.each(languages)("the list as a spreadsheet has a heading over every column in %s", async (lang) => {
  const { configuration: config } = writeSite(directory.path, 1, "http://127.0.0.1:9");
  preparedCore(storeSettings(join(directory.path, "store")), [])[Symbol.dispose]();
  const shown: string[] = [];
  await listOutages(
    { config, lang, csv: true },
    { out: (line) => shown.push(line), err: () => {}, interactive: false },
  );
  const headings = shown[0]?.split(",") ?? [];
  expect(headings).toHaveLength(6);
  expect(headings).not.toContain("");
  expect(headings[0]).toBe(wordsIn[lang].window.title);
});

test.each(languages)("one scan is one, and two are more, in %s", (lang) => {
  const { scans } = wordsIn[lang].window;
  expect(scans(1, 0)).not.toMatch(/\bscans\b/i);
  expect(scans(2, 0)).toMatch(/\bscans\b/i);
});

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
])("the field %j is written as %j (RFC 4180)", (text, field) => {
  expect(csvField(text)).toBe(field);
});
