import { earliest, latest, nsPerSecond, type UtcNs, utcNs } from "./utc.ts";

/** The header of RFC 5905 section 7.3; extension fields and a MAC may follow and are not read. */
export const ntpHeaderBytes: number = 48;

/** Client requests are mode 3, a server's answers mode 4. */
export const clientMode: number = 3;
export const serverMode: number = 4;

/** `leap`: 0 nothing, 1 a second will be inserted at the end of the month, 2 deleted, 3 the server is unsynchronised. */
export type NtpPacket = {
  readonly leap: number;
  readonly version: number;
  readonly mode: number;
  readonly stratum: number;
  /** Log2 seconds. */
  readonly poll: number;
  /** Log2 seconds. */
  readonly precision: number;
  /** 16.16 seconds. */
  readonly rootDelay: number;
  /** 16.16 seconds. */
  readonly rootDispersion: number;
  /** Four bytes: an address of the source above, or for stratum 0 and 1 four letters. */
  readonly referenceId: number;
  readonly referenceTimestamp: NtpTimestamp;
  readonly originTimestamp: NtpTimestamp;
  readonly receiveTimestamp: NtpTimestamp;
  readonly transmitTimestamp: NtpTimestamp;
};

/** 32.32 seconds since the start of an era that is not told: 1900, then 2036-02-07T06:28:16Z, then every 2^32 s. */
export type NtpTimestamp = bigint;

/**
 * A client's request. `transmitTimestamp` is 64 random bits instead of a time: the server returns it as origin, so that
 * only who saw the request can answer it, and it tells nothing of our clock (draft-ietf-ntp-data-minimization).
 */
export function encodeRequest(transmitTimestamp: NtpTimestamp): Uint8Array {
  return encodePacket({
    leap: 0,
    version: 4,
    mode: clientMode,
    stratum: 0,
    poll: 0,
    precision: 0,
    rootDelay: 0,
    rootDispersion: 0,
    referenceId: 0,
    referenceTimestamp: 0n,
    originTimestamp: 0n,
    receiveTimestamp: 0n,
    transmitTimestamp,
  });
}

export function encodePacket(packet: NtpPacket): Uint8Array {
  const bytes = Buffer.alloc(ntpHeaderBytes);
  bytes.writeUInt8(((packet.leap & 3) << 6) | ((packet.version & 7) << 3) | (packet.mode & 7), 0);
  bytes.writeUInt8(packet.stratum, 1);
  bytes.writeInt8(packet.poll, 2);
  bytes.writeInt8(packet.precision, 3);
  bytes.writeUInt32BE(packet.rootDelay, 4);
  bytes.writeUInt32BE(packet.rootDispersion, 8);
  bytes.writeUInt32BE(packet.referenceId, 12);
  bytes.writeBigUInt64BE(packet.referenceTimestamp, 16);
  bytes.writeBigUInt64BE(packet.originTimestamp, 24);
  bytes.writeBigUInt64BE(packet.receiveTimestamp, 32);
  bytes.writeBigUInt64BE(packet.transmitTimestamp, 40);
  return bytes;
}

/** `null` when the datagram is too short to be NTP or of a version that is not 1 to 4. */
export function decodePacket(datagram: Uint8Array): NtpPacket | null {
  if (datagram.byteLength < ntpHeaderBytes) return null;
  const bytes = Buffer.from(datagram.buffer, datagram.byteOffset, ntpHeaderBytes);
  const first = bytes.readUInt8(0);
  const version = (first >> 3) & 7;
  if (version < 1 || version > 4) return null;
  return {
    leap: first >> 6,
    version,
    mode: first & 7,
    stratum: bytes.readUInt8(1),
    poll: bytes.readInt8(2),
    precision: bytes.readInt8(3),
    rootDelay: bytes.readUInt32BE(4),
    rootDispersion: bytes.readUInt32BE(8),
    referenceId: bytes.readUInt32BE(12),
    referenceTimestamp: bytes.readBigUInt64BE(16),
    originTimestamp: bytes.readBigUInt64BE(24),
    receiveTimestamp: bytes.readBigUInt64BE(32),
    transmitTimestamp: bytes.readBigUInt64BE(40),
  };
}

/** 16.16 seconds in nanoseconds, rounded up: root delay and dispersion are parts of a bound. */
export function shortFormatNs(value: number): bigint {
  return (BigInt(value) * nsPerSecond + 0xffffn) >> 16n;
}

/** 2^exponent seconds in nanoseconds, rounded up. */
export function exponentNs(exponent: number): bigint {
  return exponent >= 0 ? nsPerSecond << BigInt(exponent) : (nsPerSecond >> BigInt(-exponent)) + 1n;
}

/** The four letters of a kiss code or a reference clock, `null` when the reference id is no printable text. */
export function referenceText(referenceId: number): string | null {
  const text = Buffer.from([24, 16, 8, 0].map((shift) => (referenceId >>> shift) & 0xff)).toString("latin1");
  const trimmed = text.replace(/[\0 ]+$/, "");
  return /^[\x21-\x7e]{1,4}$/.test(trimmed) ? trimmed : null;
}

const eraSeconds = 1n << 32n;
const unixEpochInEraSeconds = 2_208_988_800n;

/** Servers that are decades behind are still shown where they are, as chrony does from its build date. */
export const eraLookBackSeconds: bigint = 50n * 365n * 86_400n;

/**
 * From where eras are counted: the later of the build date and the last trusted time, but never so late that the build date's
 * own time would fall into the era after. One quorum that lied by decades would otherwise shift what every true server says.
 */
export function eraPivot(builtAt: UtcNs, trusted: UtcNs): UtcNs {
  return latest(builtAt, earliest(trusted, utcNs(builtAt + eraLookBackSeconds * nsPerSecond)));
}

/**
 * The moment a timestamp means: the only one in the 2^32 seconds that begin fifty years before `pivot` (see `eraPivot`). The
 * system clock has no say: after a power cut on a box without RTC it may stand in another era.
 */
export function unfoldTimestamp(timestamp: NtpTimestamp, pivot: UtcNs): UtcNs {
  const startSeconds = pivot / nsPerSecond - eraLookBackSeconds;
  const foldedSeconds = (timestamp >> 32n) - unixEpochInEraSeconds - startSeconds;
  const seconds = startSeconds + (((foldedSeconds % eraSeconds) + eraSeconds) % eraSeconds);
  const fractionNs = ((timestamp & 0xffff_ffffn) * nsPerSecond) >> 32n;
  return utcNs(seconds * nsPerSecond + fractionNs);
}

/** The timestamp of a moment, in whatever era it falls; exact to the nanosecond when unfolded again. */
export function foldTimestamp(at: UtcNs): NtpTimestamp {
  const sinceEra = at + unixEpochInEraSeconds * nsPerSecond;
  const seconds = (((sinceEra / nsPerSecond) % eraSeconds) + eraSeconds) % eraSeconds;
  const fraction = (((sinceEra % nsPerSecond) << 32n) + nsPerSecond - 1n) / nsPerSecond;
  return (seconds << 32n) | fraction;
}
