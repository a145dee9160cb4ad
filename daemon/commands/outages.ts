import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { unreachable } from "../base/assert.ts";
import { BadgedError, type ExitCode, exitCode, messageOf } from "../base/errors.ts";
import { withoutSsins } from "../base/identifiers.ts";
import { systemTime, utcText } from "../base/system-time.ts";
import { wallMs } from "../base/time.ts";
import type { EvidenceArchive } from "../evidence/evidence-store.ts";
import { scrubbed } from "../forward/kept-text.ts";
import { describeOutage, durationText, edgeText } from "../outage/description.ts";
import {
  beginningOf,
  durationOf,
  endOf,
  exemptionOf,
  type Interval,
  lastSegmentOf,
  wordsIn,
} from "../outage/explanation.ts";
import type { KeptWindow, ListedWindow, OutageArchive, OutageEntry } from "../outage/outage-store.ts";
import type { Gap } from "../outage/windows.ts";
import { type Language, languages, type Words } from "../outage/words.ts";
import { type Period, type PeriodOptions, readPeriod } from "./period.ts";
import { spreadsheet } from "./spreadsheet.ts";
import { type Terminal, table } from "./terminal.ts";
import { visitStore } from "./visit.ts";

export type OutageOptions = PeriodOptions & {
  readonly config: string;
  readonly lang?: string;
  readonly json?: true;
  readonly csv?: true;
};

/** As many as the store hands out at once. */
const sliceMax = 1000;

export async function listOutages(options: OutageOptions, terminal: Terminal): Promise<ExitCode> {
  const period = readPeriod(options);
  await using site = await visitStore(options.config);
  const words = wordsIn[languageOf(options.lang, site.language)];
  const windows = await outagesOf(site.store.outages, period);
  if (options.json === true) {
    for (const each of windows) terminal.out(JSON.stringify(documentOf(each)));
    return exitCode.ok;
  }
  const rows = windows.map((each) => rowOf(each, words, site.timeZone));
  const { title, began, ended, duration, cause, exemption } = words.window;
  const headings = [title, began, ended, duration, cause, exemption];
  if (options.csv === true) for (const line of spreadsheet(headings, rows)) terminal.out(line);
  else terminal.out(rows.length === 0 ? words.window.none : table(headings, rows));
  return exitCode.ok;
}

export async function showOutage(windowId: number, options: OutageOptions, terminal: Terminal): Promise<ExitCode> {
  await using site = await visitStore(options.config);
  const kept = await site.store.outages.showOutage(windowId, systemTime.wallMs());
  if (kept === null) throw noSuchOutage(windowId);
  if (options.json === true) {
    terminal.out(JSON.stringify(documentOf(kept, await saltsOf(kept, site.store.evidence))));
    return exitCode.ok;
  }
  const words = wordsIn[languageOf(options.lang, site.language)];
  for (const line of describeOutage(kept, words, site.timeZone, site.supplier)) terminal.out(line);
  return exitCode.ok;
}

/** Every window of a period with all that belongs to it: for an archive, or for another program. */
export async function exportOutages(options: OutageOptions, terminal: Terminal): Promise<ExitCode> {
  if (options.csv === true) return await listOutages(options, terminal);
  const period = readPeriod(options);
  await using site = await visitStore(options.config);
  for (const { windowId } of (await outagesOf(site.store.outages, period)).toReversed()) {
    const kept = await site.store.outages.showOutage(windowId, systemTime.wallMs());
    if (kept !== null) terminal.out(JSON.stringify(documentOf(kept, await saltsOf(kept, site.store.evidence))));
  }
  return exitCode.ok;
}

/** All of the period, newest first. */
async function outagesOf(
  store: Pick<OutageArchive, "listOutages">,
  { from, to }: Period,
): Promise<readonly ListedWindow[]> {
  const found = new Map<number, ListedWindow>();
  let until = to;
  for (;;) {
    const slice = await store.listOutages({ from, to: until, limit: sliceMax });
    const last = slice.at(-1);
    const before = found.size;
    for (const each of slice) found.set(each.windowId, each);
    if (last === undefined || slice.length < sliceMax || found.size === before) return [...found.values()];
    // Once more from the millisecond in which the slice ended: others may have begun in it as well.
    until = wallMs(Math.floor(last.window.firstBad.utcMs) + 1);
  }
}

export async function addToOutage(
  windowId: number,
  entry: OutageEntry,
  config: string,
  terminal: Terminal,
): Promise<ExitCode> {
  requireWords(entry);
  await using site = await visitStore(config);
  const kept = withoutNumbers(entry);
  if (!(await site.store.outages.addOutageEntry(windowId, kept, systemTime.wallMs()))) throw noSuchOutage(windowId);
  terminal.out(`outage ${windowId}: ${entry.kind} added${keptAs(entry)}`);
  if (JSON.stringify(kept) !== JSON.stringify(entry)) {
    terminal.err(`A national number was left out: "${scrubbed}" stands in its place.`);
  }
  return exitCode.ok;
}

