import { isIP, Socket } from "node:net";
import { connect } from "node:tls";
import { messageOf } from "../base/errors.ts";
import type { Time } from "../base/time.ts";

/** Where the service is: its address, and the name that its certificate has to carry. */
export type ServicePlace = { readonly address: string; readonly host: string; readonly port: number };

/**
 * Whether the service answers over another interface than the one by which registrations go: a handshake with a
 * certificate that this box takes, and nothing said in it. `untried` where that interface cannot be had: it is not there, it
 * is misspelled, or the kernel does not let us. Never rejects.
 */
export type SecondWay = (
  interfaceName: string,
  place: ServicePlace,
  timeoutMs: number,
) => Promise<"answered" | "failed" | "untried">;

/** The C library's calls by which a connection is bound to an interface; or why they are not to be had. */
export async function loadSecondWay(time: Time): Promise<SecondWay | { readonly obstacle: string }> {
  try {
    return secondWayOver(await loadBoundSocket(), time);
  } catch (error) {
    return { obstacle: messageOf(error) };
  }
}

/** A TCP socket that takes one interface only; `null` when there is no such interface or it may not be bound. */
type BoundSocket = (interfaceName: string, family: 4 | 6) => number | null;

function secondWayOver(boundSocket: BoundSocket, time: Time): SecondWay {
  return (interfaceName, { address, host, port }, timeoutMs) => {
    const descriptor = boundSocket(interfaceName, isIP(address) === 6 ? 6 : 4);
    if (descriptor === null) return Promise.resolve("untried");
    return new Promise((resolve) => {
      const socket = new Socket({ fd: descriptor });
      const end = (result: "answered" | "failed"): void => {
        deadline[Symbol.dispose]();
        socket.destroy();
        resolve(result);
      };
      const deadline = time.after(timeoutMs, () => end("failed"));
      socket.on("error", () => end("failed"));
      socket.connect(port, address, () => {
        const secure = connect({ socket, ...(isIP(host) === 0 ? { servername: host } : {}) });
        secure.on("error", () => end("failed"));
        // Verified whatever the environment says: a portal in between is no channel.
        secure.on("secureConnect", () => end(secure.authorized ? "answered" : "failed"));
      });
    });
  };
}

async function loadBoundSocket(): Promise<BoundSocket> {
  const { default: koffi } = await import("koffi");
  const library = koffi.load("libc.so.6");
  const open = library.func("int socket(int domain, int type, int protocol)");
  const close = library.func("int close(int fd)");
  const setOption = library.func("int setsockopt(int fd, int level, int name, const char *value, uint32_t length)");
  return (interfaceName, family) => {
    const domain = family === 6 ? addressFamilyInet6 : addressFamilyInet;
    const descriptor: unknown = open(domain, streamSocket | closeOnExec | nonBlocking, 0);
    if (typeof descriptor !== "number" || descriptor < 0) return null;
    const length = Buffer.byteLength(interfaceName);
    if (setOption(descriptor, socketLevel, bindToDevice, interfaceName, length) === 0) return descriptor;
    close(descriptor);
    return null;
  };
}

/** Linux' own numbers, which Node does not name, the same on x64 and arm64: socket(2), socket(7). */
const addressFamilyInet = 2;
const addressFamilyInet6 = 10;
const streamSocket = 1;
const closeOnExec = 0o2000000;
const nonBlocking = 0o4000;
const socketLevel = 1;
const bindToDevice = 25;
