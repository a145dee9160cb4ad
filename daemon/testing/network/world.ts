import { type ChildProcess, fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Time } from "../../base/time.ts";
import type { Cause, Exemption } from "../../outage/cause.ts";
import type { Layers } from "../../outage/layers.ts";
import { defaultPatience, type Patience } from "../../outage/network-probes.ts";
import { type Cadence, defaultCadence } from "../../outage/watch-cadence.ts";
import type { WindowChange } from "../../outage/windows.ts";
import { systemOffset } from "../chrony/system-offset.ts";
import { fakedTime } from "../faked-time.ts";

/** Where everything is, inside the namespaces and nowhere else. */
export const addresses = {
  box: "10.77.1.2",
  router: "10.77.1.1",
  firstHop: "198.51.100.2",
  anchors: ["198.51.100.11", "198.51.100.12", "198.51.100.13"],
  anchorPort: 443,
  resolver: "198.51.100.53",
  /** A name server of the site: it tells what the other one does not. */
  liar: "198.51.100.54",
  service: "198.51.100.80",
  nobody: "198.51.100.99",
} as const;
export const serviceName = "service.test";
export const tokenHost = "token.test";
export const tokenUrl: string = `https://${tokenHost}:8443/token`;

/**
 * - `merging`: quick, with windows that failing again soon belongs to.
 * - `patient`: quick, but every look waits as long as a daemon's.
 */
export type PaceName = "quick" | "merging" | "patient" | "default";

export type Pace = { readonly cadence: Cadence; readonly patience: Patience };

/** As a daemon's, or some times as fast; each fault is a window of its own. */
export const paces: Readonly<Record<PaceName, Pace>> = {
  quick: {
    cadence: { lookMs: 500, suspectMs: 400, beyondMs: 1_500, heartbeatMs: 3_600_000, mergeMs: 0 },
    patience: { gatewayMs: 300, beyondMs: 600 },
  },
  merging: {
    cadence: { lookMs: 500, suspectMs: 400, beyondMs: 1_500, heartbeatMs: 3_600_000, mergeMs: 60_000 },
    patience: { gatewayMs: 300, beyondMs: 600 },
  },
  patient: {
    cadence: { lookMs: 500, suspectMs: 400, beyondMs: 1_500, heartbeatMs: 3_600_000, mergeMs: 0 },
    patience: defaultPatience,
  },
  default: { cadence: { ...defaultCadence, mergeMs: 0 }, patience: defaultPatience },
};

type Place = "box" | "router" | "internet";

export type ServiceFault = "none" | "refuses" | "silent" | "5xx" | "401" | "expired";
/** What the site's name server tells of every name, or of one: that there is no such one, or where nobody is. */
export type Lie = "no such name" | "elsewhere" | "0.0.0.0" | "token elsewhere";
/** How the token endpoint answers. */
export type TokenAnswer = "token" | "503" | "invalid_client";
export type WorldOrder =
  | { readonly kind: "token"; readonly answer: TokenAnswer }
  /** Who holds a connection needs no name server: those to the token endpoint are closed, those to the service may be kept. */
  | { readonly kind: "dns"; readonly answers: boolean; readonly connections: "closed" | "kept" }
  | { readonly kind: "lie"; readonly lie: Lie }
  | { readonly kind: "service"; readonly fault: ServiceFault };

export type BoxReport =
  | { readonly kind: "watching" }
  | {
      readonly kind: WindowChange["kind"];
      readonly causes: readonly (readonly [Cause, Exemption])[];
      readonly lastGoodMs: number | null;
      readonly firstBadMs: number;
      readonly lastBadMs: number | null;
      readonly firstGoodMs: number | null;
      readonly flaps: number;
      readonly layers: Layers;
    };
export type WindowReport = Exclude<BoxReport, { readonly kind: "watching" }>;

/** Why this machine cannot make networks for a test; `null` when it can. */
export function networkObstacle(): string | null {
  if (process.getuid?.() !== 0) return "needs root";
  const name = `badged-try-${process.pid}`;
  const made = spawnSync("ip", ["netns", "add", name]);
  if (made.status !== 0) return "needs ip netns";
  spawnSync("ip", ["netns", "delete", name]);
  return null;
}

