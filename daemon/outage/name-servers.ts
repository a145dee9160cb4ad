import { Resolver } from "node:dns/promises";
import { systemCode } from "../base/errors.ts";

/**
 * What a name server said of the service's name.
 *
 * - `told`: IPv4 addresses; none for a name that has only others.
 * - `no-such-name`: it lives, and knows no such name.
 * - `silent`: nothing, or that it could not find out.
 */
export type NameAnswer =
  | { readonly kind: "told"; readonly addresses: readonly string[] }
  | { readonly kind: "no-such-name" }
  | { readonly kind: "silent" };

/** @param server `null` for those of the box; may have a port */
export async function askForAddress(host: string, server: string | null, timeoutMs: number): Promise<NameAnswer> {
  const resolver = new Resolver({ timeout: timeoutMs, tries: 1 });
  if (server !== null) resolver.setServers([server]);
  try {
    return { kind: "told", addresses: await resolver.resolve4(host) };
  } catch (error) {
    const code = systemCode(error);
    if (code === "ENODATA") return { kind: "told", addresses: [] };
    return code === "ENOTFOUND" ? { kind: "no-such-name" } : { kind: "silent" };
  }
}

/**
 * Whether a name server still reaches those that it asks itself. What it remembers it tells for hours after its line has
 * died; of a name that was never asked for it has to ask them. That there is no such name is their answer.
 *
 * @param unheardOf a label that nobody asked for before
 */
export async function asksOthers(
  host: string,
  server: string | null,
  unheardOf: string,
  timeoutMs: number,
): Promise<boolean> {
  const resolver = new Resolver({ timeout: timeoutMs, tries: 1 });
  if (server !== null) resolver.setServers([server]);
  try {
    await resolver.resolve4(`${unheardOf}.${host}`);
    return true;
  } catch (error) {
    const code = systemCode(error);
    return code !== "ETIMEOUT" && code !== "ESERVFAIL";
  }
}
