import { X509Certificate } from "node:crypto";
import { messageOf } from "../../base/errors.ts";
import {
  algorithmOf,
  booleanOf,
  childrenOf,
  contextTag,
  DerError,
  DerFields,
  type DerNode,
  derTag,
  expectTag,
  integerOf,
  objectIdentifierOf,
  onlyChildOf,
  readDer,
} from "./der.ts";

/** A certificate with what `node:crypto` does not tell: the criticality of its extensions and the bytes of its names. */
export type Certificate = {
  readonly x509: X509Certificate;
  readonly raw: Uint8Array;
  readonly serial: bigint;
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** The algorithm with which its issuer signed it. */
  readonly signatureAlgorithm: string;
  readonly extensions: ReadonlyMap<string, Extension>;
};

export type Extension = { readonly critical: boolean; readonly value: Uint8Array };

export const extensionId = {
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  basicConstraints: "2.5.29.19",
  certificatePolicies: "2.5.29.32",
  extendedKeyUsage: "2.5.29.37",
} as const;

export const timeStampingId: string = "1.3.6.1.5.5.7.3.8";

/** @throws {DerError} when it is none. */
export function readCertificate(raw: Uint8Array): Certificate {
  const outer = DerFields.ofSequence(readDer(raw), "a certificate");
  const body = DerFields.ofSequence(outer.take(derTag.sequence, "its body"), "a certificate");
  const signature = algorithmOf(outer.take(derTag.sequence, "its algorithm"), "a certificate's algorithm");
  outer.take(derTag.bitString, "its signature");
  outer.end();
  body.takeIf(contextTag(0, true));
  const serial = integerOf(body.take(derTag.integer, "its serial number"), "a certificate's serial number");
  body.take(derTag.sequence, "its algorithm");
  const issuer = body.take(derTag.sequence, "its issuer").raw;
  body.take(derTag.sequence, "its validity");
  const subject = body.take(derTag.sequence, "its subject").raw;
  body.take(derTag.sequence, "its public key");
  body.takeIf(contextTag(1, false));
  body.takeIf(contextTag(2, false));
  const extensions = body.takeIf(contextTag(3, true));
  body.end();
  return {
    x509: readX509(raw),
    raw,
    serial,
    issuer,
    subject,
    signatureAlgorithm: signature.id,
    extensions: extensions === null ? new Map() : readExtensions(onlyChildOf(extensions, "the extensions")),
  };
}

function readX509(raw: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(raw);
  } catch (error) {
    throw new DerError(`a certificate cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

function readExtensions(node: DerNode): ReadonlyMap<string, Extension> {
  const extensions = new Map<string, Extension>();
  for (const each of childrenOf(expectTag(node, derTag.sequence, "the extensions"))) {
    const fields = DerFields.ofSequence(each, "an extension");
    const id = objectIdentifierOf(fields.take(derTag.objectIdentifier, "its identifier"), "an extension");
    const critical = fields.takeIf(derTag.boolean);
    const value = fields.take(derTag.octetString, "its value").content;
    fields.end();
    if (extensions.has(id)) throw new DerError("an extension comes twice");
    extensions.set(id, { critical: critical !== null && booleanOf(critical, "an extension"), value });
  }
  return extensions;
}

/** Every certificate of a PEM text; what stands between them is not looked at. @throws {DerError} */
export function readPem(text: string): readonly Certificate[] {
  const blocks = text.matchAll(/-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g);
  return [...blocks].map(([, base64 = ""]) => readCertificate(Buffer.from(base64, "base64")));
}

/** What a certificate may be used for; `null` when it does not say. */
export function extendedKeyUsageOf(certificate: Certificate): { critical: boolean; purposes: string[] } | null {
  const extension = certificate.extensions.get(extensionId.extendedKeyUsage);
  if (extension === undefined) return null;
  const purposes = childrenOf(expectTag(readDer(extension.value), derTag.sequence, "the extended key usage"));
  return {
    critical: extension.critical,
    purposes: purposes.map((each) => objectIdentifierOf(each, "a purpose")),
  };
}

export const keyUsageBit = { digitalSignature: 0, contentCommitment: 1, certificateSigning: 5 } as const;

/** The bits of `keyUsage` that are set; `null` when the certificate does not restrict them. */
export function keyUsageOf(certificate: Certificate): readonly number[] | null {
  const extension = certificate.extensions.get(extensionId.keyUsage);
  if (extension === undefined) return null;
  const [, ...octets] = expectTag(readDer(extension.value), derTag.bitString, "the key usage").content;
  return octets.flatMap((octet, index) =>
    [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => (octet & (0x80 >> bit)) !== 0).map((bit) => index * 8 + bit),
  );
}

/** How many authorities may stand between this one and what it vouches for; `null` when it may not be one at all. */
export function authorityDepthOf(certificate: Certificate): number | null {
  const extension = certificate.extensions.get(extensionId.basicConstraints);
  if (extension === undefined) return null;
  const fields = DerFields.ofSequence(readDer(extension.value), "the basic constraints");
  const isAuthority = fields.takeIf(derTag.boolean);
  const depth = fields.takeIf(derTag.integer);
  fields.end();
  if (isAuthority === null || !booleanOf(isAuthority, "the basic constraints")) return null;
  return depth === null ? Number.POSITIVE_INFINITY : Number(integerOf(depth, "the path length"));
}
