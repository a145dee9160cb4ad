import { networkInterfaces, uptime } from "node:os";
import { systemCode } from "../base/errors.ts";

/** Milliseconds since boot with suspend counted (CLOCK_BOOTTIME), in steps of 10: libuv reads `/proc/uptime`. */
export function readUptimeMs(): number {
  return uptime() * 1000;
}

/** Every address of an interface that is up; `null` where the box cannot list them, as when it is out of file descriptors. */
export function readAddresses(list: typeof networkInterfaces = networkInterfaces): ReadonlySet<string> | null {
  try {
    return new Set(Object.values(list()).flatMap((each) => (each ?? []).map(({ address }) => address)));
  } catch (error) {
    if (systemCode(error) === null) throw error;
    return null;
  }
}
