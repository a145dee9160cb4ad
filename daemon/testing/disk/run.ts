import { execFile } from "node:child_process";
import { promisify } from "node:util";

const runProcess = promisify(execFile);

/** Runs a command without a shell; its output, or an Error that names the command and what it complained of. */
export async function run(command: string, parameters: readonly string[]): Promise<string> {
  const { stdout } = await runProcess(command, parameters, { env: { ...process.env, LC_ALL: "C" } });
  return stdout.trim();
}
