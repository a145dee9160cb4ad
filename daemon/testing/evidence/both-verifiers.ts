import { mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { present } from "../../base/assert.ts";
import { systemTime } from "../../base/system-time.ts";
import type { BundleFile } from "../../evidence/bundle/bundle.ts";
import { parseNote } from "../../evidence/verify/checkpoint-note.ts";
import { parseLogKey, parseWitnessKey } from "../../evidence/verify/public-key.ts";
import { tokenVerifierFor } from "../../evidence/verify/token-check.ts";
import type { BundleReport } from "../../evidence/verify/verdict.ts";
import { verifyBundle } from "../../evidence/verify/verify-bundle.ts";
import { writeBundle } from "./generated-bundle.ts";
import { type ShellAnswer, type ShellQuestion, verifyInShell } from "./shell-verifier.ts";

export type Answers = { readonly shell: ShellAnswer; readonly own: BundleReport };

/** Asks both verifiers the same of one bundle, each time in a folder of its own below `directory`. */
export async function askBoth(
  directory: string,
  files: readonly BundleFile[],
  question: ShellQuestion,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Answers> {
  const folder = mkdtempSync(join(directory, "bundle-"));
  writeBundle(files, folder);
  const shell = await verifyInShell(folder, question, env);
  const { key, authorities, witnesses, head } = question;
  const own = verifyBundle(new Map(files.map(({ path, bytes }) => [path, bytes])), {
    key: key === null ? null : parseLogKey(key),
    verifyToken: authorities === null ? null : tokenVerifierFor(readFileSync(authorities, "utf8")),
    witnesses: witnesses.map((each) => present(parseWitnessKey(each), "the key of a witness can be read")),
    head: head === null ? null : parseNote(readFileSync(head)),
    nowMs: systemTime.wallMs(),
  });
  return { shell, own };
}
