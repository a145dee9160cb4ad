import { readdirSync, readFileSync } from "node:fs";
import { sep } from "node:path";
import { systemCode } from "../../base/errors.ts";

export interface Mount {
  readonly target: string;
  readonly type: string;
}

/** Mounts at or below `directory`, newest first. */
export function mountsIn(directory: string): Mount[] {
  return mountsListed(readFileSync("/proc/self/mountinfo", "utf8"), directory);
}

/** Those of a process's mountinfo (proc_pid_mountinfo(5)). */
export function mountsListed(mountinfo: string, directory: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of mountinfo.trimEnd().split("\n")) {
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
