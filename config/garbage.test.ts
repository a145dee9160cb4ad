import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { parseConfiguration } from "./load.ts";
import { thisBox } from "./surroundings.ts";

const example = readFileSync(new URL("badged.example.yaml", import.meta.url), "utf8");
const box = { ...thisBox({}), fileState: () => "readable" as const, secretFault: () => null, keyFault: () => null };

/** Whatever the text: a configuration, or problems that each point into the text. */
function expectVerdict(text: string): void {
  const loaded = parseConfiguration(text, "site.yaml", box);
  if (loaded.ok) return;
  expect(loaded.problems.length).toBeGreaterThan(0);
  const lines = text.split(/\r\n|\n/);
  for (const problem of loaded.problems) {
    expect(problem.text).toMatch(/^site\.yaml:\d+:\d+: \S/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal obeys these
    expect(problem.text).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    expect(problem.line).toBeLessThanOrEqual(lines.length);
    expect(problem.col).toBeLessThanOrEqual((lines[problem.line - 1]?.length ?? 0) + 1);
  }
}

test("any text is told or taken, never thrown at", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 200 }), expectVerdict), { numRuns: 500 });
});

test("so is any text made of what YAML is made of", () => {
  const marks = [
    "\n",
    "\n  ",
    "\n- ",
    ": ",
    "{",
    "}",
    "[",
    "]",
    "'",
    '"',
    "#",
    "&a ",
    "*a",
    "!x ",
    "|\n",
    "? ",
    "%",
    "\t",
  ];
  const words = ["site", "readers", "driver", "serial-line", "frame", "place", "service", "url", "60 s", "null", "1"];
  const part = fc.constantFrom(...marks, ...words);
  fc.assert(
    fc.property(fc.array(part, { maxLength: 40 }), (parts) => expectVerdict(parts.join(""))),
    { numRuns: 500 },
  );
});

test("so is any JSON, wherever it stands", () => {
  const keys = ["site", "store", "roster", "readers", "service", "webhooks", "log", "place", "keys", "frame"] as const;
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...keys), fc.jsonValue()), (value) => expectVerdict(stringify(value))),
    { numRuns: 300 },
  );
});

test("so is the example with a piece cut out or put elsewhere", () => {
  const place = fc.nat({ max: example.length });
  fc.assert(
    fc.property(place, fc.nat({ max: 60 }), place, (from, length, to) => {
      const piece = example.slice(from, from + length);
      const rest = example.slice(0, from) + example.slice(from + length);
      expectVerdict(rest);
      expectVerdict(rest.slice(0, to) + piece + rest.slice(to));
    }),
    { numRuns: 200 },
  );
});

test("so is the example with one value of it replaced, and the one problem is where the value is", () => {
  const level = example.lastIndexOf("level: info");
  const line = example.slice(0, level).split("\n").length;
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z]{1,20}$/), (word) => {
      fc.pre(!["debug", "info", "warn", "error", "null", "true", "false"].includes(word));
      const loaded = parseConfiguration(`${example.slice(0, level)}level: ${word}\n`, "site.yaml", box);
      expect(loaded).toMatchObject({ ok: false, problems: [{ line, col: 10, path: "log.level" }] });
    }),
  );
});
