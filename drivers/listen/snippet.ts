import type { BadgeForm } from "../../daemon/base/badge-form.ts";
import type { LineSettings } from "../serial/session.ts";
import type { FrameSettings } from "../serial-line.ts";

/** The settings of one reader that an installer is offered. */
export type OfferedSettings =
  | { readonly driver: "rdm6300"; readonly encoding: BadgeForm }
  | {
      readonly driver: "serial-line";
      readonly line: LineSettings;
      readonly frame: FrameSettings;
      readonly encoding: BadgeForm;
    };

/** The configuration's `readers` section for these settings, ready to paste. */
export function snippetOf(settings: OfferedSettings, port: string): string {
  const lines = ["readers:", "  - id: gate", `    driver: ${settings.driver}`, `    port: ${plainOrQuoted(port)}`];
  if (settings.driver === "serial-line") {
    const { baudRate, dataBits, parity, stopBits } = settings.line;
    lines.push(
      `    line: { baudRate: ${baudRate}, dataBits: ${dataBits}, parity: ${parity}, stopBits: ${stopBits} }`,
      `    frame: { ${frameEntries(settings.frame).join(", ")} }`,
    );
  }
  lines.push(`    badge: { encoding: ${settings.encoding}, byteOrder: msb }`, "    direction: toggle");
  return `${lines.join("\n")}\n`;
}

function frameEntries({ end, idleMs, maxBytes, prefix, suffix, pattern }: FrameSettings): readonly string[] {
  const entries = [`end: ${end}`, `idle: ${idleMs} ms`, `maxBytes: ${maxBytes}`];
  if (prefix !== "") entries.push(`prefix: ${quoted(prefix)}`);
  if (suffix !== "") entries.push(`suffix: ${quoted(suffix)}`);
  if (pattern !== null) entries.push(`pattern: ${quoted(pattern)}`);
  return entries;
}

function plainOrQuoted(text: string): string {
  return /^\/[\w/.+@-]*$/.test(text) ? text : quoted(text);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
