import { spawn } from "node:child_process";
import { once } from "node:events";

/** A program that ended by itself, with all that it wrote. */
export type Ran = { readonly code: number | null; readonly out: string; readonly err: string };

/** A command of badged, from its sources, in a process of its own. */
export function badged(...words: readonly string[]): Promise<Ran> {
  return ran(process.execPath, ["daemon/main.ts", ...words]);
}

/** @param as another user, where this one may become him */
export async function ran(
  program: string,
  words: readonly string[],
  as: { readonly uid?: number; readonly gid?: number } = {},
): Promise<Ran> {
  const child = spawn(program, words, { ...as, stdio: ["ignore", "pipe", "pipe"] });
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString("utf8")));
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString("utf8")));
  const [code] = await once(child, "close");
  return { code, out, err };
}
