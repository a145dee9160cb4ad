import { statSync } from "node:fs";

/** A row of a roster has about 100 bytes, and at most `rosterMaxBadges` are taken: eight times that is another file. */
export const rosterFileMaxBytes: number = 16_000_000;

/**
 * The path of a roster that may be read whole. What is larger would end the process for want of memory, at every start,
 * where a roster that cannot be used must not keep badged from starting.
 *
 * @throws Error with the system's code when there is no such file, without one when it is too large
 */
export function checkedRosterFile(file: string): string {
  const { size } = statSync(file);
  if (size <= rosterFileMaxBytes) return file;
  const megabytes = (bytes: number): number => Math.ceil(bytes / 1_000_000);
  throw new Error(
    `it has ${megabytes(size)} MB, and a roster has at most ${megabytes(rosterFileMaxBytes)}: see that it is the right file`,
  );
}
