import { randomBytes } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { isIPv4 } from "node:net";
import { systemCode } from "../base/errors.ts";
import type { MonotonicNs, Time } from "../base/time.ts";
import { answersRequest, type RawExchange } from "./ntp-exchange.ts";
import { encodeRequest, type NtpTimestamp } from "./ntp-packet.ts";
import type { NtpAddress, NtpReply, NtpTransport } from "./ntp-transport.ts";
import type { BothClocks, SocketStamps } from "./socket-stamps.ts";

/** Longer than any useful round trip: one of 2 s already exceeds the root distance that is accepted. */
export const replyTimeoutMs: number = 2000;

export function randomTimestamp(): NtpTimestamp {
  return randomBytes(8).readBigUInt64BE();
}

/** The addresses of a name, those of IPv4 first; rejects when there is none. */
export type AddressesOf = (host: string) => Promise<readonly ServerAddress[]>;

export type ServerAddress = { readonly address: string; readonly family: number };

const resolved: AddressesOf = (host) => lookup(host, { all: true, order: "ipv4first" });

/**
 * One request, one answer, over a fresh connected UDP socket: the kernel then drops what comes from anyone else, and
 * the port is another one each time. An answer to another request is passed over, so that a forged one that arrives
 * first does not keep the true one out.
 */
export class NtpClient implements NtpTransport {
  readonly #time: Time;
  readonly #nonce: () => NtpTimestamp;
  readonly #timeoutMs: number;
  readonly #stamps: SocketStamps | null;
  readonly #addressesOf: AddressesOf;
  /**
   * Names that are being looked for. Node has two threads for that: one lookup more with each request, while nobody answers
   * for names, and whatever else the daemon asks a name for would wait behind all of them.
   */
  readonly #looking = new Map<string, Promise<readonly ServerAddress[]>>();

  /** @param options `stamps` say when the kernel took an answer; without them the moment is that in which Node hears it */
  constructor(
    time: Time,
    options: {
      readonly nonce?: () => NtpTimestamp;
      readonly timeoutMs?: number;
      readonly stamps?: SocketStamps | null;
      readonly addressesOf?: AddressesOf;
    } = {},
  ) {
    this.#time = time;
    this.#nonce = options.nonce ?? randomTimestamp;
    this.#timeoutMs = options.timeoutMs ?? replyTimeoutMs;
    this.#stamps = options.stamps ?? null;
    this.#addressesOf = options.addressesOf ?? resolved;
  }

  async exchange(address: NtpAddress, signal: AbortSignal): Promise<NtpReply> {
    // Of its own, so that it goes with the exchange: Node keeps a signal of `AbortSignal.any` as long as anyone listens to it.
    const over = new AbortController();
    const end = (): void => over.abort();
    using _timer = this.#time.after(this.#timeoutMs, end);
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
    try {
      const found = await Promise.race([aborted(over.signal), this.#addresses(address.host)]);
      // Also when it ended after the name was found: nobody would hear of it any more.
      if (found === "aborted" || over.signal.aborted) return this.#silence();
      return await this.#askOneOf(found, address.port, over.signal);
    } catch (error) {
      return { kind: "failed", code: systemCode(error) ?? "UNKNOWN" };
    } finally {
      signal.removeEventListener("abort", end);
    }
  }

  /** A lookup that was left behind is the next one's too. */
  #addresses(host: string): Promise<readonly ServerAddress[]> {
    const underWay = this.#looking.get(host);
    if (underWay !== undefined) return underWay;
    const lookup = this.#addressesOf(host).finally(() => this.#looking.delete(host));
    this.#looking.set(host, lookup);
    return lookup;
  }

  /** One of each family: a site without IPv4, or without IPv6, fails to reach one of them at once. */
  async #askOneOf(found: readonly ServerAddress[], port: number, over: AbortSignal): Promise<NtpReply> {
    const codes: string[] = [];
    for (const family of [4, 6] as const) {
      const server = found.find((each) => each.family === family);
      if (server === undefined) continue;
      const reply = await this.#askIn(family, server.address, port, over);
      if (reply.kind !== "failed" || over.aborted) return reply;
      codes.push(reply.code);
    }
    return { kind: "failed", code: codes.find((code) => !noWayCodes.has(code)) ?? codes[0] ?? "ENOTFOUND" };
  }

