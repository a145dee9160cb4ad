import { type BadgeForm, normaliseBadge } from "../../daemon/base/badge-form.ts";
import { etxText, stxText } from "../serial/control.ts";
import type { FrameEnd } from "../serial/framing.ts";

/** What readers and scanners without a known checksum send: text, and something that ends it. */
export type PlainLines = {
  readonly end: FrameEnd;
  /** Without ends, STX and ETX. */
  readonly texts: readonly string[];
  /** Share of the bytes that belong to such lines, 0 to 1. */
  readonly explained: number;
};

const shapes: readonly { readonly end: FrameEnd; readonly line: RegExp }[] = [
  { end: "crlf", line: new RegExp(String.raw`${stxText}?([\x20-\x7e]+)${etxText}?\r\n`, "g") },
  { end: "cr", line: new RegExp(String.raw`${stxText}?([\x20-\x7e]+)${etxText}?\r(?!\n)`, "g") },
  { end: "lf", line: new RegExp(String.raw`${stxText}?([\x20-\x7e]+)${etxText}?\n`, "g") },
  { end: "etx", line: new RegExp(String.raw`${stxText}([\x20-\x7e]+)${etxText}(?![\r\n])`, "g") },
  { end: "idle", line: /^([\x20-\x7e]+)$/g },
];

/** The end that explains most of the bytes; `null` when they are no text. */
export function plainLines(bursts: readonly string[]): PlainLines | null {
  const total = bursts.reduce((sum, burst) => sum + burst.length, 0);
  const found = shapes.map(({ end, line }): PlainLines => {
    const matches = bursts.flatMap((burst) => [...burst.matchAll(line)]);
    const explained = matches.reduce((sum, [whole]) => sum + whole.length, 0) / total;
    return { end, texts: matches.map(([, text = ""]) => text), explained };
  });
  const best = found.reduce((most, each) => (each.explained > most.explained ? each : most));
  return best.texts.length === 0 ? null : best;
}

/**
 * What stands in front of every badge and is none of it: the symbology mark of a scanner (`]Q3`, ISO 15424), or, where the
 * whole is no number, what different badges have in common up to the last character that no hexadecimal number has. It has
 * a letter or a sign that no number is written with: `12-` may be half of one. Empty when nothing tells.
 */
export function prefixOf(texts: readonly string[]): string {
  const [first = "", ...others] = new Set(texts);
  const common = others.reduce(commonStart, first);
  const mark = /^\][A-Za-z][0-9A-Za-z]/.exec(common)?.[0] ?? "";
  if (others.length === 0 || formOf(texts.map((text) => text.slice(mark.length))).form !== "text") return mark;
  const words = /^.*[^0-9A-Fa-f]/.exec(common.slice(mark.length))?.[0] ?? "";
  return /[G-Zg-z]|[^0-9A-Fa-f\s:,./_-]$/.test(words) && mark.length + words.length <= prefixMaxChars
    ? mark + words
    : mark;
}

/** Longer ones are no prefix but most of a long text, and the configuration takes none. */
export const prefixMaxChars: number = 32;

function commonStart(one: string, other: string): string {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  return one.slice(0, length);
}

/** The printed form that all the badges are of, the narrowest first, with its name for a person. */
export function formOf(badges: readonly string[]): { readonly form: BadgeForm; readonly words: string } {
  const all = (holds: (badge: string) => boolean): boolean => badges.length > 0 && badges.every(holds);
  if (all((badge) => /^\d{3}[,. ]\d{5}$/.test(badge))) return { form: "3D5D", words: "3D5D numbers" };
  if (all((badge) => /^\d{10}$/.test(badge) && normaliseBadge(badge, "8H10D") !== null)) {
    return { form: "8H10D", words: "8H10D numbers, or plain decimal" };
  }
  if (all((badge) => /^\d{1,25}$/.test(badge) && normaliseBadge(badge, "decimal") !== null)) {
    return { form: "decimal", words: "decimal numbers" };
  }
  if (all((badge) => normaliseBadge(badge, "wiegand26") === badge.toUpperCase())) {
    return { form: "wiegand26", words: "Wiegand 26 numbers, parity right" };
  }
  if (all((badge) => hexPairs.test(badge) && normaliseBadge(badge, "hex") !== null)) {
    return { form: "hex", words: "hexadecimal numbers" };
  }
  return { form: "text", words: "text" };
}

/** Byte for byte, with the same character between all of them or none. */
const hexPairs = /^[0-9A-F]{2}(?:([ :-]?)[0-9A-F]{2}(?:\1[0-9A-F]{2})*)?$/i;

/**
 * A pattern for badges of that form. Who tries one badge has not seen how long others are: only what the form says of it is
 * fixed, and that numbers which are filled up with zeros are no shorter. One that lost a digit on the line is somebody else's.
 */
export function patternOf(badges: readonly string[], form: BadgeForm): string {
  switch (form) {
    case "3D5D":
      return "^(?<badge>[0-9]{3}[,. ][0-9]{5})$";
    case "8H10D":
    case "decimal":
      return `^(?<badge>[0-9]${repetition(badges)})$`;
    case "wiegand26":
      return "^(?<badge>[0-9A-Fa-f]{8})$";
    case "hex":
      return badges.every((badge) => /^[0-9A-F]+$/i.test(badge))
        ? "^(?<badge>[0-9A-Fa-f]+)$"
        : "^(?<badge>[0-9A-Fa-f :-]+)$";
    case "text":
      return "^(?<badge>.+)$";
  }
}

function repetition(numbers: readonly string[]): string {
  const shortest = Math.min(...numbers.map((number) => number.length));
  const isFilledUp = numbers.some((number) => number.length === shortest && number.startsWith("0"));
  return isFilledUp ? `{${shortest},}` : "+";
}
