import * as v from "valibot";
import type { BadgeForm } from "../../daemon/base/badge-form.ts";
import type { DirectionSetting, FeedbackBytes, Place, ReaderSettings } from "../configuration.ts";
import { nearest } from "../nearest.ts";
import { declarationOfWorks, place } from "./site.ts";
import { choice, duration, numberChoice, path, sectionMessage, shaped, text, type Value, whole } from "./values.ts";

/** A box has as many ports as a hub offers; 16 is the largest in use. */
export const readersMax: number = 16;
export const keysMax: number = 8;
export const keyMaxChars: number = 4;
export const feedbackMaxBytes: number = 64;
export const frameMaxBytes: number = 4096;
export const patternMaxChars: number = 256;
export const affixMaxChars: number = 32;

/** What a reader sends when the file does not say; cross checks read it too. */
export const readerDefaults: { readonly encoding: BadgeForm } = { encoding: "hex" };

/** A reader as its own section says it: `null` where its site fills in. */
export type ReaderSection = OfItsOwn<ReaderSettings>;

type OfItsOwn<T> = T extends unknown
  ? Omit<T, "place" | "declarationOfWorks"> & {
      readonly place: Place | null;
      readonly declarationOfWorks: string | null;
    }
  : never;

export const badgeForms: readonly [BadgeForm, ...BadgeForm[]] = [
  "hex",
  "decimal",
  "8H10D",
  "3D5D",
  "wiegand26",
  "text",
];

const badgeEntries = {
  encoding: v.optional(
    choice("The form of the badge number that this reader sends.", badgeForms),
    readerDefaults.encoding,
  ),
  byteOrder: v.optional(
    choice("Which end of the number this reader sends first: msb (most significant byte) or lsb.", ["msb", "lsb"]),
    "msb",
  ),
};

const keyExpected: string = `a key of 1 to ${keyMaxChars} printable characters`;
const key = v.pipe(v.string(keyExpected), v.regex(new RegExp(`^[\\x21-\\x7e]{1,${keyMaxChars}}$`), keyExpected));

const keys: Value<Readonly<Record<string, "in" | "out">>> = v.pipe(
  v.record(key, choice("The direction that this key says.", ["in", "out"]), "keys with their direction, such as I: in"),
  v.maxEntries(keysMax, `at most ${keysMax} keys`),
  v.description(
    "Keys that a worker may press before badging: the characters that then come in front of the badge's own, and the direction they say.",
  ),
);

const direction: Value<DirectionSetting> = v.pipe(
  choice(
    "Direction when no key was pressed: always in, always out, or toggle: the opposite of the worker's last scan of the past 24 hours, in when there is none.",
    ["in", "out", "toggle"],
  ),
  v.transform(
    (word): DirectionSetting => (word === "toggle" ? { kind: "toggle" } : { kind: "fixed", direction: word }),
  ),
);

const commonEntries = {
  id: shaped(
    "Name of this reader in logs, status and scans. Stays the same for ever: stored scans refer to it.",
    /^[a-z0-9-]{1,32}$/,
    "1 to 32 small letters, digits and hyphens, such as gate-1",
  ),
  port: path("The serial device, best by its /dev/serial/by-id/… name, which stays the same when cables are moved."),
  direction: v.optional(direction, "toggle"),
  keys: v.optional(keys, {}),
  badge: v.optional(
    v.pipe(
      v.strictObject(badgeEntries, sectionMessage(badgeEntries)),
      v.description("What this reader sends. `badged reader listen PORT` shows it."),
    ),
    {},
  ),
  presence: v.optional(
    duration(
      "The same badge again within this time is the badge still being held to the reader.",
      "100 ms",
      "60 s",
      "500 ms",
    ),
    "500 ms",
  ),
  place: v.optional(place("Where this reader is, when that is not the site's place.")),
  declarationOfWorks: v.optional(declarationOfWorks("AvW number at this reader, when it is not the site's.")),
};

const lineEntries = {
  baudRate: v.optional(
    numberChoice(
      "Bits per second.",
      [300, 600, 1200, 2400, 4800, 9600, 14_400, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600],
    ),
    9600,
  ),
  dataBits: v.optional(numberChoice("Data bits: the 8 of 8N1.", [7, 8]), 8),
  parity: v.optional(choice("Parity: none is the N of 8N1.", ["none", "even", "odd"]), "none"),
  stopBits: v.optional(numberChoice("Stop bits: the 1 of 8N1.", [1, 2]), 1),
};

const pattern: Value<string> = v.pipe(
  text(
    "Regular expression (JavaScript, no flags) that a frame must match, with a group named badge that holds the badge's characters. Write it in single quotes.",
    patternMaxChars,
  ),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const fault = patternFault(dataset.value);
    if (fault !== null) addIssue({ message: fault });
  }),
);

const affix = (description: string): Value<string> => {
  const expected = `0 to ${affixMaxChars} printable characters`;
  return shaped(description, new RegExp(`^[\\x20-\\x7e]{0,${affixMaxChars}}$`), expected);
};

const frameEntries = {
  end: v.optional(
    choice(
      "What ends a frame: carriage return, line feed, both, ETX, silence (idle); auto takes whichever comes first.",
      ["auto", "cr", "lf", "crlf", "etx", "idle"],
    ),
    "auto",
  ),
  idle: v.optional(
    duration(
      "Silence that ends a frame. A USB adapter hands over what came every 16 ms, so that less would cut a badge in two; nor is it ever less than three characters take at 300 to 600 baud.",
      "30 ms",
      "5 s",
      "100 ms",
    ),
    "100 ms",
  ),
  maxBytes: v.optional(whole("A longer frame is dropped and counted. Bytes.", 8, frameMaxBytes), 512),
  prefix: v.optional(affix("Text in front of every badge; required, then removed."), ""),
  suffix: v.optional(affix("Text behind every badge; required, then removed."), ""),
  pattern: v.optional(pattern),
};

