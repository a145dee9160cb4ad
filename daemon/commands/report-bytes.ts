import { readFileSync } from "node:fs";
import type { Configuration } from "../../config/configuration.ts";
import type { WallMs } from "../base/time.ts";
import { version } from "../base/version.ts";
import type { GatheredLog } from "../evidence/bundle/gather.ts";
import { originOf } from "../evidence/note.ts";
import { drawReport } from "../evidence/report/draw-report.ts";
import { momentsOf } from "../evidence/report/moments.ts";
import { type Explanation, type ReportInput, reportModel } from "../evidence/report/report-model.ts";
import { fingerprintOf, publicKeyOf } from "../evidence/verify/public-key.ts";
import type { ProvenMoment } from "../evidence/verify/time-bounds.ts";
import { tokenVerifierFor } from "../evidence/verify/token-check.ts";
import { findingOf } from "../outage/cause.ts";
import { type Supplier, stepsFor, stepText, wordsIn } from "../outage/explanation.ts";
import { type Layers, nothingSeen } from "../outage/layers.ts";
import type { Language } from "../outage/words.ts";

export type GatheredReport = {
  readonly log: GatheredLog;
  readonly configuration: Pick<Configuration, "site" | "supplier" | "evidence">;
  readonly language: Language;
  readonly period: ReportInput["period"];
  readonly madeAt: WallMs;
};

/** The report over what was gathered from the log, as a PDF; the same log at the same moment gives the same bytes. */
export function reportOf({ log, configuration, language, period, madeAt }: GatheredReport): Promise<Uint8Array> {
  const publicKey = Buffer.from(log.key, "base64");
  const key = publicKeyOf(publicKey);
  return reportBytes({
    language,
    timeZone: configuration.site.timeZone,
    siteName: configuration.site.name,
    origin: originOf(publicKey, log.epoch),
    key: `ed25519:${log.key}`,
    fingerprint: key === null ? "" : fingerprintOf(key),
    madeAt,
    version,
    period,
    windows: log.windows,
    lines: log.lines,
    moments: momentsIn(log, configuration.evidence.authority),
    supplier: configuration.supplier,
  });
}

/** Nothing is called proven without the authority's certificate to check it against. */
function momentsIn(
  { lines, checkpoints }: GatheredLog,
  authority: Configuration["evidence"]["authority"],
): readonly ProvenMoment[] {
  const verifyToken = authority === null ? null : tokenVerifierFor(readFileSync(authority.ca, "utf8"));
  return verifyToken === null ? [] : momentsOf(lines, checkpoints, verifyToken);
}

/** What a report is made from, but for the words of the outage room, which the evidence room does not know. */
export type ReportOrder = Omit<ReportInput, "explain"> & { readonly supplier: Supplier | null };

export function reportBytes({ supplier, ...input }: ReportOrder): Promise<Uint8Array> {
  return drawReport(reportModel({ ...input, explain: explanationIn(input.language, supplier) }));
}

export function explanationIn(language: Language, supplier: Supplier | null): Explanation {
  const words = wordsIn[language];
  const causes: Readonly<Record<string, string>> = words.cause;
  return {
    cause: (cause) => causes[cause] ?? cause,
    exemption: (exemption) => words.exemption[exemption],
    because: (exemption) => words.because[exemption],
    steps: (exemption) => stepsFor(exemption).map((step) => stepText(step, words, supplier)),
    support: (seen) => {
      // The states come out of a log that this program wrote; one that it does not know decides nothing in the table.
      const findings = seen.map((layers) => findingOf({ ...nothingSeen, ...layers } as Layers));
      const evidence = new Set(findings.flatMap((finding) => finding?.settledBy ?? []));
      return [...evidence].map((each) => words.evidence[each]);
    },
  };
}
