import { existsSync } from "node:fs";
import { BadgedError } from "../base/errors.ts";

/** What was handed over once is never written over. @throws BadgedError when something of that name is there */
export function requireNew(target: string): void {
  if (existsSync(target)) throw new BadgedError("usage", `${target} is there already`, "name another place with --out");
}
