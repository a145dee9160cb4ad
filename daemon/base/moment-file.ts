import { readFileSync, writeFileSync } from "node:fs";
import { systemCode } from "./errors.ts";
import { parseUtcText, utcText } from "./system-time.ts";
import type { WallMs } from "./time.ts";

/** When something was done last, so that a box that was off at its hour makes up for it; `null` when it never was. */
export function readMoment(file: string): WallMs | null {
  try {
    return parseUtcText(readFileSync(file, "utf8").trim());
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    throw error;
  }
}

export function keepMoment(file: string, at: WallMs): void {
  writeFileSync(file, `${utcText(at)}\n`, { mode: 0o600 });
}