const feedbackExpected: string = `1 to ${feedbackMaxBytes} bytes as text in single quotes, with \\xNN, \\r, \\n, \\t and \\\\ as escapes, such as '\\x06'`;

const bytes = (description: string): Value<Uint8Array> =>
  v.pipe(
    v.string(feedbackExpected),
    v.regex(/^(?:[^\\\u0100-\uffff]|\\(?:x[0-9A-Fa-f]{2}|[rnt\\]))+$/, feedbackExpected),
    v.description(`${description} Escapes: \\xNN, \\r, \\n, \\t, \\\\.`),
    v.transform(decodeBytes),
    v.maxLength(feedbackMaxBytes, feedbackExpected),
  );

const feedbackEntries = {
  accepted: v.optional(bytes("Bytes sent when the scan is on disk.")),
  alreadyRecorded: v.optional(bytes("Bytes sent when the worker was recorded moments before.")),
  unknownBadge: v.optional(bytes("Bytes sent when the scan is on disk, but the roster does not know the badge.")),
  notRecorded: v.optional(bytes("Bytes sent when nothing was kept: badge again, or see the supervisor.")),
};

const feedback: Value<FeedbackBytes> = v.pipe(
  v.strictObject(feedbackEntries, sectionMessage(feedbackEntries)),
  v.description("Bytes sent to the reader to tell the worker. Dropped, never queued, while the reader is away."),
  v.transform((said) => ({
    accepted: said.accepted ?? null,
    "already-recorded": said.alreadyRecorded ?? null,
    "unknown-badge": said.unknownBadge ?? null,
    "not-recorded": said.notRecorded ?? null,
  })),
);

const rdm6300Entries = {
  driver: v.pipe(v.literal("rdm6300"), v.description("RDM6300 and compatibles: 125 kHz, 9600 8N1, checksum.")),
  ...commonEntries,
};

const serialLineEntries = {
  driver: v.pipe(
    v.literal("serial-line"),
    v.description("Any reader or scanner that sends text over a serial line; line and frame say how."),
  ),
  ...commonEntries,
  line: v.optional(
    v.pipe(v.strictObject(lineEntries, sectionMessage(lineEntries)), v.description("The serial line.")),
    {},
  ),
  frame: v.optional(
    v.pipe(
      v.strictObject(frameEntries, sectionMessage(frameEntries)),
      v.description("How one badge is told from the next in the bytes that come in."),
      v.transform(({ idle, pattern: source, ...frame }) => ({ ...frame, idleMs: idle, pattern: source ?? null })),
    ),
    {},
  ),
  feedback: v.optional(feedback, {}),
};

const readerSchema = v.pipe(
  v.variant(
    "driver",
    [
      v.strictObject(rdm6300Entries, sectionMessage(rdm6300Entries)),
      v.strictObject(serialLineEntries, sectionMessage(serialLineEntries)),
    ],
    driverMessage,
  ),
  v.transform(({ presence, keys: pressed, place: ownPlace, declarationOfWorks: ownNumber, ...rest }): ReaderSection => {
    return {
      ...rest,
      presenceMs: presence,
      keys: new Map(Object.entries(pressed)),
      place: ownPlace ?? null,
      declarationOfWorks: ownNumber ?? null,
    };
  }),
);

export const readersSchema: Value<readonly ReaderSection[]> = v.pipe(
  v.array(readerSchema, "a list of readers, each beginning with a hyphen"),
  v.minLength(1, "at least one reader: without one nobody can badge"),
  v.maxLength(readersMax, `at most ${readersMax} readers on one box`),
  v.description(`The badge readers, 1 to ${readersMax}.`),
);

function driverMessage({ input }: { readonly input: unknown }): string {
  if (typeof input === "object" && input !== null) return "a reader: a section with id, driver and port";
  const meant = typeof input === "string" ? nearest(input, ["rdm6300", "serial-line"]) : null;
  return `rdm6300 or serial-line${meant === null ? "" : `; did you mean ${meant}?`}`;
}

/** What is wrong with a frame's pattern, in full; `null` for a good one. */
function patternFault(source: string): string | null {
  const consequence = "no frame would become a badge";
  try {
    // The empty alternative always matches, and lists every named group of the pattern.
    const groups = new RegExp(`(?:${source})|`).exec("")?.groups ?? {};
    if ("badge" in groups) return null;
    return `has no group named badge, so ${consequence}; write '^(?<badge>[0-9A-F]{10})$' or alike`;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return `is no regular expression, so ${consequence}: ${error.message}`;
  }
}

/** Text with escapes → bytes, one per character (ISO 8859-1). The text has been checked. */
function decodeBytes(written: string): Uint8Array {
  const controls: Readonly<Record<string, string>> = { r: "\r", n: "\n", t: "\t", "\\": "\\" };
  const plain = written.replace(/\\(?:x([0-9A-Fa-f]{2})|(.))/g, (_whole, hex: string | undefined, letter: string) =>
    hex === undefined ? (controls[letter] ?? letter) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Uint8Array.from(Buffer.from(plain, "latin1"));
}
