import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { counted } from "../base/counted.ts";
import { systemCode } from "../base/errors.ts";
import { isLoopback } from "../base/loopback.ts";
import { utcText } from "../base/system-time.ts";
import type { Time, WallMs } from "../base/time.ts";
import { probeTcp } from "../outage/tcp-probe.ts";
import { type CertificateLook, lookAtCertificate } from "./certificate-look.ts";
import { failed, notTried, ok, type Step, type StepName } from "./service-steps.ts";

/** Somebody waits for the answers; what has not come by then will not come. */
export const stepMaxMs: number = 5_000;

/** Certificates are renewed about a month before their end; one that is nearer to it is worth a word. */
export const certificateWarnDays: number = 14;

export type WayPorts = {
  readonly time: Time;
  /** What a certificate's dates are held against; `null` while nothing proves the time. */
  readonly nowMs: () => WallMs | null;
  /** The addresses of a name, as calls resolve it. */
  readonly resolve: (host: string) => Promise<readonly string[]>;
};

/** As a call's connection resolves a name: hosts file, and the name servers of the box. */
export async function resolveName(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** The three steps to a server that can be spoken to. `isOpen` when all went well. */
export type Way = { readonly steps: readonly Step[]; readonly isOpen: boolean };

/**
 * Name, connection and certificate of one address.
 *
 * @param names what the three steps are called
 * @param key where the configuration has the address, for the advice
 */
export async function tryWay(
  url: string,
  pins: readonly string[],
  names: readonly [StepName, StepName, StepName],
  key: string,
  ports: WayPorts,
): Promise<Way> {
  const { hostname, port: written, protocol } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  const port = Number(written) || (protocol === "https:" ? 443 : 80);
  const [nameStep, connectionStep, certificateStep] = names;
  const name = await tryName(nameStep, host, key, ports);
  if (name.state !== "ok") {
    const why = "the name has no address";
    return { steps: [name, notTried(connectionStep, why), notTried(certificateStep, why)], isOpen: false };
  }
  const connection = await tryConnection(connectionStep, host, port, ports);
  if (connection.state !== "ok") {
    return { steps: [name, connection, notTried(certificateStep, "there is no connection")], isOpen: false };
  }
  const certificate =
    protocol === "https:"
      ? certificateStepOf(
          certificateStep,
          await lookAtCertificate(host, port, stepMaxMs, ports.time),
          pins,
          ports.nowMs(),
          ports.time.wallMs(),
        )
      : ok(certificateStep, "none: http, which is for a simulator on this box only");
  return { steps: [name, connection, certificate], isOpen: certificate.state === "ok" };
}

async function tryName(step: StepName, host: string, key: string, { resolve }: WayPorts): Promise<Step> {
  if (isIP(host) !== 0) return ok(step, `${host}, an address in numbers`);
  try {
    const addresses = await resolve(host);
    return ok(step, `${host} is ${addresses.slice(0, 4).join(", ")}`);
  } catch (error) {
    const code = systemCode(error) ?? "UNKNOWN";
    const advice =
      code === "ENOTFOUND"
        ? `compare ${key} with what the RSZ gives, letter by letter; if it is right, no name server of this box answers: see resolvectl status`
        : "no name server of this box answers: see resolvectl status, and whether the network cable and the router work";
    return failed(step, `${host} has no address (${code})`, advice);
  }
}

async function tryConnection(step: StepName, host: string, port: number, { time }: WayPorts): Promise<Step> {
  const reach = await probeTcp(host, port, stepMaxMs, time);
  if (reach.kind === "alive" && reach.detail === "connected") {
    return ok(step, `port ${port} answers in ${Math.round(reach.tookMs)} ms`);
  }
  if (reach.kind === "alive") {
    const advice = isLoopback(host)
      ? "nothing runs there on this box: start what service.url names, such as badged simulate service"
      : "a firewall in between refuses it, or nothing runs there: let the network's keeper allow it";
    return failed(step, `port ${port} refuses the connection (${reach.detail})`, advice);
  }
  const advice =
    reach.kind === "no-route"
      ? "this box has no way out: look at its cable, its address (ip address) and its default route (ip route)"
      : `the way is cut, or a firewall drops it: try another address from this box, and have TCP port ${port} allowed`;
  return failed(step, `port ${port} cannot be reached (${reach.detail})`, advice);
}

/**
 * @param nowMs what a fault in the dates is held against; `null` while nothing proves the time
 * @param boxMs the box's own clock, good enough to count the days that are left
 */
export function certificateStepOf(
  step: StepName,
  look: CertificateLook,
  pins: readonly string[],
  nowMs: WallMs | null,
  boxMs: WallMs,
): Step {
  if (look.kind === "none") {
    const advice =
      "it speaks no TLS there: compare the address, and ask the network's keeper whether something in between intercepts it";
    return failed(step, `no certificate came (${look.detail})`, advice);
  }
  const { issuer, validUntil } = look;
  if (look.fault !== null) return faultStep(step, look.fault, look, nowMs, boxMs);
  if (pins.length > 0 && !look.pins.some((pin) => pins.includes(pin))) {
    const advice =
      "nothing is sent until service.pin has one of these; before you add one, ask the RSZ whether its certificates changed, for this is also what an interception looks like";
    return failed(step, `trusted, but none of its keys is in service.pin: ${look.pins.join(" ")}`, advice);
  }
  const daysLeft = validUntil === null ? null : Math.floor((validUntil - (nowMs ?? boxMs)) / 86_400_000);
  const left = daysLeft === null ? "" : `, ${counted(daysLeft, "day")} left`;
  const pinned = pins.length === 0 ? `; keys ${look.pins.join(" ")}` : ", pinned";
  const isNear = daysLeft !== null && daysLeft < certificateWarnDays;
  return ok(step, `of ${issuer}${left}${pinned}`, isNear ? "its owner has to renew it soon; nothing to do here" : "");
}

const datesFaults = ["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"];

type Shown = Extract<CertificateLook, { kind: "shown" }>;

function faultStep(step: StepName, fault: string, look: Shown, nowMs: WallMs | null, boxMs: WallMs): Step {
  const found = `the certificate of ${look.issuer} is not taken (${fault})`;
  if (fault === "ERR_TLS_CERT_ALTNAME_INVALID") {
    const advice =
      "it is for another name: compare the address; if it is right, something in between answers in its place (a login page, a filter)";
    return failed(step, found, advice);
  }
  if (datesFaults.includes(fault)) return failed(step, found, datesAdvice(look, nowMs, boxMs));
  const advice =
    "something in between may open the connection (a proxy, a filter): badged has to talk to the service directly; or this box's authorities are old: apt install --reinstall ca-certificates";
  return failed(step, found, advice);
}

/** The dates were held against the box's own clock, which is to blame only where the proven time contradicts it. */
function datesAdvice({ validFrom, validUntil }: Shown, nowMs: WallMs | null, boxMs: WallMs): string {
  const from = validFrom === null ? "?" : utcText(validFrom);
  const until = validUntil === null ? "?" : utcText(validUntil);
  const dates = `it is valid from ${from} to ${until}`;
  const isWithin = (at: WallMs): boolean => at >= (validFrom ?? at) && at <= (validUntil ?? at);
  if (isWithin(boxMs)) {
    return `${dates}, but one of those that vouch for it is not: an old one of this box (apt install --reinstall ca-certificates), or its owner's mistake; scans are kept, tell the RSZ`;
  }
  if (nowMs === null) {
    return `${dates}, and this box's clock says ${utcText(boxMs)}: where that is right, it is its owner's mistake; scans are kept, tell the RSZ; where it is wrong, let chrony set it (systemd/README.md)`;
  }
  return isWithin(nowMs)
    ? `${dates}: this box's own clock is wrong; let chrony set it (systemd/README.md)`
    : `${dates}: its owner's mistake; scans are kept, tell the RSZ`;
}
