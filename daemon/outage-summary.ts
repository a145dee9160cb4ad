import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { schedule } from "node-cron";
import type { Log } from "./base/log.ts";
import { zonedText } from "./base/system-time.ts";
import { type Time, type WallMs, wallMs } from "./base/time.ts";
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

export type SummaryPorts = {
  readonly archive: OutageArchive;
  /** What there is to say of remarks; `null` for nothing. */
  readonly remarks?: (now: WallMs) => Promise<string | null>;
  readonly time: Time;
  readonly log: Log;
};

const dayMs = 24 * 60 * 60 * 1000;
const outagesMax = 100;

/** Once a day the outages of the last day and the remarks, in the log and, when there are any, as a file for the supervisor. */
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

/** Writes the summary of the day before now; returns the file, `null` when there was no outage and no remark. */
export async function summarise(
  { timeZone, language, supplier, folder }: SummarySettings,
  { archive, remarks, time, log }: SummaryPorts,
): Promise<string | null> {
  const now = time.wallMs();
  const windows = await archive.listOutages({ from: wallMs(now - dayMs), to: now, limit: outagesMax });
  const exemptions = windows.map(exemptionOf);
  const count = (exemption: (typeof exemptions)[number]): number =>
    exemptions.filter((each) => each === exemption).length;
  const fields = { outages: windows.length, notExempt: count("not-exempt"), ambiguous: count("ambiguous") };
  log.info(fields, "outages of the last day");
  const ofRemarks = await whatIsSaidOfRemarks(remarks, now, log);
  if (windows.length === 0 && ofRemarks === null) return null;
  const texts: string[] = ofRemarks === null ? [] : [ofRemarks];
  for (const { windowId } of windows.toReversed()) {
    const kept = await archive.showOutage(windowId);
    if (kept !== null) texts.push(describeOutage(kept, wordsIn[language], timeZone, supplier).join("\n"));
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `outages-${zonedText(now, timeZone).slice(0, 10)}.txt`);
  writeFileSync(file, `${texts.join("\n\n")}\n`, { mode: 0o600 });
  return file;
}

/** Outages are summed up also when remarks cannot be. */
async function whatIsSaidOfRemarks(remarks: SummaryPorts["remarks"], now: WallMs, log: Log): Promise<string | null> {
  try {
    return (await remarks?.(now)) ?? null;
  } catch (error) {
    log.error({ err: error }, "daily summary of remarks failed");
    return null;
  }
}
