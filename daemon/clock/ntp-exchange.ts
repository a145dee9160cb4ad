import type { MonotonicNs } from "../base/time.ts";
import {
  decodePacket,
  exponentNs,
  type NtpPacket,
  type NtpTimestamp,
  ntpHeaderBytes,
  referenceText,
  serverMode,
  shortFormatNs,
  unfoldTimestamp,
} from "./ntp-packet.ts";
import { driftNs, floorDivide, nsPerMs, nsPerSecond, type UtcNs } from "./utc.ts";

/** What one request and its answer left behind: our two moments on monotonic time, the server's two in its packet. */
export type RawExchange = {
  /** T1. */
  readonly sentNs: MonotonicNs;
  /** T4. */
  readonly receivedNs: MonotonicNs;
  /** The 64 random bits sent as transmit timestamp. */
  readonly nonce: NtpTimestamp;
  readonly datagram: Uint8Array;
};

/** The raw four timestamps of an accepted exchange and what the server says of its own error. */
export type Sample = {
  readonly t1Ns: MonotonicNs;
  readonly t2Ns: UtcNs;
  readonly t3Ns: UtcNs;
  readonly t4Ns: MonotonicNs;
  readonly rootDelayNs: bigint;
  readonly rootDispersionNs: bigint;
  readonly precisionNs: bigint;
  readonly stratum: number;
  /** 0 nothing announced, 1 a leap second will be inserted, 2 deleted. */
  readonly leap: number;
  readonly referenceId: number;
};

/** The closed list of reasons for which an answer is not used. */
export type Rejection =
  | { readonly kind: "malformed" }
  | { readonly kind: "wrong-origin" }
  | { readonly kind: "wrong-mode"; readonly mode: number }
  | { readonly kind: "kiss-of-death"; readonly code: string }
  | { readonly kind: "unsynchronised" }
  | { readonly kind: "bad-stratum"; readonly stratum: number }
  | { readonly kind: "no-timestamps" }
  | { readonly kind: "times-reversed" }
  | { readonly kind: "negative-delay"; readonly delayNs: bigint }
  | { readonly kind: "too-distant"; readonly rootDistanceNs: bigint };

export type ExchangeVerdict =
  | { readonly kind: "sample"; readonly sample: Sample }
  | { readonly kind: "rejected"; readonly rejection: Rejection };

export const stratumMax: number = 15;

/** RFC 5905 allows 1.5 s (MAXDIST); a source this far from its reference bounds nothing that a badge needs. */
export const rootDistanceMaxNs: bigint = nsPerSecond;

/**
 * A server 300 µs off that advertises 15 µs of dispersion was measured: without a floor, the truth falls outside
 * its interval.
 */
export const sourceFloorNs: bigint = 5n * nsPerMs;

/** Whether a datagram answers our request. Asked before anything else in it is believed, kiss-o'-death included. */
export function answersRequest(datagram: Uint8Array, nonce: NtpTimestamp): boolean {
  return (
    datagram.byteLength >= ntpHeaderBytes &&
    Buffer.from(datagram.buffer, datagram.byteOffset, datagram.byteLength).readBigUInt64BE(24) === nonce
  );
}

/** Judges one exchange (RFC 5905 section 8). `pivot` as in `eraPivot`. */
export function judgeExchange(exchange: RawExchange, pivot: UtcNs): ExchangeVerdict {
  if (exchange.datagram.byteLength < ntpHeaderBytes) return rejected({ kind: "malformed" });
  if (!answersRequest(exchange.datagram, exchange.nonce)) return rejected({ kind: "wrong-origin" });
  const packet = decodePacket(exchange.datagram);
  if (packet === null) return rejected({ kind: "malformed" });
  const refusal = refusalOf(packet);
  if (refusal !== null) return rejected(refusal);
  const sample: Sample = {
    t1Ns: exchange.sentNs,
    t2Ns: unfoldTimestamp(packet.receiveTimestamp, pivot),
    t3Ns: unfoldTimestamp(packet.transmitTimestamp, pivot),
    t4Ns: exchange.receivedNs,
    rootDelayNs: shortFormatNs(packet.rootDelay),
    rootDispersionNs: shortFormatNs(packet.rootDispersion),
    precisionNs: exponentNs(packet.precision),
    stratum: packet.stratum,
    leap: packet.leap,
    referenceId: packet.referenceId,
  };
  if (sample.t3Ns < sample.t2Ns) return rejected({ kind: "times-reversed" });
  if (delayNs(sample) < 0n) return rejected({ kind: "negative-delay", delayNs: delayNs(sample) });
  const distance = rootDistanceNs(sample);
  if (distance > rootDistanceMaxNs) return rejected({ kind: "too-distant", rootDistanceNs: distance });
  return { kind: "sample", sample };
}

/** θ = ((T2 − T1) + (T3 − T4)) / 2: UTC as the server has it, minus our monotonic time. */
export function thetaNs(sample: Sample): bigint {
  return floorDivide(sample.t2Ns - sample.t1Ns + (sample.t3Ns - sample.t4Ns), 2n);
}

/** δ = (T4 − T1) − (T3 − T2): how long both ways took together. */
export function delayNs(sample: Sample): bigint {
  return sample.t4Ns - sample.t1Ns - (sample.t3Ns - sample.t2Ns);
}

/** How far the server's time may be from UTC by its own account and the way to it. */
export function rootDistanceNs(sample: Sample): bigint {
  return (delayNs(sample) + sample.rootDelayNs + 1n) / 2n + sample.rootDispersionNs + sample.precisionNs;
}

/** λ: half the interval around θ that holds the truth at `atNs`, our own clock wrong by at most `ppm` since T1. */
export function lambdaNs(sample: Sample, atNs: MonotonicNs, ppm: number): bigint {
  return rootDistanceNs(sample) + driftNs(atNs - sample.t1Ns, ppm) + sourceFloorNs;
}

function refusalOf(packet: NtpPacket): Rejection | null {
  if (packet.mode !== serverMode) return { kind: "wrong-mode", mode: packet.mode };
  if (packet.stratum === 0) {
    // An unsynchronised chronyd also answers with stratum 0, without letters: that is no order to go away.
    const code = referenceText(packet.referenceId);
    if (code !== null) return { kind: "kiss-of-death", code };
  }
  if (packet.leap === 3) return { kind: "unsynchronised" };
  if (packet.stratum === 0 || packet.stratum > stratumMax) return { kind: "bad-stratum", stratum: packet.stratum };
  if (packet.receiveTimestamp === 0n || packet.transmitTimestamp === 0n) return { kind: "no-timestamps" };
  return null;
}

function rejected(rejection: Rejection): ExchangeVerdict {
  return { kind: "rejected", rejection };
}
