import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { connect, type DetailedPeerCertificate, type TLSSocket } from "node:tls";
import { messageOf, systemCode } from "../base/errors.ts";
import { chainPins } from "../base/spki-pin.ts";
import { parseHttpDate } from "../base/system-time.ts";
import type { Time, WallMs } from "../base/time.ts";

/** What a server shows of itself in a handshake, whether or not this box takes it. */
export type CertificateLook =
  | {
      readonly kind: "shown";
      /** OpenSSL's name for what is wrong with it; `null` when this box takes it. */
      readonly fault: string | null;
      readonly issuer: string;
      readonly validFrom: WallMs | null;
      readonly validUntil: WallMs | null;
      /** Of the certificate itself and of those that signed it, from the leaf up. */
      readonly pins: readonly string[];
    }
  | { readonly kind: "none"; readonly detail: string };

/** Makes a handshake, says nothing in it, and closes it. Never rejects. */
export function lookAtCertificate(host: string, port: number, timeoutMs: number, time: Time): Promise<CertificateLook> {
  return new Promise((resolve) => {
    const servername = isIP(host) === 0 ? { servername: host } : {};
    // The certificate is told of whatever it is; nothing is sent over this connection.
    const socket = connect({ host, port, ...servername, rejectUnauthorized: false });
    const end = (look: CertificateLook): void => {
      deadline[Symbol.dispose]();
      socket.destroy();
      resolve(look);
    };
    const deadline = time.after(timeoutMs, () => end({ kind: "none", detail: `silent for ${timeoutMs} ms` }));
    socket.on("secureConnect", () => end(shownBy(socket)));
    socket.on("error", (error) => end({ kind: "none", detail: systemCode(error) ?? messageOf(error) }));
  });
}

function shownBy(socket: TLSSocket): CertificateLook {
  const peer: DetailedPeerCertificate = socket.getPeerCertificate(true);
  // A server may show none at all, which no cipher that this box takes allows.
  if (peer.raw === undefined) return { kind: "none", detail: "no certificate" };
  const { authorizationError } = socket;
  const fault = socket.authorized ? null : (systemCode(authorizationError) ?? String(authorizationError));
  const { issuer, validFrom, validTo } = new X509Certificate(peer.raw);
  return {
    kind: "shown",
    fault,
    issuer: nameIn(issuer),
    validFrom: dateOf(validFrom),
    validUntil: dateOf(validTo),
    pins: chainPins(peer),
  };
}

/** The organisation and the name out of `C=BE\nO=…\nCN=…`. */
function nameIn(issuer: string): string {
  const part = (name: string): string | undefined => new RegExp(`^${name}=(.*)$`, "m").exec(issuer)?.[1];
  const parts = [part("O"), part("CN")].filter((each) => each !== undefined);
  return parts.length === 0 ? "an authority without a name" : parts.join(", ");
}

/** `Mar  1 12:00:00 2026 GMT`, as OpenSSL prints it, is an HTTP-date with its words in another order. */
export function dateOf(text: string): WallMs | null {
  const [, month, day, clock, year] = /^(\w{3}) +(\d+) ([\d:]{8}) (\d{4}) GMT$/.exec(text) ?? [];
  return month === undefined ? null : parseHttpDate(`Thu, ${day?.padStart(2, "0")} ${month} ${year} ${clock} GMT`);
}
