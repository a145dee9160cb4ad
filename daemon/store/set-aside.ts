import { readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "../base/log.ts";
import { type WallMs, wallMs } from "../base/time.ts";
import { DatabaseFiles, setAsidePart } from "./database-files.ts";

/** A person may look into a damaged database for as long as the registrations of its scans can be corrected. */
export const setAsideKeptMinMs: number = 35 * 24 * 60 * 60 * 1000;

/**
 * Erases databases and logs that were set aside, with the national numbers in them, by the moment in their names. One that
 * was named by a clock ahead of the truth is named anew, and goes as long after that.
 */
export async function eraseSetAside(
  { directory, keepSettledMs }: { readonly directory: string; readonly keepSettledMs: number },
  now: WallMs,
  log: Log,
): Promise<void> {
  const before = wallMs(now - Math.max(keepSettledMs, setAsideKeptMinMs));
  const parts = (await readdir(directory)).flatMap((name) => setAsidePart(name) ?? []);
  // A database and its log stay together: either is of little use without the other.
  for (const [name, ofOne] of Map.groupBy(parts, (part) => part.name)) {
    const isOfFuture = ofOne.some(({ at }) => at > now);
    const other = isOfFuture ? new DatabaseFiles(directory).nameAside(now) : null;
    for (const { at, suffix } of ofOne) {
      const file = join(directory, name + suffix);
      if (other !== null) {
        await rename(file, other + suffix);
        log.warn({ file, renamed: other + suffix }, "what was set aside by a clock that was ahead is named anew");
      } else if (at < before) {
        await rm(file);
        log.info({ file }, "what was set aside as damaged long ago was erased");
      }
    }
  }
}
