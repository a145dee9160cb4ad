import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { elapsedMs, type Time } from "../../base/time.ts";
import type { BundleFile } from "../../evidence/bundle/bundle.ts";
import { writeBundle } from "./generated-bundle.ts";
import { type Mutant, mutantsPerByte } from "./mutants.ts";
import { type ShellAnswer, type ShellQuestion, verifyInShell } from "./shell-verifier.ts";

export type ShellRun = {
  readonly files: readonly BundleFile[];
  readonly question: ShellQuestion;
  /** Made when it is not there; each worker has a copy of the bundle in it. In memory is best: it is written to all the time. */
  readonly directory: string;
  /** How many run at a time. */
  readonly workers: number;
  /** Nothing is begun after this. */
  readonly forMs: number;
  readonly time: Time;
  readonly take: (mutant: Mutant, answer: ShellAnswer) => void;
};

/**
 * verify.sh over mutants of one bundle, several at a time: each worker keeps its copy and rewrites nothing but the file
 * that is mutated.
 */
export async function runShellMutants(mutants: Iterator<Mutant>, run: ShellRun): Promise<void> {
  const startedNs = run.time.monotonicNs();
  const work = async (folder: string): Promise<void> => {
    writeBundle(run.files, folder);
    const originals = new Map(run.files.map(({ path, bytes }) => [path, bytes]));
    while (elapsedMs(startedNs, run.time.monotonicNs()) < run.forMs) {
      const next = mutants.next();
      if (next.done === true) break;
      const { path, bytes } = next.value;
      put(folder, path, bytes);
      run.take(next.value, await verifyInShell(folder, run.question));
      put(folder, path, originals.get(path) ?? null);
    }
    rmSync(folder, { recursive: true });
  };
  const folders = Array.from({ length: run.workers }, (_, index) => join(run.directory, `worker-${index + 1}`));
  await Promise.all(folders.map(work));
}

function put(folder: string, path: string, bytes: Uint8Array | null): void {
  const target = join(folder, path);
  if (bytes === null) {
    rmSync(target);
    return;
  }
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, bytes);
}

const saidEvery = 2000;

/** Tells how far a run over every mutant has come, and of which files it has taken all. */
export class Coverage {
  readonly #left: Map<string, number>;
  readonly #say: (line: string) => void;
  readonly #possible: number;
  #tried = 0;

  constructor(files: readonly BundleFile[], say: (line: string) => void) {
    this.#left = new Map(files.map(({ path, bytes }) => [path, bytes.length * mutantsPerByte]));
    this.#possible = [...this.#left.values()].reduce((sum, count) => sum + count, 0);
    this.#say = say;
  }

  take({ path, kind }: Mutant): void {
    if (kind !== "bytes") return;
    this.#tried += 1;
    this.#left.set(path, (this.#left.get(path) ?? 0) - 1);
    if (this.#tried % saidEvery === 0)
      this.#say(`verify.sh: ${this.#tried} of ${this.#possible} mutants of bytes, in ${path}`);
  }

  tell(): void {
    const done = [...this.#left].filter(([, left]) => left === 0).map(([path]) => path);
    this.#say(
      `verify.sh: ${this.#tried} of ${this.#possible} mutants of bytes; all of ${done.join(", ") || "no file"}`,
    );
  }
}
