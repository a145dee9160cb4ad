import { closeSync, existsSync, fsyncSync, openSync, rmSync } from "node:fs";

/*
 * An empty file beside a database that was taken over from a copy, until the evidence log has begun another epoch.
 * Beside it and not in it, for a copy made of that database at another time is none of this one's affair.
 */

const suffix = ".of-copy";

/** Durable with the folder, which the caller syncs. */
export function markAsCopy(file: string): void {
  const descriptor = openSync(file + suffix, "w", 0o600);
  fsyncSync(descriptor);
  closeSync(descriptor);
}

export function isMarkedAsCopy(file: string): boolean {
  return existsSync(file + suffix);
}

export function unmarkAsCopy(file: string): void {
  rmSync(file + suffix, { force: true });
}
