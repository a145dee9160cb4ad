import { setImmediate as turn } from "node:timers/promises";
import { unreachable } from "../../base/assert.ts";
import { type MonotonicNs, monotonicNs, type Time, type WallMs, wallMs } from "../../base/time.ts";
import { encodePacket, foldTimestamp, serverMode } from "../../clock/ntp-packet.ts";
import type { NtpAddress, NtpReply, NtpTransport } from "../../clock/ntp-transport.ts";
import { floorMs, nsPerMs, nsPerSecond, type UtcNs, utcNs, utcNsOfWall } from "../../clock/utc.ts";

type Timer = { dueNs: bigint; readonly periodNs: bigint | null; readonly run: () => void };

/** How a simulated server answers. */
export type SimulatedServer =
  | { readonly kind: "off-by"; readonly offMs: number; readonly leap: number }
  /** It tells the truth over a line that takes its time, there and back. */
  | { readonly kind: "far"; readonly outMs: number; readonly backMs: number }
  | { readonly kind: "kiss"; readonly code: string }
  | { readonly kind: "silent" };

export const trueServer: SimulatedServer = { kind: "off-by", offMs: 0, leap: 0 };

/** Each way. */
const wayNs = 10n * nsPerMs;

/**
 * A box and the world around it, with the truth at hand: a crystal that runs wrong, a system clock that can be set,
 * suspends, leap seconds and servers that lie. Time passes only in `pass`.
 */
export class SimulatedBox implements Time, NtpTransport {
  /** How much faster than the truth CLOCK_MONOTONIC runs. */
  crystalPpm: number = 0;
  /** The system clock − UTC. */
  wallOffMs: number = 0;
  readonly servers: Map<string, SimulatedServer> = new Map<string, SimulatedServer>();
  readonly asked: string[] = [];
  readonly #timers = new Set<Timer>();
  #utc: bigint;
  #mono: bigint = 5n * nsPerSecond;
  #suspendedNs: bigint = 0n;

  constructor(startMs: WallMs) {
    this.#utc = utcNsOfWall(startMs);
  }

  utc(): UtcNs {
    return utcNs(this.#utc);
  }

  monotonicNs(): MonotonicNs {
    return monotonicNs(this.#mono);
  }

  wallMs(): WallMs {
    return wallMs(floorMs(this.utc()) + this.wallOffMs);
  }

  uptimeMs(): number {
    return Number((this.#mono + this.#suspendedNs) / (10n * nsPerMs)) * 10;
  }

  after(delayMs: number, run: () => void): Disposable {
    return this.#schedule(delayMs, null, run);
  }

  every(periodMs: number, run: () => void): Disposable {
    return this.#schedule(periodMs, BigInt(periodMs) * nsPerMs, run);
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true) resolve();
      this.after(delayMs, resolve);
      signal?.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  async exchange(address: NtpAddress): Promise<NtpReply> {
    this.asked.push(address.host);
    const server = this.servers.get(address.host) ?? trueServer;
    const proper = {
      leap: 0,
      version: 4,
      mode: serverMode,
      stratum: 1,
      poll: 6,
      precision: -20,
      rootDelay: 0,
      rootDispersion: 0,
      referenceId: 0,
      referenceTimestamp: 0n,
      originTimestamp: 1n,
    };
    const replied = (off: bigint, change: object, outNs = wayNs, backNs = wayNs): NtpReply => {
      const at = foldTimestamp(utcNs(this.#utc - backNs + off));
      const datagram = encodePacket({ ...proper, receiveTimestamp: at, transmitTimestamp: at, ...change });
      const receivedNs = this.monotonicNs();
      return {
        kind: "replied",
        address: address.host,
        exchange: { sentNs: monotonicNs(receivedNs - outNs - backNs), receivedNs, nonce: 1n, datagram },
      };
    };
    switch (server.kind) {
      case "off-by":
        return replied(BigInt(Math.round(server.offMs * 1e6)), { leap: server.leap });
      case "far":
        return replied(0n, {}, BigInt(server.outMs) * nsPerMs, BigInt(server.backMs) * nsPerMs);
      case "kiss":
        return replied(0n, { stratum: 0, leap: 3, referenceId: Buffer.from(server.code).readUInt32BE() });
      case "silent":
        return { kind: "silent", waitedMs: 2000 };
      default:
        return unreachable(server);
    }
  }

  /** Lets true time pass, timers run when they are due, and everything that waits for them. */
  async pass(seconds: number): Promise<void> {
    const untilNs = this.#mono + this.#monoOf(BigInt(Math.round(seconds * 1e9)));
    await turn();
    for (;;) {
      const next = [...this.#timers]
        .filter(({ dueNs }) => dueNs <= untilNs)
        .sort((a, b) => Number(a.dueNs - b.dueNs))[0];
      if (next === undefined) break;
      this.#moveTo(next.dueNs);
      if (next.periodNs === null) this.#timers.delete(next);
      else next.dueNs += next.periodNs;
      next.run();
      await turn();
    }
    this.#moveTo(untilNs);
  }

  /** The process gets no processor: time passes, and nothing runs. */
  stall(seconds: number): void {
    this.#moveTo(this.#mono + this.#monoOf(BigInt(Math.round(seconds * 1e9))));
  }

  /** The box sleeps: monotonic time stands still, the rest of the world does not. */
  suspend(seconds: number): void {
    const ns = BigInt(Math.round(seconds * 1e9));
    this.#utc += ns;
    this.#suspendedNs += ns;
  }

  /** A hypervisor stops the whole box: none of its clocks counts that. */
  freeze(seconds: number): void {
    this.#utc += BigInt(Math.round(seconds * 1e9));
    this.wallOffMs -= seconds * 1000;
  }

  /** 23:59:60 has just passed: POSIX time repeats a second. */
  insertLeapSecond(): void {
    this.#utc -= nsPerSecond;
  }

  #schedule(delayMs: number, periodNs: bigint | null, run: () => void): Disposable {
    const timer = { dueNs: this.#mono + BigInt(Math.round(delayMs * 1e6)), periodNs, run };
    this.#timers.add(timer);
    return { [Symbol.dispose]: () => void this.#timers.delete(timer) };
  }

  #monoOf(trueNs: bigint): bigint {
    return trueNs + (trueNs * BigInt(this.crystalPpm)) / 1_000_000n;
  }

  #moveTo(monoNs: bigint): void {
    if (monoNs <= this.#mono) return;
    this.#utc += ((monoNs - this.#mono) * 1_000_000n) / BigInt(1_000_000 + this.crystalPpm);
    this.#mono = monoNs;
  }
}
