import { lookup } from "node:dns/promises";
import { BlockList, isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { isLoopback } from "../base/loopback.ts";

/**
 * Whether what is sent to a host ends on this very box, as at a proxy of the employer's: by the host's spelling, by its
 * address, or by where its name leads. One address of several is enough, for nobody knows which was asked. Never rejects.
 *
 * @param host without the brackets of an IPv6 address
 * @param sentTo where its name led, where that is known already
 */
export async function leadsToThisBox(host: string, sentTo: readonly string[]): Promise<boolean> {
  if (isLoopback(host)) return true;
  if (isIP(host) !== 0) return isThisBox([host]);
  return isThisBox(sentTo.length > 0 ? sentTo : await addressesOf(host));
}

/** An unspecified address is one of this box too: the kernel takes it for itself. */
export function isThisBox(addresses: readonly string[]): boolean {
  const own = new BlockList();
  own.addSubnet("127.0.0.0", 8);
  own.addAddress("0.0.0.0");
  for (const address of ["::", "::1"]) own.addAddress(address, "ipv6");
  for (const { address, family } of Object.values(networkInterfaces()).flatMap((each) => each ?? [])) {
    own.addAddress(address, family === "IPv6" ? "ipv6" : "ipv4");
  }
  return addresses.some((address) => own.check(withoutZone(address), isIP(address) === 6 ? "ipv6" : "ipv4"));
}

/** As calls look it up; a name that leads nowhere does not lead here. */
async function addressesOf(name: string): Promise<readonly string[]> {
  const found = await lookup(name, { all: true }).catch(() => []);
  return found.map(({ address }) => address);
}

function withoutZone(address: string): string {
  return address.replace(/%.*$/, "");
}
