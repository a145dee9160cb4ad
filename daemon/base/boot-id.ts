import { readFileSync } from "node:fs";

/** The kernel's random id of this boot: monotonic times compare only under the same one. */
export function readBootId(path = "/proc/sys/kernel/random/boot_id"): string {
  return readFileSync(path, "utf8").trim();
}
