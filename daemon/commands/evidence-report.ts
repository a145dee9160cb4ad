import { writeFileSync } from "node:fs";
import { type ExitCode, exitCode } from "../base/errors.ts";
import { systemTime } from "../base/system-time.ts";
import { gatherLog } from "../evidence/bundle/gather.ts";
import { visitedConfiguration } from "./configuration.ts";
import { requireCovered, wantedOf } from "./evidence-export.ts";
import { requireNew, writeNew } from "./new-target.ts";
import { languageOf } from "./outages.ts";
import type { PeriodOptions } from "./period.ts";
import { reportOf } from "./report-bytes.ts";
import { shownPeriod } from "./shown-period.ts";
import type { Terminal } from "./terminal.ts";
import { visitStore } from "./visit.ts";

export type EvidenceReportOptions = PeriodOptions & {
  readonly window?: string;
  readonly lang?: string;
  readonly out: string;
};

/** Writes a PDF that tells what the log says of an outage, or of all outages of a period. */
export async function reportEvidence(
  configurationFile: string,
  options: EvidenceReportOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const configuration = visitedConfiguration(configurationFile);
  requireNew(options.out);
  const language = languageOf(options.lang, configuration.outage.language);
  await using site = await visitStore(configurationFile);
  const wanted = await wantedOf(options, site.store);
  const log = requireCovered(await gatherLog(site.store.evidence, wanted), wanted);
  const period = shownPeriod(wanted, log, terminal);
  const bytes = await reportOf({ log, configuration, language, period, madeAt: systemTime.wallMs() });
  writeNew(options.out, (temporary) => writeFileSync(temporary, bytes, { flag: "wx" }));
  terminal.out(options.out);
  return exitCode.ok;
}
