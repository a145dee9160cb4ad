import { uptime } from "node:os";

/** Milliseconds since boot with suspend counted (CLOCK_BOOTTIME), in steps of 10: libuv reads `/proc/uptime`. */
export function readUptimeMs(): number {
  return uptime() * 1000;
}
