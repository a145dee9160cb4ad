import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";

/** What a daemon is put together from. */
const composed: readonly string[] = [
  "config",
  "drivers",
  "daemon/base",
  "daemon/clock",
  "daemon/outage",
  "daemon/evidence",
  "daemon/scan",
  "daemon/forward",
  "daemon/store",
  "daemon/supervisor",
];

/**
 * The picture in the README's architecture section, as a rule: which rooms a room may import. A room missing on the left
 * may not exist; tests and what is in `daemon/testing` stand outside the picture.
 */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  "daemon/base": [],
  config: ["daemon/base"],
  drivers: ["daemon/base"],
  "daemon/clock": ["daemon/base"],
  "daemon/outage": ["daemon/base"],
  "daemon/evidence": ["daemon/base"],
  "daemon/scan": ["daemon/base", "daemon/clock", "drivers"],
  "daemon/forward": ["daemon/base", "daemon/scan"],
  "daemon/store": ["daemon/base", "daemon/clock", "daemon/outage", "daemon/evidence", "daemon/scan", "daemon/forward"],
  "daemon/supervisor": ["daemon/base"],
  "daemon/simulator": ["daemon/base"],
  "daemon/compose": composed,
  daemon: [...composed, "daemon/compose", "daemon/commands"],
  "daemon/commands": [...composed, "daemon/compose", "daemon", "daemon/simulator"],
};

const shipped = globSync("{config,drivers,daemon}/**/*.ts").filter(
  (file) => !file.endsWith(".test.ts") && !file.startsWith("daemon/testing/"),
);

function roomOf(file: string): string {
  const [top = "", second = "", ...rest] = file.split("/");
  return top === "daemon" && rest.length > 0 ? `${top}/${second}` : top;
}

function importsOf(file: string): readonly string[] {
  const found = readFileSync(file, "utf8").matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g);
  return [...found].map((match) => normalize(join(dirname(file), match[1] ?? "")));
}

test("every file is in a room of the picture", () => {
  expect(shipped.length).toBeGreaterThan(20);
  expect(shipped.filter((file) => mayImport[roomOf(file)] === undefined)).toEqual([]);
});

test("imports run down only", () => {
  const wrong = shipped.flatMap((file) =>
    importsOf(file)
      .filter((target) => roomOf(target) !== roomOf(file) && !(mayImport[roomOf(file)] ?? []).includes(roomOf(target)))
      .map((target) => `${file} imports ${target}`),
  );
  expect(wrong).toEqual([]);
});

test("no shipped file imports what is only for tests", () => {
  const wrong = shipped.filter((file) =>
    importsOf(file).some((target) => /\.test\.ts$|^daemon\/testing\//.test(target)),
  );
  expect(wrong).toEqual([]);
});

test("files do not import each other in a circle", () => {
  const state = new Map<string, "open" | "done">();
  const circles: string[] = [];
  const visit = (file: string, trail: readonly string[]): void => {
    if (state.get(file) === "done") return;
    if (state.get(file) === "open") {
      circles.push([...trail.slice(trail.indexOf(file)), file].join(" → "));
      return;
    }
    state.set(file, "open");
    for (const target of importsOf(file)) if (target.endsWith(".ts")) visit(target, [...trail, file]);
    state.set(file, "done");
  };
  for (const file of shipped) visit(file, []);
  expect(circles).toEqual([]);
});
