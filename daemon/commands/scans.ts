import { BadgedError, type ExitCode, exitCode } from "../base/errors.ts";
import { withoutSsins } from "../base/identifiers.ts";
import { systemTime, utcText } from "../base/system-time.ts";
import { elapsedMs, monotonicNs } from "../base/time.ts";
import { zonedText } from "../base/zoned-time.ts";
import type { StampHow } from "../clock/stamp.ts";
import { remarkWords } from "../forward/ciao/remarks/catalogue.ts";
import type { WarningKind } from "../forward/ciao/remarks/warning-kinds.ts";
import { remarkOf } from "../forward/ciao/remarks/warning-kinds.ts";
import { unreadReason } from "../forward/unread-answers.ts";
import { type ArchivedScan, listMaxScans, type ScanArchive, type ScanFilter } from "../scan/archive.ts";
import { type ScanState, scanStates } from "../scan/scan.ts";
import { type PeriodOptions, readPeriod } from "./period.ts";
import { type Terminal, table } from "./terminal.ts";
import { visitStore } from "./visit.ts";
import { doubtWords, foreignWords, isForeign, serviceClockWords, stateOf, stateWords } from "./words.ts";

export type ListOptions = PeriodOptions & {
  readonly config: string;
  readonly state?: readonly string[];
  readonly reader?: string;
  readonly doubtful?: true;
  readonly limit: number;
  readonly json?: true;
};

export async function listScans(options: ListOptions, terminal: Terminal): Promise<ExitCode> {
  const filter: ScanFilter = {
    states: (options.state ?? []).map(readState),
    readerId: options.reader ?? null,
    ...readPeriod(options),
    doubtfulOnly: options.doubtful === true,
    limit: requireLimit(options.limit),
  };
  await using site = await visitStore(options.config);
  const scans = await site.store.list(filter);
  const warned = await site.store.remarks.warningsOf(
    scans.map(({ scanId }) => scanId),
    site.timeZone,
  );
  const warningsOf = new Map(warned.map(({ scanId, warnings }) => [scanId, warnings]));
  if (options.json === true) {
    for (const scan of scans) terminal.out(JSON.stringify(scanDocument(scan, warningsOf.get(scan.scanId) ?? [])));
    return exitCode.ok;
  }
  if (scans.length === 0) {
    terminal.out("No scans.");
    return exitCode.ok;
  }
  const rows = scans.map((scan) => [
    String(scan.scanId),
    zonedText(scan.stamp.utcMs, site.timeZone),
    scan.readerId,
    scan.workerReference ?? scan.badgeNumber,
    scan.direction?.toUpperCase() ?? "?",
    [
      stateOf(scan),
      isForeign(scan) ? foreignWords : "",
      scan.reason ?? "",
      doubtWords(scan),
      foreseen(warningsOf.get(scan.scanId) ?? []),
    ]
      .filter((part) => part !== "")
      .join("; "),
  ]);
  terminal.out(table(["scan", "time", "reader", "worker or badge", "way", "state"], rows));
  if (scans.length === filter.limit) terminal.err(`At most ${filter.limit} are listed: --limit lists more.`);
  return exitCode.ok;
}

export async function showScan(scanId: number, config: string, json: boolean, terminal: Terminal): Promise<ExitCode> {
  await using site = await visitStore(config);
  const scan = await site.store.show(scanId);
  if (scan === null) throw noSuchScan(scanId);
  const warnings = (await site.store.remarks.warningsOf([scanId], site.timeZone))[0]?.warnings ?? [];
  // The receiver's own words, which nobody has looked through.
  const refusedBy = (await site.store.webhooks.skips(scanId)).map(({ target, reason }) => ({
    webhook: target,
    reason: withoutSsins(reason, "[number removed]"),
  }));
  if (json) {
    terminal.out(JSON.stringify({ ...scanDocument(scan, warnings), refusedBy }));
    return exitCode.ok;
  }
  const { stamp } = scan;
  const bound = stamp.errorBoundMs === null ? "not proven" : `right to ± ${stamp.errorBoundMs} ms`;
  const clock = stamp.state === "holdover" && scan.clockBasis === "service" ? serviceClockWords : stamp.state;
  const lines: readonly (readonly [string, string])[] = [
    ["scan", String(scan.scanId)],
    ["state", stateOf(scan)],
    ["reason", scan.reason ?? ""],
    ["time", `${zonedText(stamp.utcMs, site.timeZone)} (${utcText(stamp.utcMs)})`],
    ["clock", `${clock}, ${bound}; ${howWords[stamp.how]}`],
    ["synchronised", stamp.syncId ?? ""],
    ["first byte", `${elapsedMs(monotonicNs(0n), stamp.monotonicNs)} ms after boot ${stamp.bootId}`],
    ["capture lag", `${stamp.captureLagMs.toFixed(3)} ms`],
    ["reader", scan.readerId],
    ["badge", `${scan.badgeNumber} (sent as ${scan.badgeRaw})${isForeign(scan) ? `; ${foreignWords}` : ""}`],
    [
      "worker",
      scan.workerReference ?? (scan.state === "unknown-badge" ? "unknown" : "without a reference in the roster"),
    ],
    ["direction", scan.direction?.toUpperCase() ?? "not known before the worker is"],
    ["calls", String(scan.attempts)],
    ["registration", scan.registrationId ?? ""],
    ["settled", scan.settledAt === null ? "" : zonedText(scan.settledAt, site.timeZone)],
    ["warnings", warnings.map((kind) => `remark ${remarkOf[kind]}: ${remarkWords.en.warning[kind]}`).join("; ")],
    ["doubt", scan.doubt === null ? "" : `${doubtWords(scan)}: ${scan.doubt.detail}`],
    ...refusedBy.map(
      ({ webhook, reason }) => ["webhook", `${webhook} refused it, and does not get it again: ${reason}`] as const,
    ),
  ];
  for (const [name, value] of lines) if (value !== "") terminal.out(`${name.padEnd(13)}${value}`);
  return exitCode.ok;
}

