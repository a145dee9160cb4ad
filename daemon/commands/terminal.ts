import { BadgedError, messageOf } from "../base/errors.ts";

/** Where a command writes. Results go to `out`, everything else to `err`, so that results can be piped. */
export type Terminal = {
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  /** Whether a person looks at `out`. */
  readonly interactive: boolean;
};

export const processTerminal: Terminal = {
  out: (line) => void process.stdout.write(`${shown(line)}\n`),
  err: (line) => void process.stderr.write(`${shown(line)}\n`),
  interactive: process.stdout.isTTY === true,
};

/** What a terminal obeys instead of showing it, but for the ends of lines and tabs; and what turns the direction of a text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
const steering = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/**
 * A text as it may be shown: names and words in it come from services, certificates, files and notes of somebody else.
 * What steers a terminal is written as JSON writes it, so that a document for machines stays the same document.
 */
export function shown(text: string): string {
  return text.replace(steering, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The site's YAML file where a command is told none. */
export const defaultConfiguration: string = process.env["BADGED_CONFIG"] || "/etc/badged/badged.yaml";

/** Columns padded to their widest cell, two spaces apart, headings first. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return [line(headings), ...rows.map(line)].join("\n");
}

/** One line of what is wrong, one of what to do. Defects of badged itself come with their stack. */
export function explain(error: unknown): string {
  if (error instanceof BadgedError) return `badged: ${error.message}\n  ${error.advice}`;
  return `badged: this is a defect in badged: ${error instanceof Error ? (error.stack ?? error.message) : messageOf(error)}`;
}
