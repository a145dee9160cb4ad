import { networkInterfaces, uptime } from "node:os";

/** Milliseconds since boot with suspend counted (CLOCK_BOOTTIME), in steps of 10: libuv reads `/proc/uptime`. */
export function readUptimeMs(): number {
  return uptime() * 1000;
}

/** Every address of an interface that is up. */
export function readAddresses(): ReadonlySet<string> {
  return new Set(Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address)));
}
