import { createHash } from "node:crypto";
import { utcText } from "../../base/system-time.ts";
import { type WallMs, wallMs } from "../../base/time.ts";
import { type Certificate, extensionId, readCertificate } from "./certificate.ts";
import { nameOf, readAuthority, requireChain, requireTimestampPurpose } from "./chain.ts";
import { algorithmOf, childrenOf, DerError, DerFields, derTag, objectIdentifierOf, readDer } from "./der.ts";
import { type RefusedTimestamp, TimestampRefusedError } from "./refusal.ts";
import { readTimestampResponse, type TimestampInfo, type TimestampToken, timestampInfoId } from "./response.ts";
import { digestNameOf, requireSignature } from "./signature.ts";

/** A token with its certificates takes 2 to 8 kB. */
export const responseMaxBytes: number = 64 * 1024;

export const certificatesMax: number = 16;
const sha256Id = "2.16.840.1.101.3.4.2.1";

export type TokenQuestion = {
  /** The `TimeStampResp` in DER, as the authority answered it. */
  readonly response: Uint8Array;
  /** SHA-256 that the token has to be over: 32 bytes. */
  readonly imprint: Uint8Array;
  /** Certificates of the authority in PEM; at least one is self-signed, and only a chain to such a one is trusted. */
  readonly caPem: string;
  /** What the request carried; left out for a stored token, whose request is gone. */
  readonly nonce?: bigint;
  /** The only policy to take; any when left out. */
  readonly policy?: string;
  /** Where the true time lies by our own clock; left out when nothing here vouches for one. */
  readonly clock?: { readonly notBeforeMs: WallMs; readonly notAfterMs: WallMs };
};

export type VerifiedToken = {
  readonly kind: "verified";
  readonly genTimeMs: WallMs;
  /** The authority's own bound around `genTimeMs`, which is 0 when it names none. */
  readonly notBeforeMs: WallMs;
  readonly notAfterMs: WallMs;
  readonly policy: string;
  /** In hex. */
  readonly serial: string;
  /** The name of the signer in its certificate. */
  readonly by: string;
};

/**
 * Whether an authority's answer proves that what hashes to `imprint` existed at its time. Pure: the same bytes give the
 * same answer in ten years, since certificates are judged at the time of the token. Revocation is not looked at.
 */
export function verifyToken(question: TokenQuestion): VerifiedToken | RefusedTimestamp {
  try {
    return requireToken(question);
  } catch (error) {
    if (error instanceof DerError) return { kind: "refused", reason: "malformed", detail: error.message };
    if (error instanceof TimestampRefusedError) return { kind: "refused", reason: error.reason, detail: error.message };
    throw error;
  }
}

function requireToken(question: TokenQuestion): VerifiedToken {
  const token = grantedToken(question.response);
  const { info, signer } = token;
  requireAnswerOf(question, info);

  const authority = readAuthority(question.caPem);
  if (token.certificates.length > certificatesMax) throw new DerError("there are too many certificates");
  const brought = token.certificates.map(readCertificate);
  const certificate = brought.find((each) => isSigner(each, token)) ?? null;
  if (certificate === null) throw new TimestampRefusedError("certificate-missing", `it brings ${brought.length}`);
  requireNamed(certificate, token);
  requireTimestampPurpose(certificate);
  requireDigest(token);
  requireSignature(signer, certificate.x509.publicKey);
  requireChain(certificate, brought, authority, info.genTimeMs);

  const accuracyMs = info.accuracyMs ?? 0;
  const verified: VerifiedToken = {
    kind: "verified",
    genTimeMs: info.genTimeMs,
    notBeforeMs: wallMs(info.genTimeMs - accuracyMs),
    notAfterMs: wallMs(info.genTimeMs + accuracyMs),
    policy: info.policy,
    serial: info.serial.toString(16),
    by: nameOf(certificate),
  };
  // Last, so that only a token that is right in all else can cast doubt on a clock.
  requirePlausible(verified, question.clock);
  return verified;
}

function grantedToken(bytes: Uint8Array): TimestampToken {
  if (bytes.length > responseMaxBytes) throw new TimestampRefusedError("too-long", `${bytes.length} bytes`);
  const { status, statusText, token } = readTimestampResponse(bytes);
  if (status !== 0n && status !== 1n) {
    const words = statusText === "" ? "" : `: ${statusText}`;
    throw new TimestampRefusedError("not-granted", `status ${status}${words}`);
  }
  if (token === null) throw new DerError("the response grants a token that is not there");
  return token;
}