/** A box, its router, and an internet behind it, in three network namespaces with cables between them. */
export class World implements AsyncDisposable {
  readonly #time: Time;
  readonly #folder = mkdtempSync(join(tmpdir(), "badged-world-"));
  readonly #name: string;
  readonly #children: ChildProcess[] = [];
  #internet: ChildProcess | null = null;

  private constructor(time: Time, name: string) {
    this.#time = time;
    this.#name = name;
  }

  static async open(time: Time, name: string): Promise<World> {
    const world = new World(time, `${name}-${process.pid}`);
    try {
      await world.#build();
      return world;
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** `ip` in one of the namespaces. */
  ip(where: Place, ...words: readonly string[]): void {
    run("ip", "-n", this.#space(where), ...words);
  }

  /**
   * Brings a cable's end up and waits until both ends carry: the kernel lets a link that came up pass packets only when its
   * link watch has run, up to a second later (operational state, RFC 2863).
   */
  async plug(where: Place, name: string, other: Place, otherName: string): Promise<void> {
    this.ip(where, "link", "set", name, "up");
    while (!this.#isOperational(where, name) || !this.#isOperational(other, otherName)) await this.#time.sleep(10);
  }

  /**
   * Waits until the box has the router's hardware address: a question that was lost while the cable came up is asked again
   * a second later only (retrans_time of arp(7)), and until then nothing works.
   */
  async resolved(): Promise<void> {
    while (!run("ip", "-n", this.#space("box"), "neigh", "show", addresses.router).includes("lladdr")) {
      await this.#time.sleep(10);
    }
  }

  #isOperational(where: Place, name: string): boolean {
    return /\bstate UP\b/.test(run("ip", "-n", this.#space(where), "link", "show", name));
  }

  /** A command in one of the namespaces. */
  run(where: Place, command: string, ...words: readonly string[]): void {
    run("ip", "netns", "exec", this.#space(where), command, ...words);
  }

  /** Another name server for the box, from the next question on. */
  useResolver(address: string): void {
    // In its place: the box has the file itself mounted over its own.
    writeFileSync(join(this.#folder, "resolv.conf"), resolverFile(address));
  }

  /** Resolves when it is in force. */
  async order(order: WorldOrder): Promise<void> {
    const done = this.#internet === null ? null : once(this.#internet, "message");
    this.#internet?.send(order);
    await done;
  }

  /** Starts the watch. Resolves when it has looked. */
  async watch(
    {
      pace = "quick",
      hasSecondWay = false,
      firstHop = addresses.firstHop,
      environment = {},
    }: {
      readonly pace?: PaceName;
      readonly hasSecondWay?: boolean;
      /** `null` as on most sites, where nobody told it. */
      readonly firstHop?: string | null;
      /** May give it another system clock. */
      readonly environment?: Readonly<Record<string, string>>;
    },
    onReport: (report: WindowReport) => void,
  ): Promise<void> {
    const { thetaNs } = systemOffset(this.#time);
    if (hasSecondWay) this.ip("box", "route", "add", "default", "via", "10.77.3.1", "dev", "modem", "metric", "900");
    const words = [String(thetaNs), pace, hasSecondWay ? "yes" : "no", this.#keyFile, firstHop ?? ""];
    const child = this.#start("box", "box-process.ts", words, environment);
    child.on("message", (report: BoxReport) => {
      if (report.kind !== "watching") onReport(report);
    });
    await once(child, "message");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    for (const where of ["box", "router", "internet"]) spawnSync("ip", ["netns", "delete", this.#space(where)]);
    rmSync(this.#folder, { recursive: true });
  }

  async #build(): Promise<void> {
    for (const where of ["box", "router", "internet"]) run("ip", "netns", "add", this.#space(where));
    this.#cable("box", "lan", "router", "lan");
    this.#cable("router", "wan", "internet", "wan");
    this.#cable("box", "modem", "internet", "cell");
    this.#up("box", "lan", `${addresses.box}/24`);
    this.#up("router", "lan", `${addresses.router}/24`);
    this.#up("router", "wan", "198.51.100.1/24");
    const public_ = [addresses.firstHop, ...addresses.anchors, addresses.resolver, addresses.liar, addresses.service];
    for (const each of public_) this.#up("internet", "wan", `${each}/24`);
    run("ip", "netns", "exec", this.#space("router"), "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward");
    this.ip("box", "route", "add", "default", "via", addresses.router);
    this.ip("internet", "route", "add", "default", "via", "198.51.100.1");
    this.#up("box", "modem", "10.77.3.2/24");
    this.#up("internet", "cell", "10.77.3.1/24");
    this.useResolver(addresses.resolver);
    run("openssl", "genrsa", "-out", this.#keyFile, "2048");
    this.#certificate("good.pem", {});
    this.#certificate("expired.pem", fakedTime("@2020-01-01 00:00:00"));
    const pems = ["good.pem", "expired.pem"].map((each) => join(this.#folder, each));
    this.#internet = this.#start("internet", "world-process.ts", pems, {});
    await once(this.#internet, "message");
    await once(this.#start("router", "router-process.ts", [], {}), "message");
  }

  get #keyFile(): string {
    return join(this.#folder, "client-key");
  }

  #space(where: string): string {
    return `${this.#name}-${where}`;
  }

  #cable(one: string, oneName: string, other: string, otherName: string): void {
    run(
      "ip",
      "link",
      "add",
      oneName,
      "netns",
      this.#space(one),
      "type",
      "veth",
      "peer",
      otherName,
      "netns",
      this.#space(other),
    );
  }

  #up(where: Place, name: string, address: string): void {
    this.ip(where, "addr", "add", address, "dev", name);
    this.ip(where, "link", "set", "lo", "up");
    this.ip(where, "link", "set", name, "up");
  }

  /** A certificate of its own making, which the box trusts by `NODE_EXTRA_CA_CERTS`. */
  #certificate(file: string, clock: Readonly<Record<string, string>>): void {
    const path = join(this.#folder, file);
    const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"];
    const subject = ["-subj", `/CN=${serviceName}`, "-addext", `subjectAltName=DNS:${serviceName},DNS:${tokenHost}`];
    const settings = Object.entries(clock).map(([name, value]) => `${name}=${value}`);
    run("env", ...settings, "openssl", "req", "-x509", ...kind, ...subject, "-keyout", path, "-out", `${path}.crt`);
    run("sh", "-c", `cat "${path}.crt" >> "${path}"`);
  }

  #start(
    where: string,
    program: string,
    parameters: readonly string[],
    environment: Readonly<Record<string, string>>,
  ): ChildProcess {
    const file = fileURLToPath(new URL(program, import.meta.url));
    const trusted = join(this.#folder, "trusted.crt");
    run(
      "sh",
      "-c",
      `cat "${this.#folder}"/*.crt > "${this.#folder}/trusted"; mv "${this.#folder}/trusted" "${trusted}"`,
    );
    const script = `mount --bind "$0" /etc/resolv.conf && exec "$@"`;
    const launcher = join(this.#folder, `${where}.sh`);
    writeFileSync(
      launcher,
      `#!/bin/sh\nexec ip netns exec ${this.#space(where)} sh -c '${script}' ${join(this.#folder, "resolv.conf")} env ${Object.entries(
        environment,
      )
        .map(([name, value]) => `${name}='${value}'`)
        .join(" ")} ${process.execPath} "$@"\n`,
      { mode: 0o755 },
    );
    const child = fork(file, [...parameters], {
      execPath: launcher,
      execArgv: [],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      env: { ...process.env, NODE_EXTRA_CA_CERTS: trusted, NODE_OPTIONS: "" },
    });
    this.#children.push(child);
    return child;
  }
}

function resolverFile(address: string): string {
  return `nameserver ${address}\noptions timeout:1 attempts:1\n`;
}

function run(command: string, ...words: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, words, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${words.join(" ")}: ${stderr}`);
  return stdout;
}
