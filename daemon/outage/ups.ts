import { execFile } from "node:child_process";
import type { Layers } from "./layers.ts";

/** `upsc` answers from the daemon on the same machine, or says at once that there is none. */
export const upsMaxMs: number = 3_000;

/** What a UPS says of its supply, in the words of NUT's `ups.status`: OL is on line, OB on battery. */
export function powerIn(status: string): Layers["power"] {
  const words = status.trim().split(/\s+/);
  if (words.includes("OB")) return "battery";
  return words.includes("OL") ? "mains" : "unknown";
}

/**
 * Asks NUT's `upsc`. Never rejects: a UPS that cannot be asked says nothing.
 *
 * @param name as `upsc` takes it, such as `ups@localhost`
 * @param program `upsc`, wherever it is
 */
export function readUps(name: string, program = "upsc"): Promise<Layers["power"]> {
  return new Promise((resolve) => {
    execFile(program, [name, "ups.status"], { timeout: upsMaxMs }, (error, output) =>
      resolve(error === null ? powerIn(output) : "unknown"),
    );
  });
}
