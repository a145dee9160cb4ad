import { createHash, X509Certificate } from "node:crypto";

/** A server's certificate as `node:tls` gives it, with those that signed it. */
export type CertificateChain = { readonly raw: Uint8Array; readonly issuerCertificate?: CertificateChain };

/** The code of the error that a connection ends in when no certificate of its chain has a pinned key. */
export const pinMismatchCode: string = "ERR_TLS_PIN_MISMATCH";

/** A chain longer than this is no chain; it also ends one that leads back to itself. */
const chainMax = 10;

/** The pin of a certificate's public key: the SHA-256 of its SubjectPublicKeyInfo in base64 (RFC 7469 section 2.4). */
export function spkiPin(certificate: X509Certificate): string {
  const spki = certificate.publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256").update(spki).digest("base64");
}

/**
 * The pins of a server's certificate and of those that signed it, from the leaf up. A certificate that the server sent
 * along but that did not sign the one below it ends the list: anybody can send a pinned certificate along.
 */
export function chainPins(peer: CertificateChain): readonly string[] {
  const pins: string[] = [];
  let below: X509Certificate | null = null;
  for (let each: CertificateChain | undefined = peer; each?.raw !== undefined && pins.length < chainMax; ) {
    const certificate: X509Certificate = new X509Certificate(each.raw);
    if (below !== null && !below.verify(certificate.publicKey)) break;
    pins.push(spkiPin(certificate));
    below = certificate;
    each = each.issuerCertificate === each ? undefined : each.issuerCertificate;
  }
  return pins;
}

/** Whether a key of the chain is pinned; no pins let every chain pass that the box trusts. */
export function isPinned(peer: CertificateChain, pins: readonly string[]): boolean {
  return pins.length === 0 || chainPins(peer).some((pin) => pins.includes(pin));
}
