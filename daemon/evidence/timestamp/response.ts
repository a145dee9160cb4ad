import { parseUtcText, utcText } from "../../base/system-time.ts";
import { type WallMs, wallMs } from "../../base/time.ts";
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

/** `TimeStampResp` (RFC 3161 section 2.4.2). */
export type TimestampResponse = {
  /** 0 granted, 1 granted with modifications, more: refused. */
  readonly status: bigint;
  /** What the authority says of a refusal, cut and without control characters; empty when nothing. */
  readonly statusText: string;
  readonly token: TimestampToken | null;
};

/** The CMS signed data around a `TSTInfo` (RFC 5652 section 5). */
export type TimestampToken = {
  readonly info: TimestampInfo;
  /** The bytes of `info` that the message digest covers. */
  readonly infoBytes: Uint8Array;
  /** As they came, in DER; nothing is trusted about them. */
  readonly certificates: readonly Uint8Array[];
  readonly signer: TimestampSigner;
};

export type TimestampInfo = {
  readonly policy: string;
  readonly imprintAlgorithm: string;
  readonly imprint: Uint8Array;
  readonly serial: bigint;
  readonly genTimeMs: WallMs;
  /** How far the authority itself says it may be off, ms, rounded up; `null` when it does not say. */
  readonly accuracyMs: number | null;
  readonly nonce: bigint | null;
};

export type TimestampSigner = {
  readonly id:
    | { readonly kind: "issuer-and-serial"; readonly issuer: Uint8Array; readonly serial: bigint }
    | { readonly kind: "key-identifier"; readonly keyIdentifier: Uint8Array };
  readonly digestAlgorithm: string;
  /** As a SET OF, which is what the signature is over (RFC 5652 section 5.4). */
  readonly signedAttributes: Uint8Array;
  /** The one value of each attribute, by the attribute's identifier. */
  readonly attributes: ReadonlyMap<string, DerNode>;
  readonly signatureAlgorithm: { readonly id: string; readonly parameters: DerNode | null };
  readonly signature: Uint8Array;
};

const signedDataId = "1.2.840.113549.1.7.2";
export const timestampInfoId: string = "1.2.840.113549.1.9.16.1.4";
const statusTextMaxLength = 200;

/** @throws {DerError} where it is not what RFC 3161 describes. */
export function readTimestampResponse(bytes: Uint8Array): TimestampResponse {
  const fields = DerFields.ofSequence(readDer(bytes), "the response");
  const info = DerFields.ofSequence(fields.take(derTag.sequence, "its status"), "the status");
  const status = integerOf(info.take(derTag.integer, "its number"), "the status");
  const texts = info.takeIf(derTag.sequence);
  const token = fields.takeIf(derTag.sequence);
  fields.end();
  return { status, statusText: statusText(texts), token: token === null ? null : readToken(token) };
}

function statusText(texts: DerNode | null): string {
  if (texts === null) return "";
  const all = childrenOf(texts).map((text) => Buffer.from(text.content).toString("utf8"));
  return all
    .join("; ")
    .replace(/\p{Cc}+/gu, " ")
    .slice(0, statusTextMaxLength);
}

function readToken(node: DerNode): TimestampToken {
  const outer = DerFields.ofSequence(node, "the token");
  expectId(outer.take(derTag.objectIdentifier, "its type"), signedDataId, "the token's type");
  const signedData = onlyChildOf(outer.take(contextTag(0, true), "its content"), "the token's content");
  outer.end();

  const fields = DerFields.ofSequence(signedData, "the signed data");
  fields.take(derTag.integer, "its version");
  const digests = childrenOf(fields.take(derTag.set, "its digest algorithms")).map(digestAlgorithmOf);
  const infoBytes = readEncapsulated(fields.take(derTag.sequence, "its content"));
  const certificates = fields.takeIf(contextTag(0, true));
  fields.takeIf(contextTag(1, true));
  const signers = childrenOf(fields.take(derTag.set, "its signers"));
  fields.end();
  const [signer, ...others] = signers;
  if (signer === undefined || others.length > 0) throw new DerError("a token has exactly one signer");
  const read = readSigner(signer);
  if (!digests.includes(read.digestAlgorithm)) throw new DerError("the token does not list its signer's digest");
  return {
    info: readInfo(readDer(infoBytes)),
    infoBytes,
    certificates:
      certificates === null
        ? []
        : childrenOf(certificates)
            .filter((each) => each.tag === derTag.sequence)
            .map((each) => each.raw),
    signer: read,
  };
}

function readEncapsulated(node: DerNode): Uint8Array {
  const fields = DerFields.ofSequence(node, "the content");
  expectId(fields.take(derTag.objectIdentifier, "its type"), timestampInfoId, "the content's type");
  const octets = onlyChildOf(fields.take(contextTag(0, true), "its octets"), "the content");
  fields.end();
  return expectTag(octets, derTag.octetString, "the content").content;
}

