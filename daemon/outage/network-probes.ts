import { isIP } from "node:net";
import { isLoopback } from "../base/loopback.ts";
import { elapsedMs, type MonotonicNs, type Time, type WallMs } from "../base/time.ts";
import { gatewayState } from "./gateway-life.ts";
import { type DefaultRoute, hasAddress, readCarrier, readDefaultRoute, readNeighbourAnswers } from "./host-network.ts";
import type { Layers } from "./layers.ts";
import { type Look, LookBook } from "./look.ts";
import type { Sent } from "./name-doubt.ts";
import { NameProbes } from "./name-probes.ts";
import { leadsToOwnMachine } from "./own-address.ts";
import {
  interfacesTowards,
  isSentElsewhere,
  readFailedSends,
  refusedCode,
  throughOwnProgram,
  whoseWay,
} from "./own-way.ts";
import type { SecondWay } from "./second-way.ts";
import { probeTcp } from "./tcp-probe.ts";
import { noSuchNameCode, probeTls, type TlsReach } from "./tls-probe.ts";

/** What the site says of where to look. */
export type ProbeSettings = {
  /** Addresses in different networks, each with a port; refusing it is an answer as well. */
  readonly anchors: readonly { readonly host: string; readonly port: number }[];
  /** Name servers, beside those of the box. */
  readonly resolvers: readonly string[];
  /** The first address beyond the gateway; `null` when nobody told it. */
  readonly firstHop: string | null;
  /** The service's base address. */
  readonly serviceUrl: string;
  /** Another interface of the box with a way out of its own; `null` without one. */
  readonly secondInterface: string | null;
  /** Keys of which the chain of its certificate has to have one; none pins nothing. */
  readonly pins?: readonly string[];
  readonly patience: Patience;
};

/** How long an answer is waited for. */
export type Patience = { readonly gatewayMs: number; readonly beyondMs: number };

export type HealthAnswer =
  | { readonly kind: "answered"; readonly status: number }
  /** Why there was none is told by the looks at TCP and TLS. */
  | { readonly kind: "not-answered" }
  /** This box could not ask, as where a part of badged cannot be read from its disk: ours, whatever else fails. */
  | { readonly kind: "not-asked" };

export type ProbePorts = {
  readonly time: Time;
  /** The proven time; `null` when nothing proves one. */
  readonly nowMs: () => WallMs | null;
  /** Over the verified connection that registrations take too. */
  readonly askHealth: (signal: AbortSignal) => Promise<HealthAnswer>;
  /** Tries the service over `secondInterface`; `null` where that cannot be done. */
  readonly secondWay: SecondWay | null;
};

/** A router is a millisecond away; what lies beyond may be a satellite's way. */
export const defaultPatience: Patience = { gatewayMs: 1_500, beyondMs: 3_000 };
/** Closed on most routers, and refusing is an answer. */
const gatewayPort = 53;
const firstHopPort = 80;

/** Looks at the layers from the box outwards. Polite: one connection each, closed at once. */
export class NetworkProbes {
  readonly #settings: ProbeSettings;
  readonly #ports: ProbePorts;
  readonly #service: { readonly host: string; readonly port: number; readonly isSecure: boolean };
  /** The last route out there was: when it is gone, its interface is looked at. */
  #route: DefaultRoute | null = null;
  readonly #book: LookBook;
  readonly #names: NameProbes;
  /** Whether the service was there at the last look: when it was not, both looks at it are made at once. */
  #wasWell: boolean | null = null;
  /** Whether every anchor was dead at the last look. */
  #wasCutOff = false;
  /** When the gateway, or something beyond it, last answered. */
  #provenNs: MonotonicNs;

  constructor(settings: ProbeSettings, ports: ProbePorts) {
    this.#settings = settings;
    this.#ports = ports;
    this.#provenNs = ports.time.monotonicNs();
    this.#book = new LookBook(ports.time);
    const url = new URL(settings.serviceUrl);
    const isSecure = url.protocol === "https:";
    const host = url.hostname.replace(/^\[|\]$/g, "");
    this.#service = { host, port: Number(url.port) || (isSecure ? 443 : 80), isSecure };
    const asking = { host, resolvers: settings.resolvers, answerMaxMs: settings.patience.beyondMs };
    this.#names = new NameProbes(asking, this.#book, ports.time);
  }

  /** How each thing that was looked at came out the last time. */
  get looks(): readonly Look[] {
    return this.#book.latest;
  }

