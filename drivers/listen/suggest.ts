import { frameEnds, stx } from "../serial/control.ts";
import type { LineSettings } from "../serial/session.ts";
import type { FrameSettings } from "../serial-line.ts";
import { type Format, formats } from "./formats.ts";
import { formOf, patternOf, plainLines, prefixOf } from "./lines.ts";
import { ones, sevenBits } from "./seven-bits.ts";
import { type OfferedSettings, snippetOf } from "./snippet.ts";

/** A driver with settings that would read what was heard. */
export type Suggestion = {
  /** The reader, or the kind of reader, that sends so. */
  readonly name: string;
  /** A sentence without its full stop, such as `5 of 5 frames passed the RDM6300 checksum`. */
  readonly reason: string;
  readonly settings: OfferedSettings;
  /** Ready to paste under the configuration's top level. */
  readonly yaml: string;
};

/** A check that fails more often than this is chance, or another reader's. */
const passedMin = 0.8;

/** Text that a form of its own explains beats text that any line would be. */
const weights = { checked: 1, shaped: 0.9, plain: 0.5 } as const;

const frameDefaults = { idleMs: 100, maxBytes: 512, prefix: "", suffix: "" } as const;

type Ranked = { readonly suggestion: Suggestion; readonly score: number };

/** What would fit the bursts that were heard on `port` with `heardOn`, best first; empty when nothing would. */
export function suggest(heard: readonly Uint8Array[], port: string, heardOn: LineSettings): readonly Suggestion[] {
  const { bursts, line } = sevenBits(heard, heardOn) ?? { bursts: heard, line: heardOn };
  const texts = bursts.map((burst) => Buffer.from(burst).toString("latin1"));
  if (texts.every((text) => text === "")) return [];
  const known = formats.map((format) => recognised(format, texts, port, line));
  return [...known, plain(texts, port, line)]
    .filter((each) => each !== null)
    .toSorted((one, other) => other.score - one.score)
    .map(({ suggestion }) => suggestion);
}

/** Above this share of bytes that are no text, and from this many bytes on, the speed is in doubt. */
const garbageShare = 0.3;
const garbageMinBytes = 8;

/** Heard far too slowly a badge is a byte or three, which may be letters by chance. */
const badgeMinBytes = 4;

const baudRates: readonly number[] = [2400, 9600, 19_200, 115_200];

/** A sentence for bytes that are no text as they come on a wrong line, or are too much of it; `null` when they look like badges. */
export function lineHint(bursts: readonly Uint8Array[], line: LineSettings): string | null {
  const seven = sevenBits(bursts, line);
  if (seven !== null) return `The eighth bit of what came is no data: the reader sends ${seven.words}`;
  const { baudRate } = line;
  const others = baudRates.filter((each) => each !== baudRate).join(", ");
  const longest = Math.max(0, ...bursts.map((burst) => burst.length));
  if (longest > 0 && longest < badgeMinBytes) {
    return `No more than ${longest === 1 ? "one byte came" : `${longest} bytes came`} at a time: the speed may be another than ${baudRate}, try ${others}`;
  }
  const bytes = bursts.flatMap((burst) => [...burst]);
  const garbage = bytes.filter((byte) => !isText(byte));
  if (bytes.length < garbageMinBytes || garbage.length / bytes.length <= garbageShare) return streamHint(bursts);
  const parity = missedParity(bytes);
  if (parity !== null) {
    return `${garbage.length} of ${bytes.length} bytes came spoiled, which are read as 00: the reader sends 8 data bits with ${parity} parity, so let it send none, or write parity: ${parity} under line`;
  }
  return `${garbage.length} of ${bytes.length} bytes are no text: the speed may be another than ${baudRate}, try ${others}`;
}

/**
 * A ninth bit stands where a line of eight looks for the stop bit. Where it is 0 the port takes the byte for spoiled, so that
 * what comes whole is text of which each byte has it set. `null` where that may be chance.
 */
function missedParity(bytes: readonly number[]): "even" | "odd" | null {
  const whole = bytes.filter((byte) => byte !== 0);
  if (whole.length < garbageMinBytes || !whole.every(isText)) return null;
  const odd = whole.filter((byte) => ones(byte) % 2 === 1).length;
  return odd === whole.length ? "even" : odd === 0 ? "odd" : null;
}

