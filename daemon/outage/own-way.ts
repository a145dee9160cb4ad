import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { systemCode } from "../base/errors.ts";
import type { Time } from "../base/time.ts";
import { interfaceTowards } from "./host-network.ts";
import { probeTcp } from "./tcp-probe.ts";

/** How the connections of one look to a place ended that did not answer. */
export type FailedWay = {
  /** Where they were sent. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** Whether somebody refused them; else nobody said anything. */
  readonly isRefused: boolean;
  /** Packets that this box meanwhile dropped itself when it sent them again, of `readFailedSends`. */
  readonly keptBack: number;
  /** How many there were: each is tried again at least once while it is waited for. */
  readonly connections: number;
};

/** Nobody has to answer: what counts is whether it leaves (discard, RFC 863). */
const discardPort = 9;
export const refusedCode = "ECONNREFUSED";
/** A refusal takes as long as the way to whoever refuses. */
const refusalMs = 3_000;
/** Other programs of the box talk to each other: some time nothing is said while a refusal is waited for. */
const refusalsMax = 8;

/** `over`: whoever refused does so no more, and whose it was can no longer be told. */
export type Whose = "own" | "others" | "over";

/**
 * Whether a place cannot be had because of the site itself: a firewall of this box keeps back what is sent there, or it is
 * sent by another interface than what goes elsewhere, into a tunnel of the site's. Not seen are a firewall that lets go of
 * the questions and drops the answers, and one that refuses connections only.
 *
 * @param elsewhere addresses of others beyond the gateway
 */
export async function whoseWay(
  { addresses, port, isRefused, keptBack, connections }: FailedWay,
  elsewhere: readonly string[],
  time: Time,
): Promise<Whose> {
  if (!isRefused && keptBack >= connections) return "own";
  if (await isSentElsewhere(addresses, elsewhere)) return "own";
  if (!isRefused || addresses.length === 0) return "others";
  // A firewall that was there for the connection may be gone by now, and would have let go of the datagram for that.
  if (!(await Promise.all(addresses.map(isRefusedHere))).every(Boolean)) {
    return (await isRefusedStill(addresses, port, time)) ? "others" : "over";
  }
  // A firewall that refuses whatever is not needed refuses datagrams, and may let go of connections.
  for (const address of addresses) if (!(await isRefusedOutside(address, port, time))) return "own";
  return "others";
}

/** Whether what goes to a place now leaves by another interface than what goes elsewhere. */
export async function isSentElsewhere(addresses: readonly string[], elsewhere: readonly string[]): Promise<boolean> {
  const [ways, usual] = await Promise.all([interfacesTowards(addresses), interfacesTowards(elsewhere)]);
  return ways.length > 0 && usual.length > 0 && !ways.some((way) => usual.includes(way));
}

/** By which packets to these addresses leave; of IPv6 addresses nothing is told. */
export async function interfacesTowards(addresses: readonly string[]): Promise<readonly string[]> {
  const ways = await Promise.all(addresses.filter((address) => isIP(address) === 4).map(interfaceTowards));
  return ways.filter((way) => way !== null);
}

/**
 * How often, since this boot, a TCP packet that was sent again was dropped on its way out of this box: by its firewall as a
 * rule, or by a queue of its own that was full. Whose packet it was is not told.
 */
export function readFailedSends(): number {
  return failedSendsIn(tableOf("/proc/net/netstat"));
}

/**
 * The same, from the text of /proc/net/netstat: `TCPRetransFail` of `TcpExt`, since Linux 4.12; 0 where it is not counted.
 * What is sent for the first time and dropped is counted nowhere.
 */
export function failedSendsIn(table: string): number {
  const [names = [], values = []] = table
    .split("\n")
    .filter((line) => line.startsWith("TcpExt:"))
    .map((line) => line.split(" "));
  return Number(values[names.indexOf("TCPRetransFail")] ?? 0);
}

/** Empty where the kernel does not show it: no look may fail for want of a counter. */
function tableOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (systemCode(error) === null) throw error;
    return "";
  }
}

/** Whether a connection to one of them at least is refused, by whomever. */
async function isRefusedStill(addresses: readonly string[], port: number, time: Time): Promise<boolean> {
  const reaches = await Promise.all(addresses.map((address) => probeTcp(address, port, refusalMs, time)));
  return reaches.some(({ detail }) => detail === refusedCode);
}

/**
 * Whether somebody else refuses a connection: what this box refuses it tells itself over its loopback interface, whether by
 * an ICMP message or a reset. One that comes while nothing goes there is from outside.
 */
async function isRefusedOutside(address: string, port: number, time: Time): Promise<boolean> {
  for (let turn = 0; turn < refusalsMax; turn += 1) {
    const before = readLoopbackPackets();
    const { detail } = await probeTcp(address, port, refusalMs, time);
    if (detail !== refusedCode || before === null) return false;
    if (readLoopbackPackets() === before) return true;
  }
  return false;
}

/** How many packets this box has sent to itself since it started; `null` where that is not counted. */
function readLoopbackPackets(): number | null {
  const [, packets] = /^ *lo:\s*\d+\s+(\d+)/m.exec(tableOf("/proc/net/dev")) ?? [];
  return packets === undefined ? null : Number(packets);
}

/**
 * Whether it is this box that refuses what is sent there: the first datagram is not let go, and the second is told why. A
 * firewall that drops, and lets go of connections only, does not tell; what somebody far away says comes for one that went.
 * Never rejects.
 */
function isRefusedHere(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(isIP(address) === 6 ? "udp6" : "udp4");
    const codes: (string | null)[] = [];
    let isOver = false;
    const told = (error: Error | null): void => {
      codes.push(error === null ? null : systemCode(error));
      if (codes.length === 1 && codes[0] === notLetGoCode) {
        socket.send("badged", told);
        return;
      }
      // What is told after that is for nobody.
      if (isOver) return;
      isOver = true;
      socket.close();
      resolve(codes[0] === notLetGoCode && codes[1] === refusedCode);
    };
    socket.on("error", told);
    socket.connect(discardPort, address, () => socket.send("badged", told));
  });
}

const notLetGoCode = "EPERM";

/**
 * What is known of a service whose address is the employer's own, from what a program there shows of it: a proxy that does not
 * run, whose certificate ran out, or that answers for a service which it cannot reach, fails just like the service itself.
 */
export function throughOwnProgram<State>(state: State): State | "other-way" {
  const isAnybodys = state === "unreachable" || state === "server-error" || state === "bad-certificate";
  return isAnybodys ? "other-way" : state;
}
