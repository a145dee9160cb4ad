import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { schedule } from "node-cron";
import type { Log } from "./base/log.ts";
import { zonedText } from "./base/system-time.ts";
import { type Time, wallMs } from "./base/time.ts";
import { describeOutage } from "./outage/description.ts";
import { exemptionOf, type Supplier, wordsIn } from "./outage/explanation.ts";
import type { OutageArchive } from "./outage/outage-store.ts";
import type { Language } from "./outage/words.ts";

export type SummarySettings = {
  /** `HH:MM` in the site's time zone. */
  readonly at: string;
  readonly timeZone: string;
  readonly language: Language;
  readonly supplier: Supplier | null;
  readonly folder: string;
};

const dayMs = 24 * 60 * 60 * 1000;
const outagesMax = 100;

/** Once a day the outages of the last day, in the log and, when there were any, as a file for the supervisor. */
export function startDailySummary(
  settings: SummarySettings,
  ports: { readonly archive: OutageArchive; readonly time: Time; readonly log: Log },
): AsyncDisposable {
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

/** Writes the summary of the day before now; returns the file, `null` when there was no outage. */
export async function summarise(
  { timeZone, language, supplier, folder }: SummarySettings,
  { archive, time, log }: { readonly archive: OutageArchive; readonly time: Time; readonly log: Log },
): Promise<string | null> {
  const now = time.wallMs();
  const windows = await archive.listOutages({ from: wallMs(now - dayMs), to: now, limit: outagesMax });
  const exemptions = windows.map(exemptionOf);
  const count = (exemption: (typeof exemptions)[number]): number =>
    exemptions.filter((each) => each === exemption).length;
  const fields = { outages: windows.length, notExempt: count("not-exempt"), ambiguous: count("ambiguous") };
  log.info(fields, "outages of the last day");
  if (windows.length === 0) return null;
  const texts: string[] = [];
  for (const { windowId } of windows.toReversed()) {
    const kept = await archive.showOutage(windowId);
    if (kept !== null) texts.push(describeOutage(kept, wordsIn[language], timeZone, supplier).join("\n"));
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `outages-${zonedText(now, timeZone).slice(0, 10)}.txt`);
  writeFileSync(file, `${texts.join("\n\n")}\n`, { mode: 0o600 });
  return file;
}
