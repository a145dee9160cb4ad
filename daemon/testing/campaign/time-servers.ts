import { between, type Random } from "../../base/random.ts";
import type { Time } from "../../base/time.ts";
import { MisbehavingNtpServer } from "../chrony/misbehaving-ntp-server.ts";

/** Four servers on addresses of their own: three that serve this machine's time, and one that lies by two hours. */
const hosts = ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"] as const;
const lieSeconds = 7200n;
const answeringMs = { from: 500, to: 4_000 } as const;
const silentMs = { from: 300, to: 2_500 } as const;

export class TimeServers implements AsyncDisposable {
  readonly #servers: readonly MisbehavingNtpServer[];

  private constructor(servers: readonly MisbehavingNtpServer[]) {
    this.#servers = servers;
    this.answer();
  }

  static async open(time: Time): Promise<TimeServers> {
    return new TimeServers(await Promise.all(hosts.map((host) => MisbehavingNtpServer.listen(time, host))));
  }

  get addresses(): readonly { readonly host: string; readonly port: number }[] {
    return this.#servers.map(({ port }, index) => ({ host: hosts[index] ?? "", port }));
  }

  /** As the configuration names them. */
  get yaml(): string {
    const each = this.addresses.map(({ host, port }) => `{ host: ${host}, port: ${port}, operator: of ${host} }`);
    return `[${each.join(", ")}]`;
  }

  answer(): void {
    for (const [index, server] of this.#servers.entries()) {
      const lies = index === this.#servers.length - 1;
      server.behaviour = lies ? { kind: "shifted", shiftSeconds: lieSeconds } : { kind: "none" };
    }
  }

  /** Silence now and then, long enough for whole lives of a daemon. */
  async trouble(random: Random, time: Time, ended: AbortSignal): Promise<void> {
    while (!ended.aborted) {
      await time.sleep(between(random, answeringMs.from, answeringMs.to), ended);
      for (const server of this.#servers) server.behaviour = { kind: "deaf" };
      await time.sleep(between(random, silentMs.from, silentMs.to), ended);
      this.answer();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#servers.map((server) => server[Symbol.asyncDispose]()));
  }
}
