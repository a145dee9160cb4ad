import { lookup } from "node:dns/promises";
import { BlockList, isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { systemCode } from "../base/errors.ts";
import { isLoopback } from "../base/loopback.ts";
import type { Time } from "../base/time.ts";

/**
 * Whether what is sent to a host ends on this very box, as at a proxy of the employer's: by the host's spelling, by its
 * address, or by where its name leads. One address of several is enough, for nobody knows which was asked. Never rejects.
 *
 * @param host without the brackets of an IPv6 address
 * @param sentTo where its name led, none where nobody told; `null` where that was not looked at, and has to be
 * @param patienceMs how long name servers that are silent are waited for, as after a call over a connection of before
 */
export async function leadsToThisBox(
  host: string,
  sentTo: readonly string[] | null,
  patienceMs: number,
  time: Time,
): Promise<boolean> {
  if (isLoopback(host)) return true;
  if (isIP(host) !== 0) return isThisBox([host]);
  return isThisBox(sentTo ?? (await addressesOf(host, patienceMs, time)));
}

/**
 * An unspecified address is one of this box too: the kernel takes it for itself. Where this box cannot list its own, as when
 * it is out of file descriptors, any may be one of them.
 */
export function isThisBox(addresses: readonly string[]): boolean {
  const listed = ownAddresses();
  if (listed === null) return addresses.length > 0;
  const own = new BlockList();
  own.addSubnet("127.0.0.0", 8);
  own.addAddress("0.0.0.0");
  for (const address of ["::", "::1"]) own.addAddress(address, "ipv6");
  for (const { address, family } of listed) own.addAddress(address, family === "IPv6" ? "ipv6" : "ipv4");
  return addresses.some((address) => own.check(withoutZone(address), isIP(address) === 6 ? "ipv6" : "ipv4"));
}

type OwnAddress = { readonly address: string; readonly family: string };

function ownAddresses(): readonly OwnAddress[] | null {
  try {
    return Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  } catch (error) {
    if (systemCode(error) === null) throw error;
    return null;
  }
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

function withoutZone(address: string): string {
  return address.replace(/%.*$/, "");
}
