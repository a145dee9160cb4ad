import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { systemCode } from "../base/errors.ts";
import { listInterfaces } from "../base/interfaces.ts";

/** The way out of this box. A modem's or a tunnel's has no gateway to look at. */
export type DefaultRoute = { readonly interface: string; readonly gateway: string | null };

/** Bits of the flags in /proc/net/route and ipv6_route (linux/route.h). */
const routeUp = 0x1;
const routeGateway = 0x2;
const routeReject = 0x200;
/** ATF_COM in linux/if_arp.h: the neighbour has answered. */
const neighbourComplete = 0x2;

/** The default route with the least metric, from the text of /proc/net/route. */
export function defaultRouteIn(table: string): DefaultRoute | null {
  const routes = table
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .flatMap(([name = "", destination = "", gateway = "", flagsText = "", , , metric = "", mask = ""]) => {
      const flags = Number.parseInt(flagsText, 16);
      const isDefault = destination === "00000000" && mask === "00000000";
      const hasGateway = (flags & routeGateway) !== 0;
      const isUsable = (flags & routeUp) !== 0;
      return isDefault && isUsable ? [{ name, gateway: hasGateway ? gateway : null, metric: Number(metric) }] : [];
    })
    .sort((one, other) => one.metric - other.metric);
  const [best] = routes;
  if (best === undefined) return null;
  return { interface: best.name, gateway: best.gateway === null ? null : addressOf(best.gateway) };
}

/** Whether a neighbour has answered by its hardware address, from the text of /proc/net/arp; `null` when it is not listed. */
export function neighbourAnswersIn(table: string, address: string): boolean | null {
  for (const line of table.trim().split("\n").slice(1)) {
    const [ip = "", , flags = "", hardware = ""] = line.trim().split(/\s+/);
    if (ip !== address) continue;
    return (Number.parseInt(flags, 16) & neighbourComplete) !== 0 && hardware !== "00:00:00:00:00:00";
  }
  return null;
}

/** The same of IPv6, from the text of /proc/net/ipv6_route. Gateways are known by an address of their link, and need its name. */
export function defaultRouteOfV6In(table: string): DefaultRoute | null {
  const routes = table
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .flatMap(([destination = "", length = "", , , gateway = "", metric = "", , , flagsText = "", name = ""]) => {
      const flags = Number.parseInt(flagsText, 16);
      const isDefault = /^0{32}$/.test(destination) && length === "00";
      const isUsable = (flags & routeUp) !== 0 && (flags & routeReject) === 0;
      const hasGateway = (flags & routeGateway) !== 0;
      return isDefault && isUsable
        ? [{ name, gateway: hasGateway ? gateway : null, metric: Number.parseInt(metric, 16) }]
        : [];
    })
    .sort((one, other) => one.metric - other.metric);
  const [best] = routes;
  if (best === undefined) return null;
  const { name, gateway } = best;
  return { interface: name, gateway: gateway === null ? null : addressOfV6(gateway, name) };
}

/** Over IPv4, or else over IPv6. */
export function readDefaultRoute(): DefaultRoute | null {
  return defaultRouteIn(readFileSync("/proc/net/route", "utf8")) ?? defaultRouteOfV6In(tableOfV6());
}

/** Empty on a box without IPv6. */
function tableOfV6(): string {
  try {
    return readFileSync("/proc/net/ipv6_route", "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return "";
    throw error;
  }
}

export function readNeighbourAnswers(address: string): boolean | null {
  return neighbourAnswersIn(readFileSync("/proc/net/arp", "utf8"), address);
}

/**
 * Whether the cable, or what stands for it, carries. An interface that was taken down cannot be asked (EINVAL); one that
 * is gone has no file.
 */
export function readCarrier(name: string): "up" | "down" | "unknown" {
  try {
    return readFileSync(`/sys/class/net/${name}/carrier`, "utf8").trim() === "1" ? "up" : "down";
  } catch (error) {
    const code = systemCode(error);
    return code === "EINVAL" || code === "ENOENT" ? "down" : "unknown";
  }
}

/** Whether the interface has an address by which it could be reached. */
export function hasAddress(name: string): boolean {
  return (networkInterfaces()[name] ?? []).some(({ internal, address }) => !internal && !address.startsWith("fe80:"));
}

/** Any but 0, to which a socket cannot be connected. */
const anyPort = 53;

/**
 * The interface by which packets to an IPv4 address leave, as the kernel has it with all its tables and rules; `null` when
 * there is no way there. Nothing is sent. Never rejects.
 */
export function interfaceTowards(address: string): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    const end = (name: string | null): void => {
      socket.close();
      resolve(name);
    };
    socket.once("error", () => end(null));
    socket.connect(anyPort, address, () => end(interfaceWith(socket.address().address)));
  });
}

function interfaceWith(own: string): string | null {
  const named = Object.entries(listInterfaces() ?? {});
  return named.find(([, addresses]) => addresses?.some(({ address }) => address === own))?.[0] ?? null;
}

/** Eight hexadecimal digits, the least significant byte first. */
function addressOf(hex: string): string {
  const bytes = [6, 4, 2, 0].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
  return bytes.join(".");
}

function addressOfV6(hex: string, interfaceName: string): string {
  const address = (hex.match(/.{4}/g) ?? []).join(":");
  return address.startsWith("fe80:") ? `${address}%${interfaceName}` : address;
}
