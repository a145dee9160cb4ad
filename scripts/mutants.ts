/**
 * `npm run mutants -- [--seed N] [--minutes N] [--sample N] [--shell N|all] [--workers N] [--memory DIR]`: both verifiers of
 * evidence over a bundle that was changed in every way, and over what the owner of the key could have written instead, or
 * from the beginning (`--stories N`).
 * `badged evidence verify` takes every mutant of bytes, or as many as `--sample` says; verify.sh, which starts several
 * processes each time, as many as `--shell` says and the minutes allow, and then it says how far it came. Ends with 1
 * when one was let through, or when the two disagree in a verdict or the exit status.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { exitCode } from "../daemon/base/errors.ts";
import { systemTime } from "../daemon/base/system-time.ts";
import { runMutants } from "../daemon/testing/evidence/mutation-run.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    minutes: { type: "string", default: "10" },
    sample: { type: "string" },
    shell: { type: "string", default: "1000" },
    workers: { type: "string", default: "1" },
    memory: { type: "string" },
    guide: { type: "string", default: "200" },
    attacks: { type: "string", default: "40" },
    stories: { type: "string", default: "100" },
  },
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);

mkdirSync("var", { recursive: true });
const directory = mkdtempSync("var/mutants-");
const memory = mkdtempSync(join(values.memory ?? "var", "copies-"));
const { tallies, defects } = await runMutants({
  seed: Number(values.seed),
  directory,
  byteMutants: values.sample === undefined ? null : Number(values.sample),
  shell: {
    forMs: Number(values.minutes) * 60_000,
    mutants: values.shell === "all" ? null : Number(values.shell),
    workers: Number(values.workers),
    directory: memory,
  },
  guideMutants: Number(values.guide),
  attackStep: 1,
  shellAttacks: Number(values.attacks),
  stories: Number(values.stories),
  rollbacks: 18,
  time: systemTime,
  say,
});
for (const [kind, { tried, found }] of Object.entries(tallies)) say(`${kind.padEnd(42)} ${found} of ${tried} found`);
for (const line of defects.slice(0, 50)) say(`DEFECT  ${line}`);
say(defects.length === 0 ? "Both verifiers found all that they have to." : `${defects.length} defects.`);
for (const each of [directory, memory]) rmSync(each, { recursive: true });
process.exitCode = defects.length === 0 ? exitCode.ok : exitCode.failed;