function isText(byte: number): boolean {
  return (byte >= 0x20 && byte <= 0x7e) || byte === stx || frameEnds.has(byte);
}

/** Whoever tries a reader has a badge or three. */
const differentLinesMin = 10;

/** A sentence for what comes without anybody: as a reader, each of its lines would be kept as a badge. */
function streamHint(bursts: readonly Uint8Array[]): string | null {
  const texts = bursts.map((burst) => Buffer.from(burst).toString("latin1"));
  const lines = new Set(plainLines(texts)?.texts).size;
  if (lines < differentLinesMin) return null;
  return `${lines} different lines came: if nobody held as many badges to it, this is no badge reader, or one that sends more than badges`;
}

function recognised(format: Format, texts: readonly string[], port: string, line: LineSettings): Ranked | null {
  const total = texts.reduce((sum, text) => sum + text.length, 0);
  const frames = texts.flatMap((text) => [...text.matchAll(format.frame)]);
  const passed = frames.filter((frame) => format.check === null || format.check.passes(frame));
  if (passed.length === 0 || passed.length / frames.length < passedMin) return null;
  const explained = passed.reduce((sum, [whole]) => sum + whole.length, 0) / total;
  const count = `${passed.length} of ${frames.length} frames`;
  const reason = format.check === null ? `${count} have its shape` : `${count} passed ${format.check.what}`;
  const badges = passed.map(([, text = ""]) => text);
  const suggestion = offer(format.name, reason, settingsOf(format, badges, line), port);
  return { suggestion, score: explained * (format.check === null ? weights.shaped : weights.checked) };
}

function settingsOf({ settings }: Format, badges: readonly string[], line: LineSettings): OfferedSettings {
  if (settings.driver === "rdm6300" && isRdm6300Line(line)) return { driver: "rdm6300", encoding: "hex" };
  const { end, badge } = settings.driver === "rdm6300" ? rdm6300AtAnotherSpeed : settings;
  const encoding = badge?.encoding ?? formOf(badges).form;
  const pattern = badge?.pattern ?? patternOf(badges, encoding);
  return { driver: "serial-line", line, frame: { ...frameDefaults, end, pattern }, encoding };
}

/** The driver opens its port as the data sheet says. */
function isRdm6300Line({ baudRate, dataBits, parity, stopBits }: LineSettings): boolean {
  return baudRate === 9600 && dataBits === 8 && parity === "none" && stopBits === 1;
}

const rdm6300AtAnotherSpeed = {
  end: "etx",
  badge: { pattern: "^(?<badge>[0-9A-F]{10})[0-9A-F]{2}\\s*$", encoding: "hex" },
} as const;

function plain(bursts: readonly string[], port: string, line: LineSettings): Ranked | null {
  const lines = plainLines(bursts);
  if (lines === null || lines.texts.every((text) => text.length < badgeMinBytes)) return null;
  const numbered = lines.texts.filter((text) => /\d/.test(text));
  const texts = numbered.length === 0 ? lines.texts : numbered;
  const prefix = prefixOf(texts);
  const badges = texts.map((text) => text.slice(prefix.length));
  const { form, words } = formOf(badges);
  const others = lines.texts.length - texts.length;
  const pattern = form === "text" && others > 0 ? "^(?<badge>.*[0-9].*)$" : patternOf(badges, form);
  const frame: FrameSettings = { ...frameDefaults, end: lines.end, prefix, pattern };
  const before = prefix === "" ? "" : ` behind ${JSON.stringify(prefix)}`;
  const besides = others === 0 ? "" : `, and ${others} without a digit, which are no badges`;
  const count = `${badges.length} ${badges.length === 1 ? "line" : "lines"}`;
  const reason = `${count} ${endings[lines.end]}${before}${besides}: ${words}`;
  const suggestion = offer("line of text", reason, { driver: "serial-line", line, frame, encoding: form }, port);
  return { suggestion, score: lines.explained * weights.plain };
}

const endings: Readonly<Record<FrameSettings["end"], string>> = {
  auto: "",
  cr: "ended by CR",
  lf: "ended by LF",
  crlf: "ended by CR LF",
  etx: "between STX and ETX",
  idle: "ended by silence",
};

function offer(name: string, reason: string, settings: OfferedSettings, port: string): Suggestion {
  return { name, reason, settings, yaml: snippetOf(settings, port) };
}
