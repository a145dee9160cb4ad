#!/usr/bin/env node
import { BadgedError, type ExitCode, exitCode, exitCodeOf, messageOf, systemCode } from "./base/errors.ts";
import { refusalOf } from "./commands/refusal.ts";
import { defaultConfiguration, explain, processTerminal } from "./commands/terminal.ts";
import { StoreThread } from "./store/store-thread.ts";

/** argv → command → exit code. */
async function main(words: readonly string[]): Promise<ExitCode> {
  try {
    const configuration = daemonOf(words);
    if (configuration === null) return await command(words);
    // Beside what this thread loads and reads: the two take as long as each other.
    using storeThread = new StoreThread();
    return await (await import("./commands/run.ts")).run(configuration, processTerminal, storeThread);
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

/** Why the output did not arrive, once that is known. */
let unwritten: BadgedError | null = null;

process.stdout.on("error", (error) => {
  // Who reads the output may have seen enough, as `head` has: nothing is left to say, and nothing went wrong.
  if (systemCode(error) === "EPIPE" || unwritten !== null) return;
  const advice = "make room on the disk it goes to, or send it elsewhere, then try again";
  unwritten = new BadgedError("output-unwritable", `the output cannot be written: ${messageOf(error)}`, advice);
  processTerminal.err(explain(unwritten));
  process.exitCode = exitCodeOf(unwritten);
});
// Nobody can be told of it: the exit code says how the command ended.
process.stderr.on("error", () => {});

const code = await main(process.argv.slice(2));
process.exitCode = unwritten === null ? code : exitCodeOf(unwritten);
