import { BadgedError, messageOf } from "../base/errors.ts";

/** Where a command writes. Results go to `out`, everything else to `err`, so that results can be piped. */
export type Terminal = {
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  /** Whether a person looks at `out`. */
  readonly interactive: boolean;
};

export const processTerminal: Terminal = {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
  interactive: process.stdout.isTTY === true,
};

/** The site's YAML file where a command is told none. */
export const defaultConfiguration: string = process.env["BADGED_CONFIG"] ?? "/etc/badged/badged.yaml";

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
