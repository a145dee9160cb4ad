import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { isLoopback } from "../base/loopback.ts";
import type { Time, WallMs } from "../base/time.ts";
import type { Layers } from "../outage/layers.ts";
import { isMisled } from "../outage/name-doubt.ts";
import { askForAddress } from "../outage/name-servers.ts";
import { defaultPatience, type ProbeSettings } from "../outage/network-probes.ts";
import { leadsToOwnMachine } from "../outage/own-address.ts";
import { readFailedSends, refusedCode, whoseWay } from "../outage/own-way.ts";
import { noSuchNameCode, probeTls, type TlsReach } from "../outage/tls-probe.ts";

/** Others beside the endpoint, by whom it is told whether its failure is the site's own. */
export type Bystanders = Pick<ProbeSettings, "anchors" | "resolvers">;

const patienceMs = defaultPatience.beyondMs;
/** A way that is open again answers soon; the next request, and its judgement, are not to be kept waiting for one that is not. */
const reopenedMs = 500;
/** An endpoint has a few. */
const addressesMax = 100;

/** Looks at the way to the token endpoint, after a request that failed on it or behind it. */
export class TokenWay {
  readonly #host: string;
  readonly #port: number;
  readonly #isLooked: boolean;
  readonly #bystanders: Bystanders;
  readonly #ports: { readonly time: Time; readonly nowMs: () => WallMs | null };
  /** Where its name has led while it gave tokens. */
  readonly #whenWell: Set<string> = new Set();

  constructor(
    tokenUrl: string,
    bystanders: Bystanders,
    ports: { readonly time: Time; readonly nowMs: () => WallMs | null },
  ) {
    const { hostname, port, protocol } = new URL(tokenUrl);
    this.#host = hostname.replace(/^\[|\]$/g, "");
    this.#port = Number(port) || 443;
    this.#isLooked = protocol === "https:" && !isLoopback(this.#host);
    this.#bystanders = bystanders;
    this.#ports = ports;
  }

  /** It gave a token. Never rejects. */
  async gave(): Promise<void> {
    if (!this.#isLooked || isIP(this.#host) !== 0) return;
    // A name that cannot be looked up any more tells nothing, and the token is there.
    const found = await lookup(this.#host, { all: true, family: 4 }).catch(() => []);
    if (this.#whenWell.size > addressesMax) this.#whenWell.clear();
    for (const { address } of found) this.#whenWell.add(address);
  }

  /**
   * A certificate that everybody sees to be wrong is the endpoint's failure, one that is not taken is ours. Of one of
   * another name, of an endpoint that this box or a tunnel of the site's keeps from us, of one that the site's name server
   * leads astray, and of one whose address is the employer's own, it is not known from here. `open` when nothing is wrong with its way
   * by now, and `reopened` when that was seen only after something was: it is not known what. Never rejects.
   */
  async judge(): Promise<Layers["token"] | "open" | "reopened"> {
    // What answers for it on this box may be what failed.
    if (!this.#isLooked) return "unproven";
    const { time, nowMs } = this.#ports;
    const failedSends = readFailedSends();
    const reach = await probeTls(this.#host, this.#port, patienceMs, time, nowMs);
    const keptBack = readFailedSends() - failedSends;
    if (reach.kind === "own-tls") return "refuses-us";
    if (await leadsToOwnMachine(this.#host, reach.sentTo, patienceMs, time)) return "unproven";
    switch (reach.kind) {
      case "other-name":
      case "no-name":
        return "unproven";
      case "bad-certificate":
        return "failed";
      case "trusted":
        return "open";
      case "unreachable": {
        if (!(await this.#isOurs(reach, keptBack))) return "failed";
        // What is open by now tells nothing of who had closed it, and takes no presumption from what was found before.
        const again = await probeTls(this.#host, this.#port, reopenedMs, time, nowMs);
        return again.kind === "trusted" ? "reopened" : "unproven";
      }
    }
  }

  async #isOurs({ detail, sentTo }: TlsReach, keptBack: number): Promise<boolean> {
    const { anchors, resolvers } = this.#bystanders;
    const isIp = isIP(this.#host) !== 0;
    const way = {
      addresses: isIp ? [this.#host] : sentTo,
      port: this.#port,
      isRefused: detail === refusedCode,
      keptBack,
      connections: 1,
    };
    const far = anchors.map(({ host }) => host);
    if ((await whoseWay(way, far, this.#ports.time)) !== "others") return true;
    if (isIp) return false;
    const others = await Promise.all(resolvers.map((server) => askForAddress(this.#host, server, patienceMs)));
    const sent = { addresses: sentTo, isUnknown: detail === noSuchNameCode };
    return isMisled(sent, { others, whenWell: this.#whenWell });
  }
}
