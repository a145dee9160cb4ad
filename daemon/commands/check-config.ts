import { loadConfiguration } from "../../config/load.ts";
import { type ExitCode, exitCode } from "../base/errors.ts";
import type { Terminal } from "./terminal.ts";

export function checkConfig(file: string, json: boolean, terminal: Terminal): ExitCode {
  const loaded = loadConfiguration(file);
  if (json) {
    terminal.out(JSON.stringify({ file, ok: loaded.ok, problems: loaded.ok ? [] : loaded.problems }));
    return loaded.ok ? exitCode.ok : exitCode.configuration;
  }
  if (loaded.ok) {
    const { readers, site } = loaded.configuration;
    terminal.out(
      `${file}: sound. Site ${site.name}, ${readers.length} ${readers.length === 1 ? "reader" : "readers"}.`,
    );
    return exitCode.ok;
  }
  for (const problem of loaded.problems) terminal.err(problem.text);
  const count = loaded.problems.length;
  terminal.err(`${count} ${count === 1 ? "problem" : "problems"}; badged does not start with this file.`);
  return exitCode.configuration;
}