export type ReleaseOptions = {
  readonly config: string;
  readonly allRefused?: true;
  readonly acceptBracket?: true;
  readonly samePerson?: true;
};

/**
 * Each scan is released or not on its own; the exit code is the first one's that was not.
 *
 * @throws BadgedError `usage` when nothing says which
 */
export async function releaseScans(
  named: readonly number[],
  { config, allRefused, acceptBracket, samePerson }: ReleaseOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  if (named.length === 0 && allRefused !== true) {
    throw new BadgedError("usage", "no scan is named", "name their numbers, or give --all-refused");
  }
  await using site = await visitStore(config);
  const scanIds = allRefused === true ? [...named, ...(await refusedScans(site.store, terminal))] : named;
  let code: ExitCode = exitCode.ok;
  for (const scanId of scanIds) {
    const outcome = await site.store.release(scanId, systemTime.wallMs(), {
      bracket: acceptBracket === true,
      samePerson: samePerson === true,
    });
    switch (outcome.kind) {
      case "released":
        terminal.out(`scan ${scanId}: released, to be sent with the time it was made`);
        break;
      case "bracket": {
        const [from, to] = [outcome.earliestMs, outcome.latestMs].map((each) => zonedText(each, site.timeZone));
        terminal.err(
          `scan ${scanId}: nobody knows its time better than from ${from} to ${to}; --accept-bracket sends the middle of it`,
        );
        code = exitCode.usage;
        break;
      }
      case "other-holder":
        terminal.err(
          `scan ${scanId}: who has its badge now has another national number, and without the same reference on both lines of the roster badged cannot tell a corrected number from another person; --same-person sends it with the number of now`,
        );
        code = exitCode.usage;
        break;
      case "no-holder":
        terminal.err(`scan ${scanId}: its worker is not known any more, and nobody in the roster has its badge`);
        code = exitCode.usage;
        break;
      case "no-such-scan":
        terminal.err(`scan ${scanId}: there is none of this number; badged scans list shows those there are`);
        code = exitCode.usage;
        break;
      case "not-releasable":
        terminal.err(
          `scan ${scanId}: is ${stateWords[outcome.state]}; only refused and kept-back scans can be released`,
        );
        code = exitCode.usage;
        break;
    }
  }
  return code;
}

/** Oldest first. Without those that the service may hold already: each of them is a person's look there. */
async function refusedScans(store: Pick<ScanArchive, "list">, terminal: Terminal): Promise<readonly number[]> {
  const filter = { states: ["refused"], readerId: null, from: null, to: null, doubtfulOnly: false } as const;
  const refused = await store.list({ ...filter, limit: listMaxScans });
  const released = refused.filter(({ reason }) => reason !== unreadReason).map(({ scanId }) => scanId);
  const left = refused.length - released.length;
  if (left > 0) {
    terminal.err(`${left} left: the service may hold their registrations (badged scans list --state refused)`);
  }
  if (released.length === 0) terminal.out("No scan to release.");
  return released.toSorted((one, other) => one - other);
}

const howWords: Readonly<Record<StampHow, string>> = {
  live: "stamped when it was read",
  retroactive: "its time was proven afterwards, by a synchronisation of the same boot",
  bracket: "its boot never knew the time: it lies somewhere in this interval",
};

function foreseen(warnings: readonly WarningKind[]): string {
  if (warnings.length === 0) return "";
  return `may get remark ${[...new Set(warnings.map((kind) => remarkOf[kind]))].join(", ")}`;
}

/** Times as text, so that a document is complete without knowing badged's units. */
function scanDocument(scan: ArchivedScan, warnings: readonly WarningKind[]): object {
  const { stamp, settledAt, doubt, ...rest } = scan;
  return {
    ...rest,
    utc: utcText(stamp.utcMs),
    stamp: {
      ...stamp,
      monotonicNs: String(stamp.monotonicNs),
      utc: utcText(stamp.utcMs),
      earliest: stamp.earliestMs === null ? null : utcText(stamp.earliestMs),
      latest: stamp.latestMs === null ? null : utcText(stamp.latestMs),
    },
    settledAt: settledAt === null ? null : utcText(settledAt),
    doubt: doubt === null ? null : { ...doubt, endedAt: utcText(doubt.endedAt) },
    warnings: warnings.map((kind) => ({ kind, remark: remarkOf[kind] })),
  };
}

function requireLimit(limit: number): number {
  if (limit >= 1 && limit <= listMaxScans) return limit;
  const advice = limit === 0 ? "leave it out, or give 1 or more" : "take a part after the other, with --from and --to";
  throw new BadgedError("usage", `--limit: ${limit} is not between 1 and ${listMaxScans}`, advice);
}

function readState(text: string): ScanState {
  const state = scanStates.find((each) => each === text);
  if (state === undefined)
    throw new BadgedError("usage", `--state: there is no state ${text}`, `the states are ${scanStates.join(", ")}`);
  return state;
}

function noSuchScan(scanId: number): BadgedError {
  return new BadgedError("no-such-scan", `there is no scan ${scanId}`, "badged scans list shows their numbers");
}
