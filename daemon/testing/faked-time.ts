import { globSync } from "node:fs";

/** Debian's libfaketime; `undefined` where it is not installed. */
export const faketimeLibrary: string | undefined = globSync("/usr/lib/*/faketime/libfaketime.so.1")[0];

/**
 * The environment of a program whose clock stands elsewhere. Without the wrapper `faketime`, which leaves its semaphores
 * behind when it is killed, and then fails in the next process that gets its number.
 *
 * @param clock in libfaketime's words: `2020-01-01 00:00:00` stands still, `@2020-01-01 00:00:00` goes on, `+2h` is ahead
 */
export function fakedTime(clock: string): Readonly<Record<string, string>> {
  if (faketimeLibrary === undefined) throw new Error("faketime is not installed");
  return { LD_PRELOAD: faketimeLibrary, FAKETIME: clock, TZ: "UTC" };
}
