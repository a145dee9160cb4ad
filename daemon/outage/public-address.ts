import { BlockList, isIP } from "node:net";

/** No public service is there: RFC 1122, 1918, 3927, 6598, 4193, 4291. */
const notPublic = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
] as const) {
  notPublic.addSubnet(network, prefix);
}
for (const address of ["::", "::1"]) notPublic.addAddress(address, "ipv6");
for (const [network, prefix] of [
  ["fc00::", 7],
  ["fe80::", 10],
] as const) {
  notPublic.addSubnet(network, prefix, "ipv6");
}

/** @param address IPv4, also written as IPv6, or IPv6, with or without its zone */
export function isPublic(address: string): boolean {
  const bare = address.replace(/%.*$/, "");
  return !notPublic.check(bare, isIP(bare) === 6 ? "ipv6" : "ipv4");
}
