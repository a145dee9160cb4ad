import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import { present } from "../base/assert.ts";
import type { Hash } from "./merkle.ts";
import type { EvidenceRecord } from "./record.ts";
import { isRecord } from "./record-shape.ts";

export const noPrevious: string = "0".repeat(64);

/** No record comes near; a longer line is no record of ours. */
export const lineMaxBytes: number = 4096;

/** RFC 8785, without a line feed. */
export function lineOf(record: EvidenceRecord): string {
  return present(canonicalize(record), "a record is an object");
}

export type ParsedLine =
  | { readonly kind: "record"; readonly record: EvidenceRecord }
  | { readonly kind: "malformed"; readonly why: string };

/** Takes only what `lineOf` writes: the same bytes come back from what is returned. */
export function parseLine(line: string | Uint8Array): ParsedLine {
  if (Buffer.byteLength(line) > lineMaxBytes) return malformed(`longer than ${lineMaxBytes} bytes`);
  const text = typeof line === "string" ? line : textOf(line);
  if (text?.isWellFormed() !== true) return malformed("not UTF-8");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return malformed("not JSON");
  }
  if (!isRecord(value)) return malformed("not a record of this format");
  // Spaces, another order of keys, 1.0 for 1, a key given twice: all of them say the same in other bytes.
  return lineOf(value) === text ? { kind: "record", record: value } : malformed("not canonical");
}

/** What the next record carries as `p`. */
export function lineHash(line: string | Uint8Array): Hash {
  return createHash("sha256").update(line).digest();
}

function malformed(why: string): ParsedLine {
  return { kind: "malformed", why };
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function textOf(line: Uint8Array): string | null {
  try {
    return strictUtf8.decode(line);
  } catch {
    return null;
  }
}
