/**
 * Distinguished encoding rules (X.690), as much of them as timestamps and certificates need. Strict where two readers of
 * one token could otherwise see two things: definite lengths in their shortest form, no byte left over.
 *
 * Of our own, since a parser that encodes again what it read (`@sigstore/core` does) verifies a signature over other bytes
 * than those that came.
 */

/** What was read is not DER, or not of the shape that was expected. */
export class DerError extends Error {
  override readonly name: string = "DerError";
}

export type DerNode = {
  /** The identifier octet: class, constructed or not, number. */
  readonly tag: number;
  readonly content: Uint8Array;
  /** The content with its tag and length, as it came. */
  readonly raw: Uint8Array;
};

export const derTag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Context-specific tag `[n]`. */
export function contextTag(number: number, constructed: boolean): number {
  return 0x80 | (constructed ? 0x20 : 0) | number;
}

/** One value that takes all of `bytes`. */
export function readDer(bytes: Uint8Array): DerNode {
  const node = readAt(bytes, 0);
  if (node.raw.length !== bytes.length) throw new DerError("bytes are left over behind a value");
  return node;
}

/** The values inside a constructed one, or inside the octets of an encapsulating string. */
export function childrenOf(node: DerNode): readonly DerNode[] {
  const children: DerNode[] = [];
  for (let at = 0; at < node.content.length; ) {
    const child = readAt(node.content, at);
    children.push(child);
    at += child.raw.length;
  }
  return children;
}

function readAt(bytes: Uint8Array, start: number): DerNode {
  const tag = bytes[start];
  const first = bytes[start + 1];
  if (tag === undefined || first === undefined) throw new DerError("a value is cut off");
  if ((tag & 0x1f) === 0x1f) throw new DerError("a tag has a number that nothing here uses");
  let contentStart = start + 2;
  let length = first;
  if (first >= 0x80) {
    const count = first & 0x7f;
    if (count === 0 || count > 4) throw new DerError("a length is indefinite or too large");
    length = 0;
    for (let index = 0; index < count; index++) length = length * 256 + (bytes[contentStart + index] ?? 0);
    contentStart += count;
    if (length < 0x80 || length < 256 ** (count - 1)) throw new DerError("a length is longer than it has to be");
  }
  if (contentStart + length > bytes.length) throw new DerError("a value is longer than what holds it");
  const end = contentStart + length;
  return { tag, content: bytes.subarray(contentStart, end), raw: bytes.subarray(start, end) };
}

/** Reads the values of a sequence one after the other, mandatory and optional ones. */
export class DerFields {
  readonly #nodes: readonly DerNode[];
  readonly #of: string;
  #next = 0;

  constructor(node: DerNode, of: string) {
    this.#nodes = childrenOf(node);
    this.#of = of;
  }

  static ofSequence(node: DerNode, of: string): DerFields {
    return new DerFields(expectTag(node, derTag.sequence, of), of);
  }

  take(tag: number, what: string): DerNode {
    const node = this.takeIf(tag);
    if (node === null) throw new DerError(`${this.#of} lacks ${what}`);
    return node;
  }

  takeIf(tag: number): DerNode | null {
    const node = this.#nodes[this.#next];
    if (node === undefined || node.tag !== tag) return null;
    this.#next++;
    return node;
  }

  takeAny(what: string): DerNode {
    const node = this.#nodes[this.#next++];
    if (node === undefined) throw new DerError(`${this.#of} lacks ${what}`);
    return node;
  }

  takeAnyIf(): DerNode | null {
    return this.#nodes[this.#next++] ?? null;
  }

  end(): void {
    if (this.#next < this.#nodes.length) throw new DerError(`${this.#of} holds more than it may`);
  }
}

export function expectTag(node: DerNode, tag: number, what: string): DerNode {
  if (node.tag !== tag) throw new DerError(`${what} is of another type`);
  return node;
}

/** The one value inside an explicit tag. */
export function onlyChildOf(node: DerNode, what: string): DerNode {
  const [child, ...others] = childrenOf(node);
  if (child === undefined || others.length > 0) throw new DerError(`${what} does not hold exactly one value`);
  return child;
}

export function integerOf(node: DerNode, what: string): bigint {
  const { content } = expectTag(node, derTag.integer, what);
  const [first, second] = content;
  if (first === undefined) throw new DerError(`${what} is an empty number`);
  if (second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) {
    throw new DerError(`${what} is longer than it has to be`);
  }
  return BigInt.asIntN(content.length * 8, BigInt(`0x${Buffer.from(content).toString("hex")}`));
}

export function booleanOf(node: DerNode, what: string): boolean {
  const { content } = expectTag(node, derTag.boolean, what);
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) throw new DerError(`${what} is neither`);
  return content[0] === 0xff;
}

/** `1.2.840.113549.1.7.2`. */
export function objectIdentifierOf(node: DerNode, what: string): string {
  const { content } = expectTag(node, derTag.objectIdentifier, what);
  const arcs: bigint[] = [];
  let arc = 0n;
  let isStart = true;
  for (const byte of content) {
    if (isStart && byte === 0x80) throw new DerError(`${what} is longer than it has to be`);
    arc = arc * 128n + BigInt(byte & 0x7f);
    isStart = byte < 0x80;
    if (!isStart) continue;
    arcs.push(arc);
    arc = 0n;
  }
  const [first, ...rest] = arcs;
  if (first === undefined || !isStart) throw new DerError(`${what} is cut off`);
  const root = first < 80n ? first / 40n : 2n;
  return [root, first - root * 40n, ...rest].join(".");
}

/** The algorithm of an `AlgorithmIdentifier` and its parameters, `null` when it has none. */
export function algorithmOf(node: DerNode, what: string): { readonly id: string; readonly parameters: DerNode | null } {
  const fields = DerFields.ofSequence(node, what);
  const id = objectIdentifierOf(fields.take(derTag.objectIdentifier, "its identifier"), what);
  const parameters = fields.takeAnyIf();
  fields.end();
  return { id, parameters };
}

/** Encodes a value from its content. */
export function derOf(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const length = content.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Uint8Array.of(tag), lengthOctets(length), ...content]);
}

function lengthOctets(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return Uint8Array.of(0x80 | octets.length, ...octets);
}

export function derObjectIdentifier(text: string): Uint8Array {
  const [root = 0n, second = 0n, ...rest] = text.split(".").map(BigInt);
  const octets = [root * 40n + second, ...rest].flatMap((arc) => {
    const groups = [Number(arc % 128n)];
    for (let left = arc / 128n; left > 0n; left /= 128n) groups.unshift(Number(left % 128n) | 0x80);
    return groups;
  });
  return derOf(derTag.objectIdentifier, Uint8Array.from(octets));
}

/** `octets` as a number that is not negative. */
export function derUnsigned(octets: Uint8Array): Uint8Array {
  let start = 0;
  while (start < octets.length - 1 && octets[start] === 0) start++;
  const shortest = octets.subarray(start);
  return derOf(derTag.integer, ...((shortest[0] ?? 0) >= 0x80 ? [Uint8Array.of(0)] : []), shortest);
}
