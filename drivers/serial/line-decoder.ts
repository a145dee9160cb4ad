import type { BadFrameReason } from "../contract.ts";
import { createBadgePattern } from "./badge-pattern.ts";
import { frameEnds, stx } from "./control.ts";

export type Decoded =
  | { readonly kind: "badge"; readonly text: string }
  | { readonly kind: "bad"; readonly reason: BadFrameReason };

/** The badge's own characters in a frame, or why there are none. */
export type FrameDecoder = (frame: Uint8Array) => Decoded;

export type LineDecoderSettings = {
  /** Required in front and removed; empty for none. */
  readonly prefix: string;
  /** Required behind and removed; empty for none. */
  readonly suffix: string;
  /** Source of a regular expression without flags, matched after prefix and suffix are gone; its group `badge` is the badge. */
  readonly pattern: string | null;
};

/** @throws SyntaxError when the pattern is no regular expression */
export function createLineDecoder({ prefix, suffix, pattern }: LineDecoderSettings): FrameDecoder {
  const badgeOf = pattern === null ? null : createBadgePattern(pattern);
  return (frame) => {
    const text = withoutFraming(frame);
    if (text === "") return { kind: "bad", reason: "empty" };
    if (!isPrintable(text)) return { kind: "bad", reason: "not-printable" };
    const isDressed = text.startsWith(prefix) && text.endsWith(suffix) && text.length >= prefix.length + suffix.length;
    if (!isDressed) return { kind: "bad", reason: "pattern-mismatch" };
    const bare = text.slice(prefix.length, text.length - suffix.length);
    const badge = badgeOf === null ? bare : badgeOf(bare);
    if (badge === null) return { kind: "bad", reason: "pattern-mismatch" };
    return badge === "" ? { kind: "bad", reason: "empty" } : { kind: "badge", text: badge };
  };
}

export function isPrintable(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}

/** A frame's characters without an STX in front and ends behind, which stay on it where a character or silence ended it. */
export function withoutFraming(frame: Uint8Array): string {
  let from = 0;
  let to = frame.length;
  if (frame[0] === stx) from += 1;
  while (to > from && frameEnds.has(frame[to - 1] ?? 0)) to -= 1;
  return Buffer.from(frame.subarray(from, to)).toString("latin1");
}
