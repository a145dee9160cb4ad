import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a folder and those above it that are missing, for the owner alone where no other mode is given. One by one: where the system says that a folder
 * cannot be made below one that is there, as in /proc, Node's own `recursive` tries for ever.
 *
 * @returns whether there was anything to make
 * @throws Error with the system's code
 */
export function makeFolder(path: string, mode: number = 0o700): boolean {
  const missing: string[] = [];
  for (let folder = path; !existsSync(folder); folder = dirname(folder)) missing.unshift(folder);
  for (const folder of missing) mkdirSync(folder, { mode });
  return missing.length > 0;
}
