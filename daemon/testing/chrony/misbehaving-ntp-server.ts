import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";
import type { Time } from "../../base/time.ts";
import { decodePacket, encodePacket, foldTimestamp, type NtpPacket, serverMode } from "../../clock/ntp-packet.ts";
import { type UtcNs, utcNs, utcNsOfWall } from "../../clock/utc.ts";

/** What is wrong with an answer. `shiftSeconds` moves the server's time, across an era as well. */
export type Misbehaviour =
  | { readonly kind: "none" }
  | { readonly kind: "kiss"; readonly code: string; readonly origin: "true" | "forged" }
  | { readonly kind: "forged-origin"; readonly thenTrue: boolean }
  | { readonly kind: "zero-timestamps" }
  | { readonly kind: "root-dispersion"; readonly seconds: number }
  | { readonly kind: "leap-unsynchronised" }
  | { readonly kind: "wrong-mode" }
  | { readonly kind: "stratum"; readonly stratum: number }
  | { readonly kind: "reversed" }
  | { readonly kind: "short" }
  | { readonly kind: "deaf" }
  | { readonly kind: "shifted"; readonly shiftSeconds: bigint };

/** An NTP server that serves this machine's time and does one thing wrong, by order. */
export class MisbehavingNtpServer implements AsyncDisposable {
  behaviour: Misbehaviour = { kind: "none" };
  requests: number = 0;
  readonly #socket: Socket;
  readonly #time: Time;

  private constructor(socket: Socket, time: Time) {
    this.#socket = socket;
    this.#time = time;
    socket.on("message", (datagram, from) => {
      const request = decodePacket(datagram);
      if (request === null) return;
      this.requests += 1;
      for (const answer of this.#answers(request)) socket.send(answer, from.port, from.address);
    });
  }

  /** @param port any that is free, unless told */
  static async listen(time: Time, address = "127.0.0.1", port = 0): Promise<MisbehavingNtpServer> {
    const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
    socket.bind(port, address);
    await once(socket, "listening");
    return new MisbehavingNtpServer(socket, time);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }

  #answers(request: NtpPacket): readonly Uint8Array[] {
    const proper = this.#proper(request, utcNsOfWall(this.#time.wallMs()));
    const forged = { ...proper, originTimestamp: request.transmitTimestamp ^ 1n };
    const { behaviour } = this;
    switch (behaviour.kind) {
      case "none":
        return [encodePacket(proper)];
      case "kiss": {
        const base = behaviour.origin === "true" ? proper : forged;
        const referenceId = Buffer.from(behaviour.code, "latin1").readUInt32BE();
        return [encodePacket({ ...base, stratum: 0, leap: 3, referenceId })];
      }
      case "forged-origin":
        return behaviour.thenTrue ? [encodePacket(forged), encodePacket(proper)] : [encodePacket(forged)];
      case "zero-timestamps":
        return [encodePacket({ ...proper, receiveTimestamp: 0n, transmitTimestamp: 0n })];
      case "root-dispersion":
        return [encodePacket({ ...proper, rootDispersion: behaviour.seconds * 0x10000 })];
      case "leap-unsynchronised":
        return [encodePacket({ ...proper, leap: 3 })];
      case "wrong-mode":
        return [encodePacket({ ...proper, mode: 5 })];
      case "stratum":
        return [encodePacket({ ...proper, stratum: behaviour.stratum, referenceId: 0 })];
      case "reversed":
        return [encodePacket({ ...proper, transmitTimestamp: proper.receiveTimestamp - (1n << 32n) })];
      case "short":
        return [encodePacket(proper).subarray(0, 47)];
      case "deaf":
        return [];
      case "shifted": {
        const shifted = utcNsOfWall(this.#time.wallMs()) + behaviour.shiftSeconds * 1_000_000_000n;
        return [encodePacket(this.#proper(request, utcNs(shifted)))];
      }
    }
  }

  #proper(request: NtpPacket, at: UtcNs): NtpPacket {
    return {
      leap: 0,
      version: request.version,
      mode: serverMode,
      stratum: 1,
      poll: 6,
      precision: -10,
      rootDelay: 0,
      rootDispersion: 0,
      referenceId: 0x7f7f0101,
      referenceTimestamp: foldTimestamp(at),
      originTimestamp: request.transmitTimestamp,
      receiveTimestamp: foldTimestamp(at),
      transmitTimestamp: foldTimestamp(at),
    };
  }
}
