import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { importRosterAtStart, rosterLater } from "./roster-at-start.ts";
import type { RosterStore } from "./scan/roster.ts";
import { recordingLog, type TemporaryDirectory, temporaryDirectory } from "./testing/store-fixture.ts";

let directory: TemporaryDirectory;
let file: string;
beforeEach(() => {
  directory = temporaryDirectory();
  file = join(directory.path, "roster.csv");
});
afterEach(() => directory[Symbol.dispose]());

/** Of each import how many badges it had, and what the log was told. */
async function startedWith(
  text: string,
  failure: Error | null = null,
): Promise<{ readonly imports: readonly number[]; readonly said: string; readonly outcome: string }> {
  writeFileSync(file, text);
  const imports: number[] = [];
  const change = { added: 0, changed: 0, removed: 0, unchanged: 0 };
  const store: RosterStore = {
    planRoster: async () => change,
    replaceRoster: async (entries) => {
      if (failure !== null) throw failure;
      imports.push(entries.length);
      return change;
    },
    rosterFingerprint: async () => "another one",
  };
  const log = recordingLog();
  const outcome = await importRosterAtStart({ file, badgeForm: "hex" }, store, log);
  return { imports, outcome, said: JSON.stringify(log.lines) };
}

test("a roster is imported when its file is another one", async () => {
  const { imports } = await startedWith("badge,ssin,employer\n010063E9AE,93051822361,0566988259\n");
  expect(imports).toEqual([1]);
});

test.each([
  ["a header alone", "badge,ssin,employer\n"],
  ["nothing at all", ""],
  ["a wrong row", "badge,ssin,employer\n010063E9AE,1,0566988259\n"],
])("%s takes nobody out: the roster in force stays, and the log says so", async (_name, text) => {
  const { imports, said } = await startedWith(text);
  expect(imports).toEqual([]);
  expect(said).toContain("the one in force stays");
});

test("a full disk keeps the new roster out, and not badged from starting", async () => {
  const roster = "badge,ssin,employer\n010063E9AE,93051822361,0566988259\n";
  const { imports, said, outcome } = await startedWith(roster, new Error("database or disk is full"));
  expect(imports).toEqual([]);
  expect(outcome).toBe("later");
  expect(said).toContain("the one in force stays");
  expect(said).toContain("disk is full");
});

test("a roster that found no room is tried after each clean-up until it is in, and one that was settled is not", async () => {
  const outcomes: ("settled" | "later")[] = ["later", "settled", "later"];
  const again = async (): Promise<"settled" | "later"> => outcomes.shift() ?? "later";
  const waiting = rosterLater("later", again);
  for (let night = 0; night < 4; night += 1) await waiting.maintain();
  expect(outcomes).toEqual(["later"]);
  await rosterLater("settled", again).maintain();
  expect(outcomes).toEqual(["later"]);
});
