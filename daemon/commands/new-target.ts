import { randomBytes } from "node:crypto";
import { existsSync, renameSync, rmSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { BadgedError, messageOf, systemCode } from "../base/errors.ts";
import { makeFolder } from "../base/folders.ts";
import { isForbidden } from "../base/permission.ts";

/** What was handed over once is never written over. @throws BadgedError when something of that name is there */
export function requireNew(target: string): void {
  if (existsSync(target)) throw new BadgedError("usage", `${target} is there already`, elsewhere);
}

/**
 * Lets `write` make a file or a folder under another name beside its own, which it gets once it is whole: what failed
 * half-way is taken for a bundle by nobody, and the next try does not find it in its place.
 *
 * @throws BadgedError `usage` when something of that name is there, `no-permission` or `output-unwritable`
 */
export function writeNew(target: string, write: (temporary: string) => void): void {
  requireNew(target);
  const place = resolve(target);
  const temporary = `${place}.${randomBytes(4).toString("hex")}.part`;
  try {
    makeFolder(dirname(place), handedOverMode);
    write(temporary);
    // Writing took a while.
    requireNew(target);
    renameSync(temporary, place);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    if (systemCode(error) === null || error instanceof BadgedError) throw error;
    const code = isForbidden(error) ? "no-permission" : "output-unwritable";
    throw new BadgedError(code, `${target} cannot be written: ${messageOf(error)}`, elsewhere, { cause: error });
  }
}

/** Of folders for somebody else, as far as this user's umask allows. */
export const handedOverMode = 0o777;

const elsewhere = "name another place with --out";
