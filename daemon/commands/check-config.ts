import { existsSync } from "node:fs";
import { loadConfiguration, type Problem } from "../../config/load.ts";
import { counted } from "../base/counted.ts";
import { type ExitCode, exitCode } from "../base/errors.ts";
import { systemTime } from "../base/system-time.ts";
import { runningPrograms, type StartSurroundings, startFindings } from "./start-checks.ts";
import type { Terminal } from "./terminal.ts";

const thisBox = (): StartSurroundings => ({
  now: systemTime.wallMs(),
  programs: runningPrograms,
  isThere: existsSync,
});

/** Tells what keeps badged from starting with a file, and what it would start with all the same but not work as meant. */
export function checkConfig(
  file: string,
  json: boolean,
  terminal: Terminal,
  surroundings: StartSurroundings = thisBox(),
): ExitCode {
  const loaded = loadConfiguration(file);
  const findings = loaded.ok
    ? startFindings(loaded.configuration, surroundings).map(({ path, message, keepsFromStarting }) => ({
        problem: loaded.problemAt(path, message),
        keepsFromStarting,
      }))
    : loaded.problems.map((problem) => ({ problem, keepsFromStarting: true }));
  const thatAre = (keeping: boolean): readonly Problem[] =>
    findings.filter(({ keepsFromStarting }) => keepsFromStarting === keeping).map(({ problem }) => problem);
  const problems = thatAre(true);
  const warnings = thatAre(false);
  const failed = !loaded.ok && loaded.code === "disk-failed" ? exitCode.ioError : exitCode.configuration;
  const code = problems.length === 0 ? exitCode.ok : failed;
  if (json) {
    terminal.out(JSON.stringify({ file, ok: problems.length === 0, problems, warnings }));
    return code;
  }
  for (const { text } of problems) terminal.err(text);
  for (const { text } of warnings) terminal.err(`${text} (a warning)`);
  if (problems.length > 0) {
    terminal.err(`${counted(problems.length, "problem")}; badged does not start with this file.`);
  } else if (loaded.ok) {
    const { readers, site } = loaded.configuration;
    const also = warnings.length === 0 ? "" : ` ${counted(warnings.length, "warning")} above.`;
    terminal.out(`${file}: sound. Site ${site.name}, ${counted(readers.length, "reader")}.${also}`);
  }
  return code;
}
