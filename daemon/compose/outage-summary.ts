import { appendFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { schedule } from "node-cron";
import type { Log } from "../base/log.ts";
import { keepMoment, readMoment } from "../base/moment-file.ts";
import { type Time, type WallMs, wallMs } from "../base/time.ts";
import { zonedText } from "../base/zoned-time.ts";
import { describeOutage } from "../outage/description.ts";
import { exemptionOf, type Supplier, wordsIn } from "../outage/explanation.ts";
import type { OutageArchive } from "../outage/outage-store.ts";
import type { Language } from "../outage/words.ts";

export type SummarySettings = {
  /** `HH:MM` in the site's time zone. */
  readonly at: string;
  readonly timeZone: string;
  readonly language: Language;
  readonly supplier: Supplier | null;
  readonly folder: string;
};

export type SummaryPorts = {
  readonly archive: OutageArchive;
  /** What there is to say of remarks since the last summary; `null` for nothing. */
  readonly remarks?: (now: WallMs, since: WallMs) => Promise<string | null>;
  /** What was seen is dated by it: beside a system clock that is wrong, a day's outages would lie in another day. */
  readonly clock: { now(): { readonly utcMs: WallMs } | null };
  /** While nothing vouches for the time. */
  readonly time: Time;
  readonly log: Log;
};

/** The night on which the clocks go back is an hour longer. */
const longestDayMs = 25 * 60 * 60 * 1000;

/** Of a box that was off for longer, the lists tell. */
const longestPauseMs = 31 * 24 * 60 * 60 * 1000;

/** Holds the moment of the last summary: a box that was off at that hour catches up the day after. */
const lastFile = "last-summary";
/** The same of one that was made while nothing proved the time. */
const lastUnprovenFile = "last-unproven-summary";

/** Told of in one file; more of them nobody reads there. */
const toldMax = 100;
/** As many as a list holds. */
const outagesMax = 1000;

/** Once a day the outages and the remarks since the last time, in the log and, when there are any, as a file for the supervisor. */
export function startDailySummary(settings: SummarySettings, ports: SummaryPorts): AsyncDisposable {
  const [hour = "18", minute = "30"] = settings.at.split(":");
  const task = schedule(
    `${Number(minute)} ${Number(hour)} * * *`,
    async () => {
      try {
        await summarise(settings, ports);
      } catch (error) {
        ports.log.error({ err: error }, "daily summary of outages failed");
      }
    },
    { timezone: settings.timeZone, noOverlap: true },
  );
  return {
    [Symbol.asyncDispose]: async () => {
      await task.destroy();
    },
  };
}

/** Writes what there was since the last summary; returns the file, `null` when there was no outage and no remark. */
export async function summarise(
  { timeZone, language, supplier, folder }: SummarySettings,
  { archive, remarks, clock, time, log }: SummaryPorts,
): Promise<string | null> {
  const provenMs = clock.now()?.utcMs ?? null;
  const now = provenMs ?? time.wallMs();
  // What is dated only once the clock knows the time, as the end of the run before is, was in none of those that were made
  // until then: the first one after them begins before them all.
  const before = provenMs === null ? [lastFile, lastUnprovenFile] : [lastFile];
  const since = sinceLast(folder, before, now);
  const windows = await archive.listOutages({ from: since, to: now, limit: outagesMax });
  const exemptions = windows.map(exemptionOf);
  const count = (exemption: (typeof exemptions)[number]): number =>
    exemptions.filter((each) => each === exemption).length;
  const fields = { outages: windows.length, notExempt: count("not-exempt"), ambiguous: count("ambiguous") };
  log.info(fields, "outages since the last summary");
  const { text, isRead } = await whatIsSaidOfRemarks(remarks, { now, since }, log);
  const texts: string[] = text === null ? [] : [text];
  for (const { windowId } of windows.slice(0, toldMax).toReversed()) {
    const kept = await archive.showOutage(windowId, now);
    if (kept !== null) texts.push(describeOutage(kept, wordsIn[language], timeZone, supplier).join("\n"));
  }
  if (windows.length > toldMax) texts.push(wordsIn[language].window.more(windows.length - toldMax));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `outages-${zonedText(now, timeZone).slice(0, 10)}.txt`);
  if (texts.length > 0) {
    // A second summary of a day holds only what came since the first.
    appendFileSync(file, `${existsSync(file) ? "\n" : ""}${texts.join("\n\n")}\n`, { mode: 0o600 });
  }
  // Remarks that could not be read are still to be told.
  if (isRead) keepMoment(join(folder, provenMs === null ? lastUnprovenFile : lastFile), now);
  return texts.length === 0 ? null : file;
}

/** The longest day before now where no summary was made yet, or none that a clock set back has not overtaken. */
function sinceLast(folder: string, files: readonly string[], now: WallMs): WallMs {
  const kept = files.flatMap((file) => readMoment(join(folder, file)) ?? []).filter((each) => each <= now);
  if (kept.length === 0) return wallMs(now - longestDayMs);
  return wallMs(Math.max(...kept, now - longestPauseMs));
}

/** Outages are summed up also when remarks cannot be. */
async function whatIsSaidOfRemarks(
  remarks: SummaryPorts["remarks"],
  { now, since }: { readonly now: WallMs; readonly since: WallMs },
  log: Log,
): Promise<{ readonly text: string | null; readonly isRead: boolean }> {
  try {
    return { text: (await remarks?.(now, since)) ?? null, isRead: true };
  } catch (error) {
    log.error({ err: error }, "daily summary of remarks failed");
    return { text: null, isRead: false };
  }
}
