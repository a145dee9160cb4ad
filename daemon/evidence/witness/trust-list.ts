import { readFileSync } from "node:fs";
import { BadgedError, messageOf } from "../../base/errors.ts";
import { fingerprintOf, parsePublicKey } from "../note.ts";
import type { TrustedBox } from "./judgement.ts";

export const boxesMax = 10_000;
const labelMaxLength = 100;
const form = "a line is ed25519:<base64> and what to call the box, as `badged evidence identity` prints it";

/**
 * A file of boxes: a key and a label on each line, empty lines and those with `#` in front left out.
 *
 * @throws BadgedError `configuration-unreadable`, `configuration-invalid` with every mistake
 */
export function readTrustFile(file: string): readonly TrustedBox[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const advice = "give its path with --trust, and let the user that the witness runs as read it";
    throw new BadgedError("configuration-unreadable", `the list of boxes cannot be read: ${messageOf(error)}`, advice, {
      cause: error,
    });
  }
  const entries = text
    .split("\n")
    .map((line, index) => ({ from: `${file}:${index + 1}`, line: line.trim() }))
    .filter(({ line }) => line !== "" && !line.startsWith("#"));
  return trustedBoxes(entries);
}

/** @throws BadgedError `configuration-invalid` with every mistake */
export function trustedBoxes(
  entries: readonly { readonly from: string; readonly line: string }[],
): readonly TrustedBox[] {
  const boxes: TrustedBox[] = [];
  const mistakes: string[] = [];
  for (const { from, line } of entries) {
    const [key = "", ...words] = line.split(/\s+/);
    const publicKey = parsePublicKey(key);
    if (publicKey === null) mistakes.push(`${from}: ${form}`);
    else boxes.push({ label: words.join(" ").slice(0, labelMaxLength) || fingerprintOf(publicKey), publicKey });
  }
  if (mistakes.length > 0) throw invalid(mistakes.join("\n"));
  return requireOnce(boxes);
}

/** @throws BadgedError `configuration-invalid` when a key is there twice: it would have two labels */
export function requireOnce(boxes: readonly TrustedBox[]): readonly TrustedBox[] {
  const seen = new Map<string, TrustedBox>();
  for (const box of boxes) {
    const fingerprint = fingerprintOf(box.publicKey);
    const other = seen.get(fingerprint);
    if (other !== undefined) throw invalid(`${other.label} and ${box.label} have the same key, ${fingerprint}`);
    seen.set(fingerprint, box);
  }
  if (boxes.length > boxesMax) throw invalid(`there are ${boxes.length} boxes, and ${boxesMax} are the most`);
  return boxes;
}

function invalid(message: string): BadgedError {
  return new BadgedError("configuration-invalid", message, "correct it, then start the witness again");
}
