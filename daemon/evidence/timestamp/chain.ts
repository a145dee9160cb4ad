import type { WallMs } from "../../base/time.ts";
import {
  authorityDepthOf,
  type Certificate,
  extendedKeyUsageOf,
  extensionId,
  keyUsageBit,
  keyUsageOf,
  readPem,
  timeStampingId,
} from "./certificate.ts";
import { DerError } from "./der.ts";
import { TimestampRefusedError } from "./refusal.ts";
import { isStrongCertificateSignature, isStrongKey } from "./signature.ts";

/** Authorities of a chain, the root among them: no real one has more than four. */
const chainMax = 6;

/** What a certificate may mark critical and still be understood here. */
const knownExtensions: ReadonlySet<string> = new Set([
  extensionId.basicConstraints,
  extensionId.keyUsage,
  extensionId.extendedKeyUsage,
  extensionId.certificatePolicies,
  extensionId.subjectKeyIdentifier,
]);

export type ConfiguredAuthority = {
  /** Self-signed: where trust ends. */
  readonly roots: readonly Certificate[];
  /** Only links to a root. */
  readonly others: readonly Certificate[];
};

/** @throws {TimestampRefusedError} `authority-unreadable`. */
export function readAuthority(caPem: string): ConfiguredAuthority {
  const certificates = readCertificates(caPem);
  const roots = certificates.filter((each) => isSelfSigned(each));
  if (roots.length === 0) {
    throw new TimestampRefusedError(
      "authority-unreadable",
      certificates.length === 0 ? "there is no certificate in PEM" : "there is no self-signed certificate among them",
    );
  }
  return { roots, others: certificates.filter((each) => !roots.includes(each)) };
}

/** What is wrong with the configured certificates; `null` when tokens can be checked against them. */
export function authorityFault(caPem: string): string | null {
  try {
    readAuthority(caPem);
    return null;
  } catch (error) {
    if (error instanceof TimestampRefusedError) return error.message;
    throw error;
  }
}

function readCertificates(caPem: string): readonly Certificate[] {
  try {
    return readPem(caPem);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw new TimestampRefusedError("authority-unreadable", error.message, { cause: error });
  }
}

/**
 * RFC 3161 section 2.3: exactly one purpose, and marked critical. Without it any certificate of the same authority, a
 * client's or a web server's, could make time.
 *
 * @throws {TimestampRefusedError} `wrong-purpose`.
 */
export function requireTimestampPurpose(signer: Certificate): void {
  const fault = purposeFault(signer);
  if (fault !== null) throw new TimestampRefusedError("wrong-purpose", fault);
}

function purposeFault(signer: Certificate): string | null {
  const usage = extendedKeyUsageOf(signer);
  if (usage === null) return "it names no extended key usage";
  if (usage.purposes.length !== 1 || usage.purposes[0] !== timeStampingId) {
    return `it is for ${usage.purposes.join(" and ")}`;
  }
  if (!usage.critical) return "timeStamping is not marked critical";
  const bits = keyUsageOf(signer);
  const signs: readonly number[] = [keyUsageBit.digitalSignature, keyUsageBit.contentCommitment];
  if (bits !== null && (bits.length === 0 || bits.some((bit) => !signs.includes(bit)))) {
    return "its key usage is not that of a signature alone";
  }
  return null;
}

/**
 * The chain from `signer` up to a configured root, at the time of the timestamp. `brought` comes with the token: it can
 * fill a gap and is never trusted.
 *
 * @throws {TimestampRefusedError} `untrusted-authority`, `certificate-not-valid`, `weak-algorithm`.
 */
