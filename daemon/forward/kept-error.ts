import { messageOf } from "../base/errors.ts";
import { keptText } from "./kept-text.ts";

/** An error, fit to be logged. */
export type KeptError = { readonly name: string; readonly message: string; readonly stack: string };

/**
 * Of a defect, found while scans were at hand: its message may repeat what it stumbled over, a national number as well, and
 * its stack begins with the message.
 */
export function keptError(error: unknown): KeptError {
  const lines = error instanceof Error ? (error.stack ?? "").split("\n") : [];
  const frames = lines.map((line) => line.trim()).filter((line) => line.startsWith("at "));
  return {
    name: error instanceof Error ? error.name : typeof error,
    message: keptText(messageOf(error)),
    stack: frames.map(keptText).join("\n"),
  };
}
