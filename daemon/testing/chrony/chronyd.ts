import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import type { Time } from "../../base/time.ts";

export const chronydPath: string = "/usr/sbin/chronyd";

/** A server that a killed test run leaves behind ends by itself. */
const lifetimeSeconds = 180;
const endWithinMs = 2000;

export function chronydInstalled(): boolean {
  try {
    accessSync(chronydPath, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Where a server gets its time. `system`: this machine's clock, as stratum 1. `upstream`: another server, read with
 * `offsetSeconds` added, which makes a real false ticker. `nowhere`: it never synchronises.
 */
export type ChronydTime =
  | { readonly kind: "system" }
  | { readonly kind: "upstream"; readonly address: string; readonly offsetSeconds: number }
  | { readonly kind: "nowhere" };

/** Real NTP servers on addresses of their own, all at one port. None of them touches the system clock (`-x`). */
export class ChronydFarm implements AsyncDisposable {
  readonly port: number;
  readonly #time: Time;
  readonly #directory = mkdtempSync(join(tmpdir(), "chronyd-"));
  readonly #servers = new Map<string, ChildProcess>();

  private constructor(time: Time, port: number) {
    this.#time = time;
    this.port = port;
  }

  static async open(time: Time): Promise<ChronydFarm> {
    return new ChronydFarm(time, await freeUdpPort());
  }

  /** Starts a server; the answer is its address. It answers a moment later: ask it until it does. */
  start(from: ChronydTime): string {
    const address = this.#nextAddress();
    const file = join(this.#directory, `${address}.conf`);
    writeFileSync(file, this.#configuration(address, from));
    const parameters = ["-x", "-U", "-u", userInfo().username, "-d", "-t", String(lifetimeSeconds), "-f", file];
    this.#servers.set(address, spawn(chronydPath, parameters, { stdio: "ignore" }));
    return address;
  }

  /** It keeps its port and answers no more, as a server does that hangs. */
  stop(address: string): void {
    this.#servers.get(address)?.kill("SIGSTOP");
  }

  /**
   * What `chronyd -Q` says of a server: how far it is from the system clock, in ms, positive when it is ahead; `null`
   * when it says nothing.
   */
  async measure(address: string): Promise<number | null> {
    const file = join(this.#directory, "measure.conf");
    writeFileSync(
      file,
      `server ${address} port ${this.port} iburst maxsamples 4\ncmdport 0\nbindcmdaddress /\npidfile ${file}.pid\n`,
    );
    const parameters = ["-Q", "-x", "-U", "-u", userInfo().username, "-t", "10", "-f", file];
    const process = spawn(chronydPath, parameters, { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    for (const stream of [process.stdout, process.stderr])
      stream.on("data", (text: Buffer) => (said += text.toString()));
    await once(process, "close");
    const seconds = /System clock wrong by (-?[\d.]+) seconds/.exec(said)?.[1];
    return seconds === undefined ? null : Number(seconds) * 1000;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#servers.values()].map((each) => this.#end(each)));
    rmSync(this.#directory, { recursive: true });
  }

  async #end(server: ChildProcess): Promise<void> {
    if (server.exitCode !== null || server.signalCode !== null || server.pid === undefined) return;
    const ended = once(server, "exit");
    using _deadline = this.#time.after(endWithinMs, () => server.kill("SIGKILL"));
    server.kill("SIGTERM");
    server.kill("SIGCONT");
    await ended;
  }

  /** 127.0.0.0/8 is all loopback: one block of addresses per process keeps test files apart. */
  #nextAddress(): string {
    const block = `${64 + ((process.pid >> 8) & 127)}.${process.pid & 255}`;
    return `127.${block}.${this.#servers.size + 1}`;
  }

  #configuration(address: string, from: ChronydTime): string {
    const source =
      from.kind === "system"
        ? ["local stratum 1"]
        : from.kind === "upstream"
          ? [`server ${from.address} port ${this.port} minpoll -4 maxpoll -4 offset ${from.offsetSeconds.toFixed(6)}`]
          : [];
    return [
      ...source,
      `port ${this.port}`,
      `bindaddress ${address}`,
      `bindacqaddress ${address}`,
      "allow 127.0.0.0/8",
      "cmdport 0",
      "bindcmdaddress /",
      `pidfile ${join(this.#directory, `${address}.pid`)}`,
      "",
    ].join("\n");
  }
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}