function readInfo(node: DerNode): TimestampInfo {
  const fields = DerFields.ofSequence(node, "TSTInfo");
  if (integerOf(fields.take(derTag.integer, "its version"), "the version") !== 1n) {
    throw new DerError("TSTInfo is of another version than 1");
  }
  const policy = objectIdentifierOf(fields.take(derTag.objectIdentifier, "its policy"), "the policy");
  const imprint = DerFields.ofSequence(fields.take(derTag.sequence, "its imprint"), "the imprint");
  const imprintAlgorithm = digestAlgorithmOf(imprint.take(derTag.sequence, "its algorithm"));
  const imprintOctets = imprint.take(derTag.octetString, "its octets").content;
  imprint.end();
  const serial = integerOf(fields.take(derTag.integer, "its serial number"), "the serial number");
  const genTimeMs = readTime(fields.take(derTag.generalizedTime, "its time"));
  const accuracy = fields.takeIf(derTag.sequence);
  const ordering = fields.takeIf(derTag.boolean);
  if (ordering !== null) booleanOf(ordering, "the ordering");
  const nonce = fields.takeIf(derTag.integer);
  fields.takeIf(contextTag(0, true));
  const extensions = fields.takeIf(contextTag(1, true));
  if (extensions !== null) refuseCriticalExtensions(extensions);
  fields.end();
  return {
    policy,
    imprintAlgorithm,
    imprint: imprintOctets,
    serial,
    genTimeMs,
    accuracyMs: accuracy === null ? null : readAccuracy(accuracy),
    nonce: nonce === null ? null : integerOf(nonce, "the nonce"),
  };
}

/** What is marked critical changes what the token means, and none is known here. */
function refuseCriticalExtensions(extensions: DerNode): void {
  for (const extension of childrenOf(extensions)) {
    const fields = DerFields.ofSequence(extension, "an extension");
    fields.take(derTag.objectIdentifier, "its identifier");
    const critical = fields.takeIf(derTag.boolean);
    if (critical !== null && booleanOf(critical, "the criticality")) {
      throw new DerError("TSTInfo carries a critical extension that is not known");
    }
  }
}

/** `YYYYMMDDhhmmss[.f…]Z`; what is finer than a millisecond is cut off. */
function readTime(node: DerNode): WallMs {
  const text = Buffer.from(node.content).toString("latin1");
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d*[1-9]))?Z$/.exec(text);
  const [, year, month, day, hour, minute, second, fraction = ""] = parts ?? [];
  const isoText = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const at = parts === null ? null : parseUtcText(`${isoText}Z`);
  // The round trip finds the thirtieth of February, which the parser takes for the second of March.
  if (at === null || !utcText(at).startsWith(isoText)) throw new DerError("the time is none");
  return wallMs(at + Number(fraction.slice(0, 3).padEnd(3, "0")));
}

/** Seconds, and below them milliseconds and microseconds, 1 to 999 each. */
function readAccuracy(node: DerNode): number {
  const fields = new DerFields(node, "the accuracy");
  const part = (tag: number, max: bigint): number => {
    const found = fields.takeIf(tag);
    if (found === null) return 0;
    const value = integerOf({ ...found, tag: derTag.integer }, "the accuracy");
    if (value < 0n || value > max) throw new DerError("the accuracy is out of its range");
    return Number(value);
  };
  const seconds = part(derTag.integer, 86_400_000n);
  const millis = part(contextTag(0, false), 999n);
  const micros = part(contextTag(1, false), 999n);
  fields.end();
  return seconds * 1000 + millis + Math.ceil(micros / 1000);
}

function readSigner(node: DerNode): TimestampSigner {
  const fields = DerFields.ofSequence(node, "the signer");
  fields.take(derTag.integer, "its version");
  const id = readSignerId(fields.takeAny("its identifier"));
  const digestAlgorithm = digestAlgorithmOf(fields.take(derTag.sequence, "its digest algorithm"));
  const signedAttributes = fields.take(contextTag(0, true), "its signed attributes");
  const signatureAlgorithm = algorithmOf(
    fields.take(derTag.sequence, "its signature algorithm"),
    "the signature algorithm",
  );
  const signature = fields.take(derTag.octetString, "its signature").content;
  fields.takeIf(contextTag(1, true));
  fields.end();
  return {
    id,
    digestAlgorithm,
    signedAttributes: Buffer.concat([Uint8Array.of(derTag.set), signedAttributes.raw.subarray(1)]),
    attributes: readAttributes(signedAttributes),
    signatureAlgorithm,
    signature,
  };
}

/** Digests take no parameters; some write that as NULL (RFC 5754 section 2). */
function digestAlgorithmOf(node: DerNode): string {
  const { id, parameters } = algorithmOf(node, "a digest algorithm");
  if (parameters !== null && (parameters.tag !== derTag.null || parameters.content.length > 0)) {
    throw new DerError("a digest algorithm has parameters");
  }
  return id;
}

function readSignerId(node: DerNode): TimestampSigner["id"] {
  if (node.tag === contextTag(0, false)) return { kind: "key-identifier", keyIdentifier: node.content };
  const fields = DerFields.ofSequence(node, "the signer's identifier");
  const issuer = fields.take(derTag.sequence, "its issuer").raw;
  const serial = integerOf(fields.take(derTag.integer, "its serial number"), "the signer's serial number");
  fields.end();
  return { kind: "issuer-and-serial", issuer, serial };
}

function readAttributes(set: DerNode): ReadonlyMap<string, DerNode> {
  const attributes = new Map<string, DerNode>();
  for (const attribute of childrenOf(set)) {
    const fields = DerFields.ofSequence(attribute, "a signed attribute");
    const id = objectIdentifierOf(fields.take(derTag.objectIdentifier, "its identifier"), "a signed attribute");
    const value = onlyChildOf(fields.take(derTag.set, "its value"), "a signed attribute");
    fields.end();
    if (attributes.has(id)) throw new DerError("a signed attribute comes twice");
    attributes.set(id, value);
  }
  return attributes;
}

function expectId(node: DerNode, id: string, what: string): void {
  if (objectIdentifierOf(node, what) !== id) throw new DerError(`${what} is another one`);
}
