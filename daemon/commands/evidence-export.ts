import { sign } from "node:crypto";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { zipSync } from "fflate";
import type { Configuration } from "../../config/configuration.ts";
import { counted } from "../base/counted.ts";
import { BadgedError, type ExitCode, exitCode } from "../base/errors.ts";
import { makeFolder } from "../base/folders.ts";
import { systemTime } from "../base/system-time.ts";
import { wallMs } from "../base/time.ts";
import { version } from "../base/version.ts";
import { type BundleFile, bundleFiles } from "../evidence/bundle/bundle.ts";
import { type GatheredLog, gatherLog, type Wanted } from "../evidence/bundle/gather.ts";
import { bundleGuide } from "../evidence/bundle/guide.ts";
import { originOf } from "../evidence/note.ts";
import type { Store } from "../store/store.ts";
import { attachedPapers, readOrRefuse } from "./attached-papers.ts";
import { visitedConfiguration } from "./configuration.ts";
import { deviceKeyOf } from "./evidence.ts";
import { handedOverMode, writeNew } from "./new-target.ts";
import { type PeriodOptions, readPeriod } from "./period.ts";
import { reportOf } from "./report-bytes.ts";
import { shownPeriod } from "./shown-period.ts";
import type { Terminal } from "./terminal.ts";
import { visitStore } from "./visit.ts";

export type EvidenceExportOptions = PeriodOptions & {
  /** Number of an outage, or the id that the log has of it. */
  readonly window?: string;
  readonly out?: string;
  readonly zip?: true;
  readonly attach?: readonly string[];
};

/** Writes a bundle that somebody else can check: a folder, or a zip. */
export async function exportEvidence(
  configurationFile: string,
  options: EvidenceExportOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const configuration = visitedConfiguration(configurationFile);
  const key = deviceKeyOf(configuration);
  await using site = await visitStore(configurationFile);
  const wanted = await wantedOf(options, site.store);
  const gathered = requireCovered(await gatherLog(site.store.evidence, wanted), wanted);
  const logsKey = Buffer.from(gathered.key, "base64");
  const isOurs = logsKey.equals(key.publicKey);
  // The box's own clock may be years behind what time servers told the log.
  const madeAt = wallMs(Math.max(systemTime.wallMs(), gathered.newestMs ?? 0));
  const files = bundleFiles(
    {
      ...gathered,
      origin: originOf(logsKey, gathered.epoch),
      publicKey: logsKey,
      madeAt,
      version,
      authorities: certificatesOf(configuration),
      witnesses: configuration.evidence.witnesses.map((witness) => witness.key),
      attachments: attachedPapers(options.attach ?? [], terminal),
      report: await reportOf({
        log: gathered,
        configuration,
        language: site.language,
        period: shownPeriod(wanted, gathered, terminal),
        madeAt,
      }),
      guide: bundleGuide(),
    },
    isOurs ? (bytes) => sign(null, bytes, key.privateKey) : null,
  );
  const name = options.out ?? `evidence-${gathered.epoch}-${gathered.first}-${gathered.first + gathered.lines.length}`;
  const target = options.zip === true || zipName.test(name) ? writeZip(files, name) : writeFolder(files, name);
  terminal.out(target);
  if (!isOurs) terminal.err(otherKey);
  for (const line of weaknessesOf(gathered)) terminal.err(line);
  return exitCode.ok;
}

/** What a verifier will say that is not proven, told while it can still be mended by waiting. */
function weaknessesOf({ isWhole, checkpoints, lines, later }: GatheredLog): readonly string[] {
  const last = checkpoints.at(-1);
  return [
    ...(later === 0
      ? []
      : [
          `${later === 1 ? "a note, a paper or a count" : `${later} notes, papers or counts`} of scans came later than it reaches: --from and --to take ${later === 1 ? "it" : "them"} in`,
        ]),
    ...(isWhole
      ? []
      : [`its end is not covered by a checkpoint yet (of ${counted(lines.length, "record")}): export it again later`]),
    ...(last?.tokens.length === 0 ? ["no timestamp over its end: the time is not proven from that side"] : []),
    ...(last?.cosignatures.length === 0 ? ["no witness has signed its end: uniqueness is not proven"] : []),
  ];
}

/** @throws BadgedError `usage` unless a window or a period is named; one whose end is not given lasts until now */
export async function wantedOf(
  { window, ...period }: Pick<EvidenceExportOptions, "window" | "from" | "to">,
  store: Store,
): Promise<Wanted> {
  const { from, to } = readPeriod(period);
  if (window === undefined && from !== null) {
    return { kind: "period", fromMs: from, toMs: to ?? systemTime.wallMs() };
  }
  if (window !== undefined && from === null && to === null) {
    return { kind: "window", id: await windowIdOf(window, store) };
  }
  const given = window === undefined ? "say what it is to be about" : "it is about a window or about a period";
  throw new BadgedError(
    "usage",
    given,
    "give --window ID (badged outages list), or --from and, unless it is now, --to",
  );
}

async function windowIdOf(window: string, store: Store): Promise<string> {
  if (!/^\d{1,15}$/.test(window)) return window;
  const kept = await store.outages.showOutage(Number(window), systemTime.wallMs());
  if (kept !== null) return kept.window.key;
  throw new BadgedError("no-such-outage", `there is no outage ${window}`, "badged outages list shows their numbers");
}

export function requireCovered(log: GatheredLog | "uncovered" | null, wanted: Wanted): GatheredLog {
  if (log === null) {
    const of = wanted.kind === "window" ? `window ${wanted.id}` : "that period";
    const advice = "badged outages list shows the windows; those from before this version are not in the log";
    throw new BadgedError("no-evidence", `the log has no record of ${of}`, advice);
  }
  if (log === "uncovered") {
    throw new BadgedError("no-evidence", "no checkpoint covers it yet", "try again in some minutes, while badged runs");
  }
  return log;
}

/** Its records and checkpoints are as good as they were; what is lost is that the box vouches for all of the bundle. */
const otherKey =
  "that part of the log was signed by another key: the bundle as a whole is not signed, and who checks it is told so. " +
  "With evidence.keyFile set to the key of that time it is";

function certificatesOf({ evidence: { authority } }: Configuration): readonly string[] {
  return authority === null ? [] : [readOrRefuse("evidence.authority.ca", authority.ca).toString("utf8")];
}

/** A folder of such a name would be sent to the inspector as something that nobody can open. */
const zipName = /\.zip$/i;

function writeFolder(files: readonly BundleFile[], folder: string): string {
  writeNew(folder, (temporary) => {
    for (const { path, bytes } of files) {
      const target = join(temporary, path);
      makeFolder(dirname(target), handedOverMode);
      writeFileSync(target, bytes, { mode: path.endsWith(".sh") ? 0o755 : 0o644, flag: "wx" });
    }
  });
  return folder;
}

function writeZip(files: readonly BundleFile[], name: string): string {
  const target = zipName.test(name) ? name : `${name}.zip`;
  // A zip has its own times, which say nothing: all the same, so that the same bundle is the same file.
  const entries = files.map(({ path, bytes }) => [path, bytes] as const);
  const zip = zipSync(Object.fromEntries(entries), { level: 9, mtime: "1980-01-01T00:00:00Z" });
  writeNew(target, (temporary) => writeFileSync(temporary, zip, { flag: "wx" }));
  return target;
}
