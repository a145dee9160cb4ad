import { getSystemErrorName } from "node:util";
import { messageOf } from "../base/errors.ts";
import { type MonotonicNs, monotonicNs, type Time } from "../base/time.ts";
import { magnitude, nsPerSecond } from "./utc.ts";

/**
 * UDP sockets whose datagrams the kernel stamps as they come in: Node takes one some 15 µs later, and half of that is an
 * error of the offset that nothing else shows. Of what leaves no stamps are asked: the kernel puts them on the socket's
 * error queue, late where a neighbour's address is still unknown, and Node 24 aborts when libuv finds one there.
 */
export interface SocketStamps {
  /** A socket that stamps, to be handed to `dgram`; whoever gets it closes it. */
  open(family: 4 | 6): number;
  /**
   * Sends over the connected socket. The moment is the one just before: an earlier T1 makes the round trip longer and the
   * error bound wider by as much as the offset errs, so that it still holds the truth.
   *
   * @returns both clocks at that moment; `null` when nothing was sent
   */
  send(descriptor: number, datagram: Uint8Array): BothClocks | null;
  /**
   * When the kernel took the datagram that was read last.
   *
   * @param sent what `send` said of the request
   * @returns `null` when the kernel does not tell, or its stamp, which is of the system clock, is not to be trusted
   */
  receivedNs(descriptor: number, sent: BothClocks): MonotonicNs | null;
}

/** The C library's calls that Node does not have; or why this system does not have them either. */
export async function loadSocketStamps(time: Time): Promise<SocketStamps | { readonly obstacle: string }> {
  try {
    return await stampsOver(time);
  } catch (error) {
    return { obstacle: messageOf(error) };
  }
}

/** The system clock, and monotonic time read right after it: what lies between both readings makes it later, never earlier. */
export type BothClocks = { readonly wallNs: bigint; readonly atNs: MonotonicNs };

/** Far more than lies between two readings in a row, far less than the floor under every error bound. */
export const clockMovedMaxNs: bigint = 300_000n;

/**
 * A stamp of the system clock on monotonic time; `null` when it would lie before `sent` or after `now`, or the system
 * clock was set between both: which of its times the stamp is of, nobody can tell then.
 *
 * Of the two readings the one counts that gives the later moment. A T4 too late makes the round trip longer, and the bound
 * still holds the truth; one too early would make it tighter than it is.
 */
export function stampBetween(sent: BothClocks, now: BothClocks, stampNs: bigint): MonotonicNs | null {
  const movedNs = now.wallNs - now.atNs - (sent.wallNs - sent.atNs);
  if (magnitude(movedNs) > clockMovedMaxNs) return null;
  const atNs = now.atNs - (now.wallNs - stampNs) + (movedNs > 0n ? movedNs : 0n);
  return atNs < sent.atNs || atNs > now.atNs ? null : monotonicNs(atNs);
}

async function stampsOver(time: Time): Promise<SocketStamps> {
  const { default: koffi } = await import("koffi");
  const library = koffi.load("libc.so.6");
  const socket = library.func("int socket(int domain, int type, int protocol)");
  const send = library.func("long send(int fd, _In_ uint8_t *bytes, size_t length, int flags)");
  const ioctl = library.func("int ioctl(int fd, unsigned long request, _Out_ int64_t *timespec)");
  const clockGetTime = library.func("int clock_gettime(int clock, _Out_ int64_t *timespec)");
  const timespec = new BigInt64Array(2);

  const bothClocks = (): BothClocks | null => {
    const isRead = clockGetTime(clockRealtime, timespec) === 0;
    const atNs = time.monotonicNs();
    return isRead ? { wallNs: nsOf(timespec), atNs } : null;
  };

  return {
    open(family) {
      const domain = family === 6 ? addressFamilyInet6 : addressFamilyInet;
      const descriptor: unknown = socket(domain, datagramSocket | closeOnExec | nonBlocking, 0);
      if (typeof descriptor !== "number" || descriptor < 0) {
        const code = getSystemErrorName(-koffi.errno());
        throw Object.assign(new Error(`socket failed: ${code}`), { code });
      }
      // The first question turns the stamps of what comes in on; there is nothing to tell yet.
      ioctl(descriptor, lastStampRequest, timespec);
      return descriptor;
    },
    send(descriptor, datagram) {
      const read = bothClocks();
      if (read === null) return null;
      // Monotonic time once more, so that as little as can be lies between T1 and the request.
      const atNs = time.monotonicNs();
      if (send(descriptor, datagram, datagram.byteLength, 0) !== datagram.byteLength) return null;
      return { atNs, wallNs: read.wallNs + (atNs - read.atNs) };
    },
    receivedNs(descriptor, sent) {
      if (ioctl(descriptor, lastStampRequest, timespec) !== 0) return null;
      const takenNs = nsOf(timespec);
      const now = bothClocks();
      return now === null ? null : stampBetween(sent, now, takenNs);
    },
  };
}

/** Seconds and nanoseconds as 64-bit Linux lays them out. */
function nsOf([seconds = 0n, nanoseconds = 0n]: BigInt64Array): bigint {
  return seconds * nsPerSecond + nanoseconds;
}

/**
 * Linux' own numbers, which Node does not name, the same on x64 and arm64: socket(2), socket(7) for SIOCGSTAMPNS and
 * clock_gettime(2).
 */
const addressFamilyInet = 2;
const addressFamilyInet6 = 10;
const datagramSocket = 2;
const closeOnExec = 0o2000000;
const nonBlocking = 0o4000;
const clockRealtime = 0;
const lastStampRequest = 0x8907;
