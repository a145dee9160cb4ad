import { isIP } from "node:net";
import { checkServerIdentity, connect, type PeerCertificate, type TLSSocket } from "node:tls";
import { noNameServerCode, systemCode } from "../base/errors.ts";
import { isPinned, pinMismatchCode } from "../base/spki-pin.ts";
import { parseHttpDate } from "../base/system-time.ts";
import type { Time, WallMs } from "../base/time.ts";
import { leadsToAuthority } from "./trusted-chain.ts";

/**
 * - `trusted`: this box takes the certificate.
 * - `bad-certificate`: it is the service's, and not valid at the time that our clock proves: everybody sees that.
 * - `other-name`: an authority of this box vouches for it under another name. A portal or a filter of the site shows such a
 *   one, and so does whatever else is at an address that a name server made up: whether others see it is not known here.
 * - `own-tls`: it is valid by its dates and name, but this box does not take it: its system clock, its authorities, or
 *   the keys that its configuration pins.
 * - `no-name`: no name server of this box answered what the address is, so nobody was asked.
 */
export type TlsReach = {
  readonly kind: "trusted" | "bad-certificate" | "other-name" | "own-tls" | "unreachable" | "no-name";
  readonly detail: string;
  /** Where the connection was sent by the name servers of this box. */
  readonly sentTo: readonly string[];
};

const datesCodes = ["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"];
/** The C library was told that there is no such name. */
export const noSuchNameCode = "ENOTFOUND";
const nameCode = "ERR_TLS_CERT_ALTNAME_INVALID";

/** Makes a handshake and says nothing in it. `nowMs` is the proven time, `null` when nothing proves one. Never rejects. */
export function probeTls(
  host: string,
  port: number,
  timeoutMs: number,
  time: Time,
  nowMs: () => WallMs | null,
  pins: readonly string[] = [],
): Promise<TlsReach> {
  return new Promise((resolve) => {
    const servername = isIP(host) === 0 ? { servername: host } : {};
    // The certificate is looked at whatever it is; nothing is sent over this connection.
    const socket = connect({ host, port, ...servername, rejectUnauthorized: false });
    const sentTo: string[] = [];
    const end = (judged: Pick<TlsReach, "kind" | "detail">): void => {
      deadline[Symbol.dispose]();
      socket.destroy();
      resolve({ ...judged, sentTo });
    };
    let isNamed = isIP(host) !== 0;
    socket.on("lookup", (error: Error | null, address: string) => {
      isNamed = error === null;
      if (error === null) sentTo.push(address);
    });
    const deadline = time.after(timeoutMs, () =>
      end({ kind: isNamed ? "unreachable" : "no-name", detail: `silent for ${timeoutMs} ms` }),
    );
    socket.on("secureConnect", () => {
      const code = codeOfChain(socket, pins);
      end(
        code === null ? { kind: "trusted", detail: "" } : judgeCertificate(code, shownBy(socket, host, code), nowMs()),
      );
    });
    socket.on("error", (error) => {
      const detail = systemCode(error) ?? "UNKNOWN";
      end({ kind: detail === noNameServerCode ? "no-name" : "unreachable", detail });
    });
  });
}

/** `null` for a chain that this box trusts, with a pinned key where keys are pinned. */
function codeOfChain(socket: TLSSocket, pins: readonly string[]): string | null {
  if (!socket.authorized) return codeOf(socket.authorizationError);
  return isPinned(socket.getPeerCertificate(true), pins) ? null : pinMismatchCode;
}

/** A certificate that is not taken; what is told of its name and its authority leaves its dates aside. */
export type ShownCertificate = Pick<PeerCertificate, "valid_from" | "valid_to"> & {
  readonly hasName: boolean;
  readonly isTrusted: boolean;
};

/** Names are looked at only once the chain was found good, and the chain again only where dates hide what else is wrong. */
function shownBy(socket: TLSSocket, host: string, code: string): ShownCertificate {
  const peer = socket.getPeerCertificate(true);
  const isTrusted = code === nameCode || (datesCodes.includes(code) && leadsToAuthority(peer));
  const hasName = isTrusted && checkServerIdentity(host, peer) === undefined;
  return { valid_from: peer.valid_from, valid_to: peer.valid_to, hasName, isTrusted };
}

/** Whose fault it is that a certificate is not taken. Without a proven time its dates say nothing against the service. */
export function judgeCertificate(
  code: string,
  { valid_from, valid_to, hasName, isTrusted }: ShownCertificate,
  nowMs: WallMs | null,
): Pick<TlsReach, "kind" | "detail"> {
  const isOfDates = datesCodes.includes(code);
  if (isTrusted && !hasName && (isOfDates || code === nameCode)) return { kind: "other-name", detail: code };
  const from = dateOf(valid_from);
  const to = dateOf(valid_to);
  const isOutside = nowMs !== null && from !== null && to !== null && (nowMs < from || nowMs > to);
  return { kind: isOfDates && isTrusted && isOutside ? "bad-certificate" : "own-tls", detail: code };
}

/** `Mar  1 12:00:00 2026 GMT`, as OpenSSL prints it, is an HTTP-date with its words in another order. */
function dateOf(text: string): WallMs | null {
  const [, month, day, clock, year] = /^(\w{3}) +(\d+) ([\d:]{8}) (\d{4}) GMT$/.exec(text) ?? [];
  return month === undefined ? null : parseHttpDate(`Thu, ${day?.padStart(2, "0")} ${month} ${year} ${clock} GMT`);
}

function codeOf(error: unknown): string {
  return typeof error === "string" ? error : (systemCode(error) ?? "UNKNOWN");
}