function requireAnswerOf({ imprint, nonce, policy }: TokenQuestion, info: TimestampInfo): void {
  if (info.imprintAlgorithm !== sha256Id || Buffer.compare(info.imprint, imprint) !== 0) {
    throw new TimestampRefusedError("other-imprint", `it is over ${Buffer.from(info.imprint).toString("hex")}`);
  }
  if (nonce !== undefined && info.nonce !== nonce) {
    throw new TimestampRefusedError("other-nonce", info.nonce === null ? "it carries no nonce" : "the nonces differ");
  }
  if (policy !== undefined && info.policy !== policy) {
    throw new TimestampRefusedError("other-policy", `it was made under ${info.policy}`);
  }
}

function isSigner(certificate: Certificate, { signer: { id } }: TimestampToken): boolean {
  if (id.kind === "issuer-and-serial") {
    return certificate.serial === id.serial && Buffer.compare(certificate.issuer, id.issuer) === 0;
  }
  const extension = certificate.extensions.get(extensionId.subjectKeyIdentifier);
  return extension !== undefined && Buffer.compare(readDer(extension.value).content, id.keyIdentifier) === 0;
}

const contentTypeId = "1.2.840.113549.1.9.3";
const messageDigestId = "1.2.840.113549.1.9.4";
const signingCertificateId = "1.2.840.113549.1.9.16.2.12";
const signingCertificateV2Id = "1.2.840.113549.1.9.16.2.47";

/**
 * The signature covers which certificate made it (RFC 3161 section 2.4.1, RFC 5816): otherwise another certificate over
 * the same key, of another purpose or validity, could be put in its place.
 */
function requireNamed(certificate: Certificate, { signer: { attributes } }: TimestampToken): void {
  const found = attributes.get(signingCertificateV2Id) ?? attributes.get(signingCertificateId);
  if (found === undefined) throw new TimestampRefusedError("certificate-not-named", "it names none");
  const [certificates] = childrenOf(found);
  const first = certificates === undefined ? undefined : childrenOf(certificates)[0];
  if (first === undefined) throw new DerError("the signing certificate is empty");
  const fields = DerFields.ofSequence(first, "the signing certificate");
  const algorithm = attributes.has(signingCertificateV2Id) ? fields.takeIf(derTag.sequence) : null;
  const digest = !attributes.has(signingCertificateV2Id)
    ? "sha1" // The first version of the attribute knows no other; it only picks, the signature proves.
    : digestNameOf(algorithm === null ? sha256Id : algorithmOf(algorithm, "the certificate's digest").id);
  const hash = fields.take(derTag.octetString, "its hash").content;
  if (Buffer.compare(createHash(digest).update(certificate.raw).digest(), hash) !== 0) {
    throw new TimestampRefusedError("certificate-not-named", `it names another one than ${nameOf(certificate)}`);
  }
}

/** The signature is over attributes, one of which is the digest of the content (RFC 5652 section 5.4). */
function requireDigest({ infoBytes, signer }: TimestampToken): void {
  const type = signer.attributes.get(contentTypeId);
  const digest = signer.attributes.get(messageDigestId);
  if (type === undefined || digest === undefined) throw new DerError("the signed attributes lack type or digest");
  if (objectIdentifierOf(type, "the signed content type") !== timestampInfoId) {
    throw new DerError("the signature is over another type of content");
  }
  const actual = createHash(digestNameOf(signer.digestAlgorithm)).update(infoBytes).digest();
  if (digest.tag !== derTag.octetString || Buffer.compare(actual, digest.content) !== 0) {
    throw new TimestampRefusedError("wrong-signature", "it is over another content");
  }
}

function requirePlausible({ genTimeMs, notBeforeMs, notAfterMs }: VerifiedToken, clock: TokenQuestion["clock"]): void {
  if (clock === undefined) return;
  if (notBeforeMs <= clock.notAfterMs && notAfterMs >= clock.notBeforeMs) return;
  throw new TimestampRefusedError(
    "clock-disagrees",
    `the timestamp says ${utcText(genTimeMs)}, this box ${utcText(clock.notBeforeMs)} to ${utcText(clock.notAfterMs)}`,
  );
}
