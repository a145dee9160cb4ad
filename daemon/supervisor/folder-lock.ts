import { spawn } from "node:child_process";
import { closeSync, constants, fstatSync, openSync, statSync } from "node:fs";
import { messageOf } from "../base/errors.ts";
import { isForbidden } from "../base/permission.ts";

/** What a try to lock a folder came to; `untold` where this system cannot say whether another process holds it. */
export type FolderLock =
  | { readonly kind: "held"; readonly lock: HeldFolder }
  | { readonly kind: "taken" }
  | { readonly kind: "untold"; readonly reason: string };

export type HeldFolder = Disposable & {
  /** Whether the path still leads to what is locked: a folder that is moved away or deleted takes its lock along. */
  isAt(directory: string): boolean;
};

/**
 * Locks a folder for this process, until it disposes of the lock or ends: however it ends, the kernel gives it up. It is
 * the folder that is locked and no file in it, for a file can be deleted, and then another of its name be locked.
 *
 * Node has no flock(2). The program of that name takes the lock on a descriptor that it inherits, and leaves it behind:
 * it belongs to what was opened, not to who locked it. That takes 3 ms and no memory; a foreign call takes 6 MB.
 *
 * @param mode `shared` keeps out none that is shared itself
 * @param program stands in for `flock` of util-linux, which Debian never lacks
 * @throws Error with the system's code where the folder is another user's
 */
export async function lockFolder(
  directory: string,
  mode: "exclusive" | "shared" = "exclusive",
  program = "flock",
): Promise<FolderLock> {
  let descriptor: number;
  try {
    descriptor = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    if (isForbidden(error)) throw error;
    return { kind: "untold", reason: messageOf(error) };
  }
  const close = (): void => closeSync(descriptor);
  const end = await lockInherited(program, mode, descriptor).catch(messageOf);
  if (end === 0) return { kind: "held", lock: heldFolder(descriptor, close) };
  close();
  return end === takenCode ? { kind: "taken" } : { kind: "untold", reason: String(end) };
}

function heldFolder(descriptor: number, close: () => void): HeldFolder {
  const { dev, ino } = fstatSync(descriptor);
  return {
    isAt(directory) {
      const there = statSync(directory, { throwIfNoEntry: false });
      return there?.dev === dev && there.ino === ino;
    },
    [Symbol.dispose]: close,
  };
}

/** Of no other end of `flock`: 1 is also how another program of the name refuses what it does not know. */
const takenCode = 75;

/** A process that was killed has its files closed some moments after its socket answers no more. */
const waitS = 0.5;

/** `flock` waits by itself; longer only a file system takes that does not answer. */
const programMaxMs = 10_000;

/**
 * @returns its exit code, or words of why there is none that says anything
 * @throws Error where the system refuses the program for a reason that Node does not foresee, such as a sector of it
 *   that cannot be read
 */
function lockInherited(program: string, mode: string, descriptor: number): Promise<number | string> {
  const parameters = [`--${mode}`, "--wait", String(waitS), "--conflict-exit-code", String(takenCode), "3"];
  return new Promise((resolve) => {
    const child = spawn(program, parameters, {
      stdio: ["ignore", "ignore", "pipe", descriptor],
      timeout: programMaxMs,
      env: { PATH: process.env["PATH"] },
    });
    let words = "";
    child.stderr?.on("data", (chunk: Buffer) => (words += chunk.toString("utf8")));
    child.once("error", (error) => resolve(messageOf(error)));
    child.once("close", (code, signal) => {
      if (code === 0 || code === takenCode) resolve(code);
      else resolve(words.trim() || `${program} ended with ${code ?? signal}`);
    });
  });
}
