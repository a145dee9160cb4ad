#!/usr/bin/env node
import { type ExitCode, exitCode, exitCodeOf } from "./base/errors.ts";
import { refusalOf } from "./commands/refusal.ts";
import { defaultConfiguration, explain, processTerminal } from "./commands/terminal.ts";

/** argv → command → exit code. */
async function main(words: readonly string[]): Promise<ExitCode> {
  try {
    const configuration = daemonOf(words);
    if (configuration === null) return await command(words);
    return await (await import("./commands/run.ts")).run(configuration, processTerminal);
  } catch (error) {
    const told = refusalOf(error);
    processTerminal.err(explain(told));
    return exitCodeOf(told);
  }
}

/** `run [configuration]` and nothing else: the daemon lives for months and does without the 7 MB of a command line. */
function daemonOf([first, file = defaultConfiguration, ...rest]: readonly string[]): string | null {
  return first === "run" && rest.length === 0 && !file.startsWith("-") ? file : null;
}

async function command(words: readonly string[]): Promise<ExitCode> {
  const [{ createProgram }, { CommanderError }] = await Promise.all([
    import("./commands/program.ts"),
    import("commander"),
  ]);
  let code: ExitCode = exitCode.ok;
  const program = createProgram(processTerminal, (concluded) => {
    code = concluded;
  });
  try {
    await program.parseAsync([...words], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.ok : exitCode.usage;
    throw error;
  }
}

// Who reads the output may have seen enough, as `head` has: nothing is left to say, and nothing went wrong.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}
process.exitCode = await main(process.argv.slice(2));
