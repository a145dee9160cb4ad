import { messageOf } from "../../base/errors.ts";
import type { Time } from "../../base/time.ts";
import { releaseCopies } from "./mount-copies.ts";
import { loopsIn, mountsIn } from "./mount-table.ts";
import { run } from "./run.ts";

/** A killed process lets go of its files a moment after it is gone, so a busy mount is asked again for a while. */
const busyRetries = 40;
const busyRetryMs = 50;

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
    if (!(await unmount(target, directory, time))) {
      await run("umount", ["--lazy", target]);
      forced.push(target);
    }
  }
  for (const device of loopsIn(directory)) await run("losetup", ["--detach", device]);
  for (const { target } of mounts.filter(({ type }) => isFuse(type))) {
    if (forced.length > 0 || !(await unmount(target, directory, time))) {
      await run("umount", ["--force", "--lazy", target]);
      forced.push(target);
    }
  }
  return forced;
}

function isFuse(type: string): boolean {
  return type.startsWith("fuse");
}

/** False when it cannot be unmounted. */
async function unmount(target: string, directory: string, time: Time): Promise<boolean> {
  for (let attempt = 0; attempt < busyRetries; attempt++) {
    await releaseCopies(directory);
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
