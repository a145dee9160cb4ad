import { constants, type KeyObject, verify } from "node:crypto";
import { messageOf } from "../../base/errors.ts";
import type { Certificate } from "./certificate.ts";
import { algorithmOf, contextTag, DerError, DerFields, type DerNode, derTag, integerOf, onlyChildOf } from "./der.ts";
import { TimestampRefusedError } from "./refusal.ts";
import type { TimestampSigner } from "./response.ts";

/** SHA-1 and MD5 are left out on purpose: collisions of theirs can be made. */
const digests: Readonly<Record<string, string>> = {
  "2.16.840.1.101.3.4.2.1": "sha256",
  "2.16.840.1.101.3.4.2.2": "sha384",
  "2.16.840.1.101.3.4.2.3": "sha512",
};

const rsaEncryption = "1.2.840.113549.1.1.1";
const rsaPss = "1.2.840.113549.1.1.10";
const ecPublicKey = "1.2.840.10045.2.1";

/** Identifiers that name key type and digest together. */
const combined: Readonly<Record<string, { readonly key: "rsa" | "ec"; readonly digest: string }>> = {
  "1.2.840.113549.1.1.11": { key: "rsa", digest: "sha256" },
  "1.2.840.113549.1.1.12": { key: "rsa", digest: "sha384" },
  "1.2.840.113549.1.1.13": { key: "rsa", digest: "sha512" },
  "1.2.840.10045.4.3.2": { key: "ec", digest: "sha256" },
  "1.2.840.10045.4.3.3": { key: "ec", digest: "sha384" },
  "1.2.840.10045.4.3.4": { key: "ec", digest: "sha512" },
};
const ed25519 = "1.3.101.112";

const rsaMinBits = 2048;
const ecMinBits = 256;
const ecBits: Readonly<Record<string, number>> = { prime256v1: 256, secp384r1: 384, secp521r1: 521 };

/** `sha256`, `sha384`, `sha512`. @throws {TimestampRefusedError} `weak-algorithm` for every other. */
export function digestNameOf(id: string): string {
  const name = digests[id];
  if (name === undefined) throw new TimestampRefusedError("weak-algorithm", `digest algorithm ${id}`);
  return name;
}

export function isStrongKey(key: KeyObject): boolean {
  const { modulusLength = 0, namedCurve = "" } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case "rsa":
    case "rsa-pss":
      return modulusLength >= rsaMinBits;
    case "ec":
      return (ecBits[namedCurve] ?? 0) >= ecMinBits;
    case "ed25519":
      return true;
    default:
      return false;
  }
}

export function isStrongCertificateSignature({ signatureAlgorithm }: Certificate): boolean {
  return combined[signatureAlgorithm] !== undefined || [rsaPss, ed25519].includes(signatureAlgorithm);
}

/** @throws {TimestampRefusedError} `weak-algorithm`, `wrong-signature`. */
export function requireSignature(signer: TimestampSigner, key: KeyObject): void {
  const digest = digestNameOf(signer.digestAlgorithm);
  if (!isStrongKey(key)) throw new TimestampRefusedError("weak-algorithm", "the signer's key");
  const padding = paddingOf(signer.signatureAlgorithm, digest, key);
  let fits: boolean;
  try {
    fits = verify(digest, signer.signedAttributes, { key, ...padding }, signer.signature);
  } catch (error) {
    throw new TimestampRefusedError("wrong-signature", messageOf(error), { cause: error });
  }
  if (!fits) throw new TimestampRefusedError("wrong-signature", "it was made by another key or over other bytes");
}

type Padding = { readonly padding?: number; readonly saltLength?: number };

function paddingOf({ id, parameters }: TimestampSigner["signatureAlgorithm"], digest: string, key: KeyObject): Padding {
  const type = key.asymmetricKeyType;
  const named = combined[id];
  if (named !== undefined && named.digest === digest && named.key === type) return {};
  if ((id === rsaEncryption && type === "rsa") || (id === ecPublicKey && type === "ec")) return {};
  if (id === rsaPss && (type === "rsa" || type === "rsa-pss")) {
    return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: saltLengthOf(parameters, digest) };
  }
  throw new TimestampRefusedError(
    "weak-algorithm",
    `signature algorithm ${id} with ${digest} and a key of type ${type}`,
  );
}

/** `RSASSA-PSS-params` (RFC 4055 section 3.1), where both digests have to be the one of the signature. */
function saltLengthOf(parameters: DerNode | null, digest: string): number {
  if (parameters === null) throw new DerError("RSASSA-PSS lacks its parameters");
  const fields = DerFields.ofSequence(parameters, "the parameters of RSASSA-PSS");
  const hash = algorithmOf(onlyChildOf(fields.take(contextTag(0, true), "its digest"), "the digest"), "the digest").id;
  const mask = algorithmOf(
    onlyChildOf(fields.take(contextTag(1, true), "its mask"), "the mask"),
    "the mask",
  ).parameters;
  const salt = integerOf(
    onlyChildOf(fields.take(contextTag(2, true), "its salt length"), "the salt length"),
    "the salt length",
  );
  const maskHash = mask === null || mask.tag !== derTag.sequence ? "" : algorithmOf(mask, "the mask's digest").id;
  if (digests[hash] !== digest || digests[maskHash] !== digest) {
    throw new TimestampRefusedError("weak-algorithm", "RSASSA-PSS with another digest than the signature's");
  }
  return Number(salt);
}