export function requireChain(
  signer: Certificate,
  brought: readonly Certificate[],
  authority: ConfiguredAuthority,
  at: WallMs,
): readonly Certificate[] {
  const links = leadingTo(authority.roots, [...authority.others, ...brought]);
  const chains = chainsOf(signer, [], links, authority.roots);
  const [first] = chains;
  if (first === undefined) {
    throw new TimestampRefusedError("untrusted-authority", `the signer is ${nameOf(signer)}`);
  }
  const strong = chains.find((chain) => chain.every(isStrong));
  if (strong === undefined) {
    throw new TimestampRefusedError("weak-algorithm", `in the chain of ${nameOf(signer)}`);
  }
  const valid = chains.find((chain) => chain.every((each) => isStrong(each) && isValidAt(each, at)));
  if (valid !== undefined) return valid;
  const expired = strong.find((each) => !isValidAt(each, at)) ?? signer;
  const { validFrom, validTo } = expired.x509;
  throw new TimestampRefusedError("certificate-not-valid", `${nameOf(expired)} is from ${validFrom} to ${validTo}`);
}

/**
 * The certificates that a root signed, or one of them. The others lead nowhere, and anybody can bring along a dozen that all
 * sign each other: from one to the next of those are millions of ways.
 */
function leadingTo(roots: readonly Certificate[], certificates: readonly Certificate[]): readonly Certificate[] {
  const leading: Certificate[] = [];
  let authorities = roots;
  while (authorities.length > 0) {
    const next = certificates.filter(
      (each) => !leading.includes(each) && authorities.some((authority) => isSignedBy(each, authority)),
    );
    leading.push(...next);
    authorities = next;
  }
  return leading;
}

/** Every chain to a root, the shortest ones first at each step. */
function chainsOf(
  below: Certificate,
  passed: readonly Certificate[],
  links: readonly Certificate[],
  roots: readonly Certificate[],
): readonly (readonly Certificate[])[] {
  const chain = [...passed, below];
  if (chain.length > chainMax || !understands(below)) return [];
  // `passed` is the signer and the authorities between: all but the signer count for the path length of the next one.
  const between = chain.length - 1;
  const ended = roots.filter((root) => issued(root, below, between)).map((root) => [...chain, root]);
  const going = links
    .filter((link) => !chain.some((each) => isSame(each, link)) && issued(link, below, between))
    .flatMap((link) => chainsOf(link, chain, links, roots));
  return [...ended, ...going];
}

function issued(authority: Certificate, below: Certificate, between: number): boolean {
  const depth = authorityDepthOf(authority);
  if (depth === null || depth < between) return false;
  const bits = keyUsageOf(authority);
  if (bits !== null && !bits.includes(keyUsageBit.certificateSigning)) return false;
  return isSignedBy(below, authority);
}

function isSignedBy(below: Certificate, authority: Certificate): boolean {
  return (
    Buffer.compare(authority.subject, below.issuer) === 0 &&
    below.x509.checkIssued(authority.x509) &&
    below.x509.verify(authority.x509.publicKey)
  );
}

function understands(certificate: Certificate): boolean {
  return [...certificate.extensions].every(([id, { critical }]) => !critical || knownExtensions.has(id));
}

/** A root's signature of itself says nothing, so that an old root may still carry a weak one. */
function isStrong(certificate: Certificate): boolean {
  const isRoot = Buffer.compare(certificate.subject, certificate.issuer) === 0;
  return isStrongKey(certificate.x509.publicKey) && (isRoot || isStrongCertificateSignature(certificate));
}

function isValidAt({ x509 }: Certificate, at: WallMs): boolean {
  return x509.validFromDate.getTime() <= at && at <= x509.validToDate.getTime();
}

function isSelfSigned({ x509 }: Certificate): boolean {
  return x509.checkIssued(x509) && x509.verify(x509.publicKey);
}

function isSame(one: Certificate, other: Certificate): boolean {
  return Buffer.compare(one.raw, other.raw) === 0;
}

/** The name that people know an authority by, on one line. */
export function nameOf({ x509 }: Certificate): string {
  return /^CN=(.*)$/m.exec(x509.subject)?.[1] ?? x509.subject.replaceAll("\n", ", ");
}
