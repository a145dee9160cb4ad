import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { systemCode } from "../../base/errors.ts";
import { endWithTests } from "../left-processes.ts";
import { type Launch, plainLaunch } from "./box.ts";

/**
 * The daemon as it is shipped, in a process of its own. Disposing kills it: one that outlives a failed run would open the
 * next run's pseudo-terminal, which gets the same number, and take its badges.
 */
export class DaemonProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #isWrapped: boolean;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  #output = "";

  /**
   * @param program `daemon/main.ts`, or what it was built to
   * @param onOutput is told all that it writes
   */
  constructor(
    program: string,
    configuration: string,
    launch: Launch = plainLaunch,
    onOutput: (text: string) => void = () => {},
  ) {
    this.#child = spawn(launch.command, [...launch.parameters, program, "run", configuration], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...launch.environment },
    });
    this.#isWrapped = launch.command !== plainLaunch.command;
    endWithTests(this.#child, () => this.kill("SIGKILL"));
    const keep = (chunk: Buffer): void => {
      onOutput(chunk.toString("utf8"));
      this.#output = (this.#output + chunk.toString("utf8")).slice(-outputKeptChars);
    };
    this.#child.stdout?.on("data", keep);
    this.#child.stderr?.on("data", keep);
    this.ended = new Promise((resolve, reject) => {
      this.#child.once("error", reject);
      this.#child.once("exit", (code, signal) => resolve({ code, signal }));
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The last of what it wrote, for a report of what went wrong. */
  get output(): string {
    return this.#output;
  }

  async kill(signal: "SIGKILL" | "SIGTERM"): Promise<{ readonly code: number | null }> {
    const inner = this.#isWrapped ? childOf(this.pid) : null;
    // What wraps the daemon ends with it, and would not tell it of a signal of its own.
    if (inner === null) this.#child.kill(signal);
    else process.kill(inner, signal);
    const { code } = await this.ended;
    // unshare of util-linux 2.38 ends with 1 when its child was killed, for it cannot unblock SIGKILL for itself.
    return { code: inner !== null && signal === "SIGKILL" ? null : code };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill("SIGKILL");
  }
}

const outputKeptChars = 20_000;

/** The only child of a process; `null` when it has none (any more). */
function childOf(pid: number): number | null {
  try {
    const [first = ""] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ");
    return first === "" ? null : Number(first);
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ESRCH") return null;
    throw error;
  }
}
