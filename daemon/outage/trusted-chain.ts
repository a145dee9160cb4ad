import { X509Certificate } from "node:crypto";
import { getCACertificates } from "node:tls";
import type { CertificateChain } from "../base/spki-pin.ts";

/** A chain longer than this is no chain; it also ends one that leads back to itself. */
const chainMax = 10;

/**
 * Whether a chain ends at an authority of this box, whatever its dates say. Where a certificate ran out OpenSSL tells of that
 * alone, also when nobody vouches for it: what an old router or a portal made for itself is mostly both.
 */
export function leadsToAuthority(peer: CertificateChain): boolean {
  const authorities = new Set(getCACertificates("default").map((pem) => new X509Certificate(pem).fingerprint256));
  let below: X509Certificate | null = null;
  let each: CertificateChain | undefined = peer;
  for (let length = 0; each?.raw !== undefined && length < chainMax; length += 1) {
    const certificate: X509Certificate = new X509Certificate(each.raw);
    if (below !== null && !isSignedBy(below, certificate)) return false;
    if (authorities.has(certificate.fingerprint256)) return true;
    below = certificate;
    each = each.issuerCertificate === each ? undefined : each.issuerCertificate;
  }
  return false;
}

function isSignedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  return authority.ca && certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}
