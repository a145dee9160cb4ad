import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { sep } from "node:path";
import { promisify } from "node:util";
import { messageOf, systemCode } from "../../base/errors.ts";
import type { Time } from "../../base/time.ts";

/** A killed process lets go of its files a moment after it is gone, so a busy mount is asked again for ten seconds. */
const busyRetries = 200;
const busyRetryMs = 50;

const runProcess = promisify(execFile);

/** Runs a command without a shell; its output, or an Error that names the command and what it complained of. */
export async function run(command: string, parameters: readonly string[]): Promise<string> {
  const { stdout } = await runProcess(command, parameters, { env: { ...process.env, LC_ALL: "C" } });
  return stdout.trim();
}

/**
 * Unmounts and detaches everything that was mounted in `directory` or looped from a file in it, and nothing else.
 * Mounts are undone newest first; one that stays busy is taken away from under its user (`umount --lazy`) and named in
 * the answer, which is empty when all went well. The disk below it is then cut off (`--force` aborts the connection),
 * or its server would serve that user for as long as it lives.
 */
export async function releaseMounts(directory: string, time: Time): Promise<readonly string[]> {
  const forced: string[] = [];
  const mounts = mountsIn(directory);
  for (const { target } of mounts.filter(({ type }) => !isFuse(type))) {
    if (!(await unmount(target, time))) {
      await run("umount", ["--lazy", target]);
      forced.push(target);
    }
  }
  for (const device of loopsIn(directory)) await run("losetup", ["--detach", device]);
  for (const { target } of mounts.filter(({ type }) => isFuse(type))) {
    if (forced.length > 0 || !(await unmount(target, time))) {
      await run("umount", ["--force", "--lazy", target]);
      forced.push(target);
    }
  }
  return forced;
}

export interface Mount {
  readonly target: string;
  readonly type: string;
}

/** Mounts at or below `directory`, newest first. */
export function mountsIn(directory: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of readFileSync("/proc/self/mountinfo", "utf8").trimEnd().split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const target = (before.split(" ")[4] ?? "").replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    if (isInside(target, directory)) mounts.push({ target, type: after.split(" ")[0] ?? "" });
  }
  return mounts.reverse();
}

/** Loop devices (`/dev/loop3`) whose file is in `directory`. */
export function loopsIn(directory: string): string[] {
  return readdirSync("/sys/block")
    .filter((name) => name.startsWith("loop") && isInside(backingFileOf(name), directory))
    .map((name) => `/dev/${name}`);
}

/** Empty when the loop device is free. */
function backingFileOf(name: string): string {
  try {
    return readFileSync(`/sys/block/${name}/loop/backing_file`, "utf8").trimEnd();
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENXIO") return "";
    throw error;
  }
}

function isInside(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory + sep);
}

function isFuse(type: string): boolean {
  return type.startsWith("fuse");
}

/** False when it cannot be unmounted. */
async function unmount(target: string, time: Time): Promise<boolean> {
  for (let attempt = 0; attempt < busyRetries; attempt++) {
    try {
      await run("umount", [target]);
      return true;
    } catch (error) {
      if (!messageOf(error).includes("busy")) return false;
      await time.sleep(busyRetryMs);
    }
  }
  return false;
}
