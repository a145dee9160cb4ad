import { uptime } from "node:os";
import { listInterfaces } from "../base/interfaces.ts";

/** Milliseconds since boot with suspend counted (CLOCK_BOOTTIME), in steps of 10: libuv reads `/proc/uptime`. */
export function readUptimeMs(): number {
  return uptime() * 1000;
}

/** Every address of an interface that is up; `null` where the box cannot list them at the moment. */
export function readAddresses(): ReadonlySet<string> | null {
  const interfaces = listInterfaces();
  if (interfaces === null) return null;
  return new Set(Object.values(interfaces).flatMap((each) => (each ?? []).map(({ address }) => address)));
}
