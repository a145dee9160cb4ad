import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { systemTime } from "../../base/system-time.ts";
import { runMutants } from "./mutation-run.ts";

const directory = mkdtempSync(join(tmpdir(), "mutants-"));
afterAll(() => rmSync(directory, { recursive: true }));

test("both verifiers find mutants of a bundle and what its owner could forge: the short form of npm run mutants", async () => {
  const { tallies, defects } = await runMutants({
    seed: 5,
    directory,
    byteMutants: 150,
    shell: { forMs: 60_000, mutants: 20, workers: 2, directory },
    guideMutants: 3,
    attackStep: 12,
    shellAttacks: 1,
    stories: 12,
    rollbacks: 1,
    time: systemTime,
    say: () => {},
  });
  expect(defects).toEqual([]);
  expect(tallies["bytes, badged"]).toEqual({ tried: 150, found: 150 });
  expect(tallies["bytes, verify.sh"]).toEqual({ tried: 20, found: 20 });
  expect(tallies["guide, verify.sh"]).toEqual({ tried: 3, found: 3 });
  // Why a witness is needed: without one nothing is wrong with a log that was rolled back and written otherwise.
  expect(tallies["rollbacks without a witness, badged"]).toEqual({ tried: 1, found: 0 });
}, 300_000);
