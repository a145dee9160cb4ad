import { isIPv4 } from "node:net";
import type { NameAnswer } from "./name-servers.ts";
import { isPublic } from "./public-address.ts";

/** Where the C library sent a connection that failed; `isUnknown` when it was told that there is no such name. */
export type Sent = { readonly addresses: readonly string[]; readonly isUnknown: boolean };

/** What else is known of the service's address. */
export type KnownAddresses = {
  /** Of name servers beside those of the box. */
  readonly others: readonly NameAnswer[];
  /** Told while the service answered. */
  readonly whenWell: ReadonlySet<string>;
};

/**
 * Whether a connection may have failed because it went to the wrong place: the site's name server, its filter or its list
 * of hosts tells what nobody else tells. Of IPv6 addresses nothing is said.
 */
export function isMisled({ addresses, isUnknown }: Sent, { others, whenWell }: KnownAddresses): boolean {
  if (isUnknown) return !others.some(({ kind }) => kind === "no-such-name");
  const tried = addresses.filter((each) => isIPv4(each));
  if (tried.length === 0 || tried.some((each) => whenWell.has(each))) return false;
  const told = others.flatMap((each) => (each.kind === "told" ? each.addresses : []));
  if (told.length > 0 && !tried.some((each) => told.includes(each))) return true;
  return !tried.some(isPublic);
}
