import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { BadgedError, messageOf } from "../base/errors.ts";
import { withoutSsins } from "../base/identifiers.ts";
import type { Terminal } from "./terminal.ts";

export type Paper = { readonly name: string; readonly bytes: Buffer };

/**
 * Papers of somebody else, as they are: what is evidence is not altered. That one of them holds a national number is
 * told, for whoever gets the bundle gets it too. Only text is looked into.
 *
 * @throws BadgedError `no-input` when one cannot be read
 */
export function attachedPapers(files: readonly string[], terminal: Terminal): readonly Paper[] {
  return files.map((file) => {
    const [bytes, name] = [readOrRefuse("--attach", file), basename(file)];
    if (saysSsin(name) || saysSsin(textOf(bytes) ?? "")) {
      terminal.err(
        `${withoutSsins(file, "[number removed]")} has a national number in it or in its name, and whoever gets this bundle gets it too: hand it over only to who may have it, or export again with a copy in which it is blacked out`,
      );
    }
    return { name, bytes };
  });
}

export function readOrRefuse(option: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const advice = "name a file that may be read";
    throw new BadgedError("no-input", `${option}: ${file} cannot be read: ${messageOf(error)}`, advice, {
      cause: error,
    });
  }
}

function saysSsin(text: string): boolean {
  return withoutSsins(text, "") !== text;
}

/** `null` for what is no text, in which digits follow each other by chance. */
function textOf(bytes: Buffer): string | null {
  // What Windows calls Unicode.
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.toString("utf16le");
  // Digits and what stands between them are the same in UTF-8 and in the code pages before it.
  return bytes.includes(0) || bytes.subarray(0, 5).toString() === "%PDF-" ? null : bytes.toString("latin1");
}
