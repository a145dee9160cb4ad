import { spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { verifierFile } from "../../evidence/bundle/guide.ts";

export type ShellQuestion = {
  readonly key: string | null;
  readonly authorities: string | null;
  readonly witnesses: readonly string[];
  /** File with the witness's latest note. */
  readonly head: string | null;
};

export type ShellAnswer = {
  readonly status: number | null;
  /** By name: `verified`, `not verified` or `could not check`. */
  readonly verdicts: Readonly<Record<string, string>>;
  readonly output: string;
};

/** The environment of a machine whose clock stands at that moment: all that the verifier asks of it is what `date` prints. */
export function machineAt(directory: string, nowMs: number): NodeJS.ProcessEnv {
  const tools = mkdtempSync(join(directory, "tools-"));
  writeFileSync(join(tools, "date"), `#!/bin/sh\necho ${Math.floor(nowMs / 1000)}\n`, { mode: 0o755 });
  return { ...process.env, PATH: `${tools}:${process.env["PATH"]}` };
}

/** Runs the verifier of the sources over a folder, never the copy in the bundle. */
export function verifyInShell(
  folder: string,
  question: ShellQuestion,
  env: NodeJS.ProcessEnv = process.env,
): Promise<ShellAnswer> {
  const args = [
    fileURLToPath(verifierFile),
    ...(question.key === null ? [] : ["--key", question.key]),
    ...(question.authorities === null ? [] : ["--tsa-ca", question.authorities]),
    ...question.witnesses.flatMap((witness) => ["--witness", witness]),
    ...(question.head === null ? [] : ["--witness-head", question.head]),
    folder,
  ];
  return new Promise((resolve, reject) => {
    const child = spawn("/bin/bash", args, { env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    child.on("error", reject);
    child.on("close", (status) => {
      const found = output.matchAll(/^([A-Z]{4,}) +(verified|not verified|could not check): /gm);
      resolve({ status, verdicts: Object.fromEntries([...found].map(([, name, answer]) => [name, answer])), output });
    });
  });
}