  /** What is the site's own: cheap, and looked at often. */
  async local(): Promise<Pick<Layers, "link" | "lan">> {
    // A site that talks to this very box has no way out to look at.
    if (isLoopback(this.#service.host)) return { link: "unknown", lan: "unknown" };
    const route = readDefaultRoute();
    this.#route = route ?? this.#route;
    if (this.#route === null) return { link: "unknown", lan: "failed" };
    const { interface: name } = this.#route;
    const link = await this.#book.timed("link", name, String, () => readCarrier(name));
    if (link === "down" || route === null || !hasAddress(route.interface)) return { link, lan: "failed" };
    // Behind a modem or a tunnel there may be more of the site's own that cannot be seen from here.
    if (route.gateway === null || (await this.#takesAnotherWay(route.interface))) return { link, lan: "unknown" };
    return { link, lan: await this.#gateway(route.gateway) };
  }

  /** Other people's servers: looked at rarely while all is well. */
  async beyond(
    signal: AbortSignal,
  ): Promise<Pick<Layers, "firstHop" | "dns" | "anchors" | "service" | "otherChannel">> {
    const failedSends = readFailedSends();
    const [firstHop, answers, anchors, reach] = await Promise.all([
      this.#firstHop(),
      this.#names.ask(),
      this.#anchors(),
      this.#serviceReach(signal),
    ]);
    const keptBack = readFailedSends() - failedSends;
    // Calls take the name servers of this box: when those do not tell the address, another that would is of no use, and
    // the service is not to blame.
    const isNameless = reach.state === "no-name";
    const couldNotAsk = this.#names.haveAskedOthers() === false;
    const beside = { anchors, isServiceWell: reach.state === "ok", sent: reach.sent };
    const dns = isNameless ? "failed" : await this.#names.judge(answers, beside);
    // The line came back while it was looked at: what was seen before that is old, and half of each would be a cause that
    // there never was.
    const isBack = this.#wasCutOff && anchors !== "none" && reach.state !== "ok";
    this.#wasCutOff = anchors === "none";
    if (isBack || (couldNotAsk && this.#names.haveAskedOthers() === true)) return await this.beyond(signal);
    // Without an address it is not known where to look, but that nothing leaves this box can be told.
    const isKeptBack = isNameless && anchors === "none" && keptBack >= this.#far.length;
    const service = reach.state !== "no-name" ? reach.state : isKeptBack ? "other-way" : "unreachable";
    if (firstHop === "ok" || anchors === "all" || anchors === "some") this.#provenNs = this.#ports.time.monotonicNs();
    return { firstHop, dns, anchors, service, otherChannel: service === "ok" ? "unknown" : await this.#otherChannel() };
  }

  /** A tunnel leaves the default route where it was, and takes everything all the same. */
  async #takesAnotherWay(defaultInterface: string): Promise<boolean> {
    const ways = await interfacesTowards(this.#far);
    return ways.length > 0 && ways.every((way) => way !== defaultInterface);
  }

  get #far(): readonly string[] {
    return this.#settings.anchors.map(({ host }) => host);
  }

  async #gateway(address: string): Promise<Layers["lan"]> {
    const { time } = this.#ports;
    const { kind } = await this.#book.timed("lan", address, kindOf, () =>
      probeTcp(address, gatewayPort, this.#settings.patience.gatewayMs, time),
    );
    const nowNs = time.monotonicNs();
    if (kind === "alive") this.#provenNs = nowNs;
    return gatewayState(kind, readNeighbourAnswers(address), elapsedMs(this.#provenNs, nowNs));
  }

  async #firstHop(): Promise<Layers["firstHop"]> {
    const { firstHop } = this.#settings;
    if (firstHop === null) return "unknown";
    const { kind } = await this.#book.timed("firstHop", firstHop, kindOf, () =>
      probeTcp(firstHop, firstHopPort, this.#settings.patience.beyondMs, this.#ports.time),
    );
    return kind === "alive" ? "ok" : "failed";
  }

  async #anchors(): Promise<Layers["anchors"]> {
    const { anchors } = this.#settings;
    if (anchors.length === 0) return "unknown";
    const reaches = await Promise.all(
      anchors.map(({ host, port }) =>
        this.#book.timed("anchors", host, kindOf, () =>
          probeTcp(host, port, this.#settings.patience.beyondMs, this.#ports.time),
        ),
      ),
    );
    const alive = reaches.filter(({ kind }) => kind === "alive").length;
    return alive === anchors.length ? "all" : alive === 0 ? "none" : "some";
  }

  async #serviceReach(signal: AbortSignal): Promise<ServiceReach> {
    const stateOf = ({ state }: ServiceReach): string => state;
    // A look takes seconds: what it was sent to may be mended before it is over.
    const isElsewhere = this.#wasWell === false && (await isSentElsewhere(this.#addressesOf(null), this.#far));
    const reach = await this.#book.timed("service", this.#service.host, stateOf, async () => {
      for (let turn = 0; turn < refusedTurnsMax; turn += 1) {
        const found = await this.#tryService(signal, isElsewhere);
        if (found !== null) return found;
      }
      return { state: "other-way" as const, sent: null };
    });
    this.#wasWell = reach.state === "ok";
    return reach;
  }

  /** `null` where what refused it is gone before it is known whose that was. */
  async #tryService(signal: AbortSignal, isElsewhere: boolean): Promise<ServiceReach | null> {
    const failedSends = readFailedSends();
    const asked = await this.#askService(signal);
    const state = throughOwnProgram(asked.state);
    if (state !== asked.state && (await this.#isOwnMachine(asked.sent))) return { ...asked, state };
    if (asked.state !== "unreachable") return asked;
    const way = {
      addresses: this.#addressesOf(asked.sent),
      port: this.#service.port,
      isRefused: asked.sent?.isRefused ?? false,
      keptBack: readFailedSends() - failedSends,
      connections: connectionsOfLook,
    };
    const whose = isElsewhere ? "own" : await whoseWay(way, this.#far, this.#ports.time);
    if (whose === "over") return null;
    return whose === "own" ? { ...asked, state: "other-way" } : asked;
  }

  #isOwnMachine(sent: Sent | null): Promise<boolean> {
    const { beyondMs } = this.#settings.patience;
    return leadsToOwnMachine(this.#service.host, sent?.addresses ?? null, beyondMs, this.#ports.time);
  }

  /** Where the service was asked, or would be. */
  #addressesOf(sent: Sent | null): readonly string[] {
    if (isIP(this.#service.host) !== 0) return [this.#service.host];
    return sent?.addresses ?? (this.#names.address === null ? [] : [this.#names.address]);
  }

  /** Only asked while the service cannot be had by the way that registrations take. */
  async #otherChannel(): Promise<Layers["otherChannel"]> {
    const { secondInterface, patience } = this.#settings;
    const { secondWay } = this.#ports;
    const address = isIP(this.#service.host) === 0 ? this.#names.address : this.#service.host;
    if (secondInterface === null || !this.#service.isSecure) return "unknown";
    if (secondWay === null || address === null) return "untried";
    const { host, port } = this.#service;
    return await this.#book.timed("otherChannel", secondInterface, String, () =>
      secondWay(secondInterface, { address, host, port }, patience.beyondMs),
    );
  }

  async #askService(signal: AbortSignal): Promise<ServiceReach> {
    const { host, port, isSecure } = this.#service;
    const { time, nowMs, askHealth } = this.#ports;
    const { patience, pins } = this.#settings;
    const handshake = (): Promise<TlsReach> => probeTls(host, port, patience.beyondMs, time, nowMs, pins);
    const early = isSecure && this.#wasWell === false ? handshake() : null;
    const answer = await askHealth(signal);
    if (answer.kind === "answered") return { state: stateOfStatus(answer.status), sent: null };
    if (answer.kind === "not-asked") return { state: "refuses-us", sent: null };
    if (!isSecure) return { state: "unreachable", sent: null };
    const { kind, detail, sentTo } = await (early ?? handshake());
    const sent = { addresses: sentTo, isUnknown: detail === noSuchNameCode, isRefused: detail === refusedCode };
    return { state: kind === "trusted" || kind === "unreachable" ? "unreachable" : kind, sent };
  }
}

/**
 * - `no-name`: no name server of this box told its address.
 *
 * `sent` is known of a handshake only.
 */
type ServiceReach = { readonly state: Layers["service"] | "no-name"; readonly sent: SentAway | null };
type SentAway = Sent & { readonly isRefused: boolean };

/** The service is asked for its health, and in a handshake. */
const connectionsOfLook = 2;
/** Of a service that is refused and taken again all the time nobody knows by whom. */
const refusedTurnsMax = 3;

const kindOf = ({ kind }: { readonly kind: string }): string => kind;

/** Health is a SHOULD of the Belgif guide: that it is not there says nothing against the service. */
export function stateOfStatus(status: number): Layers["service"] {
  if (status >= 500) return "server-error";
  return status === 401 || status === 403 || status === 429 ? "refuses-us" : "ok";
}