  async #askIn(family: 4 | 6, host: string, port: number, over: AbortSignal): Promise<NtpReply> {
    try {
      return await this.#askAt(this.#open(family), host, port, over);
    } catch (error) {
      return { kind: "failed", code: systemCode(error) ?? "UNKNOWN" };
    }
  }

  #silence(): NtpReply {
    return { kind: "silent", waitedMs: this.#timeoutMs };
  }

  #open(family: 4 | 6): { readonly socket: Socket; readonly descriptor: number | null } {
    const socket = createSocket(family === 6 ? "udp6" : "udp4");
    if (this.#stamps === null) return { socket, descriptor: null };
    const descriptor = this.#stamps.open(family);
    socket.bind({ fd: descriptor });
    return { socket, descriptor };
  }

  #askAt(
    { socket, descriptor }: { readonly socket: Socket; readonly descriptor: number | null },
    host: string,
    port: number,
    over: AbortSignal,
  ): Promise<NtpReply> {
    const nonce = this.#nonce();
    const request = encodeRequest(nonce);
    return new Promise((resolve) => {
      let sentNs = this.#time.monotonicNs();
      let sent: BothClocks | null = null;
      let forged: RawExchange | null = null;
      let closed = false;
      let address = host;
      const end = (reply: NtpReply): void => {
        if (closed) return;
        closed = true;
        over.removeEventListener("abort", giveUp);
        socket.close();
        resolve(reply);
      };
      const giveUp = (): void =>
        end(forged === null ? this.#silence() : { kind: "replied", exchange: forged, address });
      socket.on("message", (datagram) => {
        const receivedNs = this.#stampOf(descriptor, sent) ?? this.#time.monotonicNs();
        const exchange: RawExchange = { sentNs, receivedNs, nonce, datagram };
        if (answersRequest(datagram, nonce)) end({ kind: "replied", exchange, address });
        else forged ??= exchange;
      });
      socket.on("error", (error) => end({ kind: "failed", code: systemCode(error) ?? "UNKNOWN" }));
      over.addEventListener("abort", giveUp, { once: true });
      // Not as the callback of `connect`: Node calls that one as well when there is no way to the address, and what is sent
      // then throws where nobody catches.
      socket.once("connect", () => {
        if (closed) return;
        address = plainAddress(socket.remoteAddress().address);
        sent = descriptor === null ? null : (this.#stamps?.send(descriptor, request) ?? null);
        sentNs = sent?.atNs ?? this.#time.monotonicNs();
        if (sent === null) socket.send(request);
      });
      socket.connect(port, host);
    });
  }

  #stampOf(descriptor: number | null, sent: BothClocks | null): MonotonicNs | null {
    return descriptor === null || sent === null ? null : (this.#stamps?.receivedNs(descriptor, sent) ?? null);
  }
}

/** No answer, but what this box makes of an address: the other family may say more. */
const noWayCodes = new Set(["EACCES", "EADDRNOTAVAIL", "EAFNOSUPPORT", "EHOSTUNREACH", "ENETUNREACH"]);

/** The kernel writes an address in one way; an IPv4 address may come as one of IPv6 (RFC 4291 section 2.5.5.2). */
function plainAddress(address: string): string {
  const inner = address.replace(/^::ffff:/i, "");
  return isIPv4(inner) ? inner : address;
}

/** Name resolution cannot be cancelled, only left behind. */
function aborted(signal: AbortSignal): Promise<"aborted"> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve("aborted");
    signal.addEventListener("abort", () => resolve("aborted"), { once: true });
  });
}
