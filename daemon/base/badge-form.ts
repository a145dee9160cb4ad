/**
 * The forms in which one and the same badge is printed, sent and kept. There is no standard: the site says which form
 * its roster holds and what each reader sends, and one is turned into the other here.
 *
 * | form | example for tag 01 0063E9AE | bits kept |
 * | --- | --- | --- |
 * | `hex` | `010063E9AE` | all |
 * | `decimal` | `4301515182` | all, leading zeros dropped |
 * | `8H10D` | `0006547886` | low 32 |
 * | `3D5D` | `099,59822` | low 24 |
 * | `wiegand26` | `B1F4D700`, 26 bits packed from the left | low 24 |
 * | `text` | as printed | – |
 */
export type BadgeForm = "hex" | "decimal" | "8H10D" | "3D5D" | "wiegand26" | "text";

/** Which end of the number a reader sends first. */
export type ByteOrder = "msb" | "lsb";

/** A longer identifier is no badge: ISO 14443 allows 10 bytes, barcodes stay below 64 characters. */
export const badgeMaxBytes: number = 10;
export const badgeTextMaxChars: number = 64;

const bitsKept: Record<Exclude<BadgeForm, "text">, number> = {
  hex: badgeMaxBytes * 8,
  decimal: badgeMaxBytes * 8,
  "8H10D": 32,
  "3D5D": 24,
  wiegand26: 24,
};

/** Whether what a reader sends as `from` holds enough bits to know the badge's `to`. */
export function derivable(from: BadgeForm, to: BadgeForm): boolean {
  if (from === "text" || to === "text") return from === to;
  return bitsKept[from] >= bitsKept[to];
}

/** A badge's number in `to`, from the characters a reader sent as `from`; `null` when they are not of that form. */
export function convertBadge(text: string, from: BadgeForm, byteOrder: ByteOrder, to: BadgeForm): string | null {
  if (from === "text" || to === "text") return from === to ? normaliseBadge(text, to) : null;
  if (!derivable(from, to)) return null;
  const bytes = decode(tidied(text, from), from);
  if (bytes === null) return null;
  return encode(byteOrder === "msb" ? bytes : bytes.toReversed(), to);
}

/** The one way to write a badge number in `form`, from any way people write it; `null` when it is not of that form. */
export function normaliseBadge(written: string, form: BadgeForm): string | null {
  const text = tidied(written, form);
  if (form === "text") return /^[\x20-\x7e]+$/.test(text) && text.length <= badgeTextMaxChars ? text : null;
  const bytes = decode(text, form);
  return bytes === null ? null : encode(bytes, form);
}

/** Without what people write between bytes, and some readers send. */
function tidied(written: string, form: BadgeForm): string {
  const text = written.trim();
  return form === "hex" || form === "wiegand26" ? text.replace(/[\s:-]/g, "") : text;
}

/** ISO 14443-3: a 4-byte UID that begins with 08 is random, another one at every presentation. */
export function isRandomUid(number: string, form: BadgeForm): boolean {
  return form === "hex" && /^08[0-9A-F]{6}$/.test(number);
}

/** The bytes of a number, most significant first; `null` when the text is not of the form. */
function decode(text: string, form: Exclude<BadgeForm, "text">): Uint8Array | null {
  switch (form) {
    case "hex":
      return /^([0-9a-f]{2})+$/i.test(text) && text.length <= badgeMaxBytes * 2 ? Buffer.from(text, "hex") : null;
    case "decimal":
      return /^\d{1,25}$/.test(text) ? bytesOf(BigInt(text), null) : null;
    case "8H10D":
      return /^\d{1,10}$/.test(text) ? bytesOf(BigInt(text), 4) : null;
    case "3D5D": {
      const [, high, low] = /^(\d{1,3})[,.\s]?(\d{5})$/.exec(text) ?? [];
      if (high === undefined || low === undefined || Number(high) > 0xff || Number(low) > 0xffff) return null;
      return bytesOf((BigInt(high) << 16n) | BigInt(low), 3);
    }
    case "wiegand26":
      return decodeWiegand26(text);
  }
}

function encode(bytes: Uint8Array, form: Exclude<BadgeForm, "text">): string {
  const hex = Buffer.from(bytes).toString("hex");
  if (form === "hex") return hex.toUpperCase();
  const value = BigInt(`0x0${hex}`);
  switch (form) {
    case "decimal":
      return value.toString();
    case "8H10D":
      return (value & 0xffffffffn).toString().padStart(10, "0");
    case "3D5D":
      return `${((value >> 16n) & 0xffn).toString().padStart(3, "0")},${(value & 0xffffn).toString().padStart(5, "0")}`;
    case "wiegand26":
      return encodeWiegand26(Number(value & 0xffffffn));
  }
}

/** Identifiers come in these widths: 4, 7 and 10 bytes (ISO 14443), 5 (EM4100), 8 (ISO 15693). */
const widthsBytes: readonly number[] = [4, 5, 7, 8, badgeMaxBytes];

function bytesOf(value: bigint, widthBytes: number | null): Uint8Array | null {
  const width = widthBytes ?? widthsBytes.find((each) => value < 1n << BigInt(each * 8));
  if (width === undefined || value >= 1n << BigInt(width * 8)) return null;
  return Buffer.from(value.toString(16).padStart(width * 2, "0"), "hex");
}

/** Even parity over the first twelve bits, odd parity over the last twelve, packed from the left into four bytes. */
function encodeWiegand26(number: number): string {
  const leading = ones(number >>> 12) % 2;
  const trailing = 1 - (ones(number & 0xfff) % 2);
  const packed = BigInt((leading << 25) | (number << 1) | trailing) << 6n;
  return packed.toString(16).toUpperCase().padStart(8, "0");
}

function decodeWiegand26(text: string): Uint8Array | null {
  if (!/^[0-9a-f]{8}$/i.test(text)) return null;
  const number = Number((BigInt(`0x${text}`) >> 7n) & 0xffffffn);
  return encodeWiegand26(number) === text.toUpperCase() ? bytesOf(BigInt(number), 3) : null;
}

function ones(value: number): number {
  let count = 0;
  for (let rest = value; rest > 0; rest >>>= 1) count += rest & 1;
  return count;
}
