import { readFile } from "node:fs/promises";
import { systemCode } from "../../daemon/base/errors.ts";

/** Of `stat`, as big integers. */
type FileIdentity = { readonly dev: bigint; readonly ino: bigint };

/**
 * Whether some open port of this device is locked, by the kernel's table of locks. The library sets the line's parity and
 * bits before it tries for the lock: a program that is refused would leave the reader of another at its own settings, deaf.
 */
export async function isLocked(device: FileIdentity): Promise<boolean> {
  try {
    return namesLock(await readFile("/proc/locks", "latin1"), device);
  } catch (error) {
    // Without the table the lock itself decides, as it does where another program is a moment faster.
    if (systemCode(error) === null) throw error;
    return false;
  }
}

/** Lines such as `1: FLOCK  ADVISORY  WRITE 8767 00:1a:4 0 EOF`: device of the file system in hexadecimal, inode. */
export function namesLock(table: string, { dev, ino }: FileIdentity): boolean {
  const file = [majorOf(dev), minorOf(dev)].map((part) => part.toString(16).padStart(2, "0")).join(":");
  return table.split("\n").some((line) => {
    const [, kind, , , , of] = line.trim().split(/\s+/);
    return kind === "FLOCK" && of === `${file}:${ino}`;
  });
}

/** glibc's gnu_dev_major and gnu_dev_minor. */
function majorOf(dev: bigint): bigint {
  return ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n);
}

function minorOf(dev: bigint): bigint {
  return (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
}
