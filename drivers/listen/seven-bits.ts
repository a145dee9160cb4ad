import { frameEnds, stx } from "../serial/control.ts";
import type { LineSettings } from "../serial/session.ts";

/** What a reader that sends seven data bits looks like on a line of eight: the parity or stop bit comes as the eighth. */
export type SevenBits = {
  /** How the port has to be opened. */
  readonly line: LineSettings;
  /** The bursts without the eighth bit. */
  readonly bursts: readonly Uint8Array[];
  /** For a person. */
  readonly words: string;
};

/** Fewer bytes agree by chance. */
const bytesMin = 8;

/** Heard far too fast, all bytes are the same few: at six times its speed a line makes E0 of nearly every one. */
const differentMin = 4;

/** Where the line is right, a byte that is neither of the parity nor text is noise. */
const agreeingMin = 0.95;

const kinds: readonly {
  readonly parity: LineSettings["parity"];
  readonly words: string;
  readonly holds: (byte: number) => boolean;
}[] = [
  { parity: "even", words: "7 data bits with even parity", holds: (byte) => ones(byte) % 2 === 0 },
  { parity: "odd", words: "7 data bits with odd parity", holds: (byte) => ones(byte) % 2 === 1 },
  // Two stop bits, or a parity bit that is always set. A little too fast bytes look so as well, but for the ends of frames.
  { parity: "none", words: "7 data bits and a bit that is always set", holds: (byte) => byte >= 0x80 },
];

/** `null` when the line is one of seven bits already, or what was heard on it are eight. */
export function sevenBits(bursts: readonly Uint8Array[], line: LineSettings): SevenBits | null {
  const bytes = bursts.flatMap((burst) => [...burst]);
  const isText = (byte: number): boolean => (byte >= 0x20 && byte <= 0x7e) || byte === stx || frameEnds.has(byte);
  if (line.dataBits === 7 || bytes.length < bytesMin) return null;
  const kind = kinds.find(({ parity, holds }) => {
    const agreeing = bytes.filter((byte) => holds(byte) && isText(byte & 0x7f));
    if (agreeing.length / bytes.length < agreeingMin || new Set(agreeing).size < differentMin) return false;
    const set = agreeing.filter((byte) => byte >= 0x80);
    if (parity === "none") return set.some((byte) => frameEnds.has(byte & 0x7f));
    return set.length > 0 && set.length < agreeing.length;
  });
  if (kind === undefined) return null;
  return {
    line: { ...line, dataBits: 7, parity: kind.parity },
    bursts: bursts.map((burst) => burst.map((byte) => byte & 0x7f)),
    words: kind.words,
  };
}

/** How many bits of a byte are set. */
export function ones(byte: number): number {
  let count = 0;
  for (let rest = byte; rest > 0; rest >>= 1) count += rest & 1;
  return count;
}
