import { messageOf } from "../base/errors.ts";
import { type MonotonicNs, monotonicNs, type Time } from "../base/time.ts";

/**
 * UDP sockets whose datagrams the kernel stamps as they leave and as they come in. Node takes a datagram some 15 µs after
 * the kernel did, and sends one some 10 µs after it was told to; half of the difference is an error of the offset that
 * nothing else shows.
 */
export interface SocketStamps {
  /** A socket that stamps, to be handed to `dgram`; whoever gets it closes it. */
  open(family: 4 | 6): number;
  /** When a datagram left over the connected socket; `null` when it did not, and nothing was sent. */
  send(descriptor: number, datagram: Uint8Array): MonotonicNs | null;
  /**
   * When the kernel took the datagram that was read last.
   *
   * @param sentNs when the request left: an answer cannot be older
   * @returns `null` when the kernel does not tell, or tells what cannot be: its stamps are of the system clock, which may
   * have been set meanwhile
   */
  receivedNs(descriptor: number, sentNs: MonotonicNs): MonotonicNs | null;
}

/** The C library's calls that Node does not have; or why this system does not have them either. */
export async function loadSocketStamps(time: Time): Promise<SocketStamps | { readonly obstacle: string }> {
  try {
    return await stampsOver(time);
  } catch (error) {
    return { obstacle: messageOf(error) };
  }
}

/** The system clock and monotonic time at one moment. */
export type BothClocks = { readonly wallNs: bigint; readonly atNs: MonotonicNs };

/** A stamp of the system clock on monotonic time; `null` when it would lie before `earliest` or after `now`. */
export function stampBetween(earliest: MonotonicNs, now: BothClocks, stampNs: bigint): MonotonicNs | null {
  const atNs = now.atNs - (now.wallNs - stampNs);
  return atNs < earliest || atNs > now.atNs ? null : monotonicNs(atNs);
}

async function stampsOver(time: Time): Promise<SocketStamps> {
  const { default: koffi } = await import("koffi");
  const library = koffi.load("libc.so.6");
  const socket = library.func("int socket(int domain, int type, int protocol)");
  const setOption = library.func("int setsockopt(int fd, int level, int name, _In_ uint32_t *value, uint32_t length)");
  const send = library.func("long send(int fd, _In_ uint8_t *bytes, size_t length, int flags)");
  const ioctl = library.func("int ioctl(int fd, unsigned long request, _Out_ int64_t *timespec)");
  const clockGetTime = library.func("int clock_gettime(int clock, _Out_ int64_t *timespec)");
  // Without a name: a second clock in the process would find it taken.
  const messageHeader = koffi.struct({
    name: "void *",
    nameLength: "uint32_t",
    vectors: "void *",
    vectorsLength: "size_t",
    control: "void *",
    controlLength: "size_t",
    flags: "int",
  });
  const receiveMessage = library.func("recvmsg", "long", ["int", koffi.inout(koffi.pointer(messageHeader)), "int"]);
  const timespec = new BigInt64Array(2);
  const control = Buffer.alloc(controlBytes);

  const bothClocks = (): BothClocks | null => {
    const before = time.monotonicNs();
    const isRead = clockGetTime(clockRealtime, timespec) === 0;
    const after = time.monotonicNs();
    return isRead ? { wallNs: nsOf(timespec), atNs: monotonicNs((before + after) >> 1n) } : null;
  };
  /** The kernel's stamp of what was sent last: it waits on the error queue, as the driver took it while we sent. */
  const leftNs = (descriptor: number, earliest: MonotonicNs): MonotonicNs | null => {
    const message = {
      name: null,
      nameLength: 0,
      vectors: null,
      vectorsLength: 0,
      control,
      controlLength: controlBytes,
    };
    if (receiveMessage(descriptor, { ...message, flags: 0 }, errorQueue | doNotWait) < 0) return null;
    const stampNs = stampIn(control);
    const now = bothClocks();
    return stampNs === null || now === null ? null : stampBetween(earliest, now, stampNs);
  };
  const stampWhatLeaves = (descriptor: number, flags: number): boolean =>
    setOption(descriptor, socketLevel, timestamping, Uint32Array.of(flags), 4) === 0;

  return {
    open(family) {
      const domain = family === 6 ? addressFamilyInet6 : addressFamilyInet;
      const descriptor: unknown = socket(domain, datagramSocket | closeOnExec | nonBlocking, 0);
      if (typeof descriptor !== "number" || descriptor < 0) throw new Error(`socket failed: ${koffi.errno()}`);
      // The first question turns the stamps of what comes in on; there is nothing to tell yet.
      ioctl(descriptor, lastStampRequest, timespec);
      return descriptor;
    },
    send(descriptor, datagram) {
      const stamps = stampWhatLeaves(descriptor, stampAtDriver | reportSoftware | stampOnly);
      const toldNs = time.monotonicNs();
      if (send(descriptor, datagram, datagram.byteLength, 0) !== datagram.byteLength) return null;
      const sentNs = stamps ? leftNs(descriptor, toldNs) : null;
      // While these are on, the stamps of what comes in would not be kept for the question.
      if (stamps) stampWhatLeaves(descriptor, 0);
      return sentNs ?? toldNs;
    },
    receivedNs(descriptor, sentNs) {
      if (ioctl(descriptor, lastStampRequest, timespec) !== 0) return null;
      const takenNs = nsOf(timespec);
      const now = bothClocks();
      return now === null ? null : stampBetween(sentNs, now, takenNs);
    },
  };
}

/** The software stamp of the first control message, if it is one (SCM_TIMESTAMPING: three timespecs, the first counts). */
function stampIn(control: Buffer): bigint | null {
  const isStamp = control.readInt32LE(8) === socketLevel && control.readInt32LE(12) === timestamping;
  return isStamp ? control.readBigInt64LE(16) * nsPerSecond + control.readBigInt64LE(24) : null;
}

/** Seconds and nanoseconds as 64-bit Linux lays them out. */
function nsOf([seconds = 0n, nanoseconds = 0n]: BigInt64Array): bigint {
  return seconds * nsPerSecond + nanoseconds;
}

const nsPerSecond = 1_000_000_000n;
const controlBytes = 256;

/**
 * Linux' own numbers, which Node does not name, the same on x64 and arm64: socket(2), socket(7) for SIOCGSTAMPNS,
 * clock_gettime(2), and the kernel's networking/timestamping document for SO_TIMESTAMPING and its flags.
 */
const addressFamilyInet = 2;
const addressFamilyInet6 = 10;
const datagramSocket = 2;
const closeOnExec = 0o2000000;
const nonBlocking = 0o4000;
const clockRealtime = 0;
const lastStampRequest = 0x8907;
const socketLevel = 1;
const timestamping = 37;
const stampAtDriver = 1 << 1;
const reportSoftware = 1 << 4;
const stampOnly = 1 << 11;
const errorQueue = 0x2000;
const doNotWait = 0x40;
