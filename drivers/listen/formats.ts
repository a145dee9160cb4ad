import type { BadgeForm } from "../../daemon/base/badge-form.ts";
import { etxText, stxText } from "../serial/control.ts";
import type { FrameEnd } from "../serial/framing.ts";

/**
 * How readers send a badge, from their data sheets. `frame` finds whole frames in the bytes of a burst (as ISO 8859-1),
 * its first group is what the check is made over.
 */
export type Format = {
  readonly name: string;
  readonly frame: RegExp;
  readonly check: Check | null;
  readonly settings: FormatSettings;
};

type Check = { readonly what: string; readonly passes: (match: RegExpExecArray) => boolean };

export type FormatSettings =
  | { readonly driver: "rdm6300" }
  | {
      readonly driver: "serial-line";
      readonly end: FrameEnd;
      /** `null` where the badges themselves tell. */
      readonly badge: { readonly pattern: string; readonly encoding: BadgeForm } | null;
    };

const rdm6300Checksum: Check = { what: "the RDM6300 checksum", passes: ([, digits = ""]) => xor(hex(digits)) === 0 };

export const formats: readonly Format[] = [
  {
    name: "RDM6300",
    frame: new RegExp(`${stxText}([0-9A-F]{12})${etxText}`, "g"),
    check: rdm6300Checksum,
    settings: { driver: "rdm6300" },
  },
  {
    name: "ID-12LA or ID-20LA",
    frame: new RegExp(String.raw`${stxText}([0-9A-F]{12})\r\n${etxText}`, "g"),
    check: rdm6300Checksum,
    settings: { driver: "rdm6300" },
  },
  {
    name: "Parallax",
    frame: /\n([0-9A-F]{10})\r/g,
    check: null,
    settings: { driver: "serial-line", end: "cr", badge: { pattern: "^(?<badge>[0-9A-F]{10})$", encoding: "hex" } },
  },
  {
    name: "EM-18",
    frame: /^([0-9A-F]{12})$/g,
    check: { ...rdm6300Checksum, what: "the EM-18 checksum" },
    settings: {
      driver: "serial-line",
      end: "idle",
      badge: { pattern: "^(?<badge>[0-9A-F]{10})[0-9A-F]{2}$", encoding: "hex" },
    },
  },
  {
    name: "IDTECK",
    frame: new RegExp(String.raw`${stxText}([\x20-\x7e]+)${etxText}([\s\S])`, "g"),
    check: {
      what: "the IDTECK checksum behind ETX",
      passes: ([, text = "", check = ""]) => xor(bytesOf(`${stxText}${text}${etxText}${check}`)) === 0,
    },
    settings: { driver: "serial-line", end: "etx", badge: null },
  },
  {
    name: "HID MaxiProx",
    frame: /(?<![0-9A-F])([0-9A-F]{14})\r\n/g,
    check: {
      what: "the MaxiProx checksum",
      passes: ([, digits = ""]) => sum(hex(digits.slice(0, -2))) === hex(digits).at(-1),
    },
    settings: {
      driver: "serial-line",
      end: "crlf",
      badge: { pattern: "^(?<badge>[0-9A-F]{12})[0-9A-F]{2}$", encoding: "hex" },
    },
  },
  {
    name: "TWN3 IndiTag",
    frame: /:((?:[0-9A-F]{2}){3,32})\r\n/g,
    check: { what: "the IndiTag checksum", passes: ([, digits = ""]) => sum(hex(digits)) === 0 },
    settings: {
      driver: "serial-line",
      end: "crlf",
      badge: { pattern: "^:(?<badge>[0-9A-F]+)[0-9A-F]{2}$", encoding: "hex" },
    },
  },
];

function hex(digits: string): Uint8Array {
  return Buffer.from(digits, "hex");
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

function xor(bytes: Uint8Array): number {
  return bytes.reduce((total, byte) => total ^ byte, 0);
}

function sum(bytes: Uint8Array): number {
  return bytes.reduce((total, byte) => (total + byte) & 0xff, 0);
}
