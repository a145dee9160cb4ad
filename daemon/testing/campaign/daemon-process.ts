import { type ChildProcess, spawn } from "node:child_process";

/**
 * The daemon as it is shipped, in a process of its own. Disposing kills it: one that outlives a failed run would open the
 * next run's pseudo-terminal, which gets the same number, and take its badges.
 */
export class DaemonProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  #output = "";

  /** @param program `daemon/main.ts`, or what it was built to */
  constructor(program: string, configuration: string) {
    this.#child = spawn(process.execPath, [program, "run", configuration], { stdio: ["ignore", "pipe", "pipe"] });
    const keep = (chunk: Buffer): void => {
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
    this.#child.kill(signal);
    return await this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill("SIGKILL");
  }
}

const outputKeptChars = 20_000;
