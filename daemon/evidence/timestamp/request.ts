import { derObjectIdentifier, derOf, derTag, derUnsigned } from "./der.ts";

export const nonceBytes = 8;
const sha256Id = "2.16.840.1.101.3.4.2.1";

/** `TimeStampReq` (RFC 3161 section 2.4.1) in DER; the certificate is asked for, since offline checks need it. */
export function timestampRequest(imprint: Uint8Array, nonce: bigint, policy: string | null): Uint8Array {
  const algorithm = derOf(derTag.sequence, derObjectIdentifier(sha256Id), derOf(derTag.null));
  return derOf(
    derTag.sequence,
    derUnsigned(Uint8Array.of(1)),
    derOf(derTag.sequence, algorithm, derOf(derTag.octetString, imprint)),
    ...(policy === null ? [] : [derObjectIdentifier(policy)]),
    derUnsigned(Buffer.from(nonce.toString(16).padStart(nonceBytes * 2, "0"), "hex")),
    derOf(derTag.boolean, Uint8Array.of(0xff)),
  );
}
