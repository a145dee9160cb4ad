import { lookup } from "node:dns/promises";
import { BlockList, isIP } from "node:net";
import { listInterfaces } from "../base/interfaces.ts";
import { isLoopback } from "../base/loopback.ts";
import type { Time } from "../base/time.ts";
import { isPublic } from "./public-address.ts";

/**
 * Whether what is sent to a host ends at a program of the employer's, as a proxy is, on this very box or another machine of
 * his: by the host's spelling, by its address, or by where its name leads, for no public service has such an address. One address of several is enough, for nobody knows which was asked. Never rejects.
 *
 * @param host without the brackets of an IPv6 address
 * @param sentTo where its name led, none where nobody told; `null` where that was not looked at, and has to be
 * @param patienceMs how long name servers that are silent are waited for, as after a call over a connection of before
 */
export async function leadsToOwnMachine(
  host: string,
  sentTo: readonly string[] | null,
  patienceMs: number,
  time: Time,
): Promise<boolean> {
  if (isLoopback(host)) return true;
  if (isIP(host) !== 0) return isOwnAddress([host]);
  return isOwnAddress(sentTo ?? (await addressesOf(host, patienceMs, time)));
}

/**
 * Where this box cannot list its own addresses, as when it is out of file descriptors, any may be one of them: it may have a
 * public one.
 */
export function isOwnAddress(addresses: readonly string[]): boolean {
  const listed = ownAddresses();
  if (listed === null) return addresses.length > 0;
  const own = new BlockList();
  for (const { address, family } of listed) own.addAddress(address, family === "IPv6" ? "ipv6" : "ipv4");
  return addresses.some((each) => !isPublic(each) || own.check(each, isIP(each) === 6 ? "ipv6" : "ipv4"));
}

type OwnAddress = { readonly address: string; readonly family: string };

function ownAddresses(): readonly OwnAddress[] | null {
  const interfaces = listInterfaces();
  return interfaces === null ? null : Object.values(interfaces).flatMap((each) => each ?? []);
}

/** As calls look it up; a name that leads nowhere does not lead here. */
function addressesOf(name: string, patienceMs: number, time: Time): Promise<readonly string[]> {
  return new Promise((resolve) => {
    const deadline = time.after(patienceMs, () => resolve([]));
    const end = (addresses: readonly string[]): void => {
      deadline[Symbol.dispose]();
      resolve(addresses);
    };
    // A name that cannot be looked up tells nothing.
    lookup(name, { all: true }).then(
      (found) => end(found.map(({ address }) => address)),
      () => end([]),
    );
  });
}