/** A failed attempt speaks for an exemption: whoever left an option out has to see that one was kept. */
function keptAs(entry: OutageEntry): string {
  if (entry.kind !== "attempt") return "";
  return entry.worked
    ? ", as one that worked"
    : ", as one that failed; where the registration was made, add it again with --worked";
}

/** Nothing that was added is ever taken away: what a slip of the shell left empty would stand in every report. */
function requireWords(entry: OutageEntry): void {
  if (entry.kind === "note" && entry.text.trim() === "")
    throw new BadgedError("usage", "the note has no words", "write what to remember, in quotes");
  if (entry.kind === "attempt" && entry.channel.trim() === "")
    throw new BadgedError("usage", "the attempt names no channel", 'write it in quotes, such as "online service"');
}

/** What is added stays for as long as the outage does, in lists, exports and summaries. */
function withoutNumbers(entry: OutageEntry): OutageEntry {
  switch (entry.kind) {
    case "note":
      return { ...entry, text: withoutSsins(entry.text, scrubbed) };
    case "attachment":
      return { ...entry, name: withoutSsins(entry.name, scrubbed) };
    case "attempt":
      return { ...entry, channel: withoutSsins(entry.channel, scrubbed) };
    default:
      return unreachable(entry);
  }
}

/** The file itself stays where it is: what is kept is its name, its size and its hash. */
export function attachmentOf(file: string): OutageEntry {
  try {
    const bytes = readFileSync(file);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    return { kind: "attachment", name: basename(file), bytes: bytes.length, sha256 };
  } catch (error) {
    throw new BadgedError("no-input", `${file} cannot be read: ${messageOf(error)}`, "name a file that may be read", {
      cause: error,
    });
  }
}

function rowOf(listed: ListedWindow, words: Words, timeZone: string): readonly string[] {
  const { windowId, window } = listed;
  const { finding } = lastSegmentOf(window);
  const end = endOf(window);
  return [
    String(windowId),
    edgeText(window.firstBad, beginningOf(window), timeZone),
    window.end === null || end === null ? words.window.lasts : edgeText(window.end.firstGood, end, timeZone),
    durationText({ window }),
    words.cause[finding.cause],
    words.exemption[exemptionOf(listed)],
  ];
}

/** In hex, by the entry's id: whoever is given one, and what was added, finds it in the evidence log by its hash. */
type Salts = ReadonlyMap<number, string>;

async function saltsOf({ entries }: KeptWindow, log: Pick<EvidenceArchive, "evidenceSalt">): Promise<Salts> {
  const salts = new Map<number, string>();
  for (const { entryId } of entries) {
    const salt = await log.evidenceSalt(entryId);
    if (salt !== null) salts.set(entryId, salt);
  }
  return salts;
}

/** Times as text and intervals with the clock's bound, so that a document is complete by itself. */
function documentOf(kept: ListedWindow | KeptWindow, salts: Salts = new Map()): object {
  const { window } = kept;
  const interval = (each: Interval | null): object | null =>
    each === null
      ? null
      : { from: each.fromMs === null ? null : utcText(each.fromMs), to: utcText(each.toMs), proven: each.isProven };
  return {
    windowId: kept.windowId,
    key: window.key,
    began: interval(beginningOf(window)),
    ended: interval(endOf(window)),
    ...durationOf(window),
    exemption: exemptionOf(kept),
    otherChannelWorked: kept.otherChannelWorked,
    flaps: window.flaps,
    gaps: window.gaps.map(spanOf),
    healed: (window.healed ?? []).map(spanOf),
    segments: window.segments.map(({ from, finding, layers }) => ({
      from: utcText(from.utcMs),
      fromErrorBoundMs: from.errorBoundMs,
      ...finding,
      layers,
    })),
    ...("entries" in kept
      ? {
          entries: kept.entries.map(({ at, entry, entryId }) => ({
            entryId,
            at: utcText(at),
            ...entry,
            salt: salts.get(entryId) ?? null,
          })),
          scansDelayed: kept.delayed,
          scansWithheld: kept.withheld,
          firstRegisteredAfter: kept.firstRegisteredAfter === null ? null : utcText(kept.firstRegisteredAfter),
        }
      : {}),
  };
}

/** Each moment with its bound, `null` where nothing proved the time: of one in a sleep of the box that is hours. */
function spanOf({ from, to }: Gap): object {
  return {
    from: utcText(from.utcMs),
    fromErrorBoundMs: from.errorBoundMs,
    to: utcText(to.utcMs),
    toErrorBoundMs: to.errorBoundMs,
  };
}

export function languageOf(asked: string | undefined, otherwise: Language): Language {
  const found = asked === undefined ? otherwise : languages.find((each) => each === asked);
  if (found !== undefined) return found;
  throw new BadgedError("usage", `--lang: there is no language ${asked}`, `the languages are ${languages.join(", ")}`);
}

function noSuchOutage(windowId: number): BadgedError {
  return new BadgedError("no-such-outage", `there is no outage ${windowId}`, "badged outages list shows their numbers");
}
