import { BadgedError, type ExitCode, exitCode } from "../base/errors.ts";
import type { Language } from "../base/language.ts";
import { utcText } from "../base/system-time.ts";
import { zonedText } from "../base/zoned-time.ts";
import { remarkWords } from "../forward/ciao/remarks/catalogue.ts";
import {
  dueFilter,
  isDueWithin,
  leftText,
  officialText,
  type RemarkView,
  remarkView,
} from "../forward/ciao/remarks/remark-view.ts";
import type { RemarkMark } from "../forward/follow-up/remark-archive.ts";
import { keptText } from "../forward/kept-text.ts";
import { languageOf } from "./outages.ts";
import { provenNow } from "./proven-now.ts";
import { spreadsheet } from "./spreadsheet.ts";
import { type Terminal, table } from "./terminal.ts";
import { visitStore } from "./visit.ts";

export type RemarkOptions = {
  readonly config: string;
  readonly open?: true;
  readonly dueWithin?: string;
  readonly lang?: string;
  readonly json?: true;
  readonly csv?: true;
};

const listMax = 10_000;

export async function listRemarks(options: RemarkOptions, terminal: Terminal): Promise<ExitCode> {
  const dueDays = readDays(options.dueWithin);
  await using site = await visitStore(options.config);
  const language = languageOf(options.lang, site.language);
  const now = await provenNow(site.storeDirectory);
  const filter = dueDays === null ? { openOnly: options.open === true, seenFrom: null } : dueFilter(now);
  const kept = await site.store.remarks.listRemarks({ ...filter, limit: listMax });
  const views = kept
    .map((each) => remarkView(each, language, site.timeZone, now))
    .filter((view) => dueDays === null || isDueWithin(view, dueDays));
  if (kept.length === listMax) {
    terminal.err(`At most the oldest ${listMax} are listed: --due-within lists what the web form can still correct.`);
  }
  if (options.json === true) {
    for (const view of views) terminal.out(JSON.stringify(documentOf(view)));
    return exitCode.ok;
  }
  const { label, none } = remarkWords[language];
  const headings = [
    label.number,
    label.remark,
    label.scan,
    label.worker,
    label.registered,
    label.text,
    label.deadline,
    label.left,
    label.state,
  ];
  const rows = views.map((view) => rowOf(view, language, site.timeZone));
  if (options.csv === true) for (const line of spreadsheet(headings, rows)) terminal.out(line);
  else terminal.out(rows.length === 0 ? none : table(headings, rows));
  return exitCode.ok;
}

export async function showRemark(remarkId: number, options: RemarkOptions, terminal: Terminal): Promise<ExitCode> {
  await using site = await visitStore(options.config);
  const found = await site.store.remarks.showRemark(remarkId);
  if (found === null) throw noSuchRemark(remarkId);
  const language = languageOf(options.lang, site.language);
  const view = remarkView(found.remark, language, site.timeZone, await provenNow(site.storeDirectory));
  if (options.json === true) {
    const marks = found.marks.map(({ at, ...mark }) => ({ at: utcText(at), ...mark }));
    terminal.out(JSON.stringify({ ...documentOf(view), marks }));
    return exitCode.ok;
  }
  const words = remarkWords[language];
  const { label } = words;
  const { kept, entry } = view;
  const lines: readonly (readonly [string, string])[] = [
    [label.remark, kept.code === null ? "" : String(kept.code)],
    [label.scan, `${kept.scanId} (${kept.registrationId})`],
    [label.worker, kept.workerReference ?? ""],
    [label.registered, zonedText(kept.registeredAt, site.timeZone)],
    [label.seen, zonedText(kept.firstSeen, site.timeZone)],
    [label.meaning, entry.plain],
    [label.who, words.who[entry.who]],
    [label.deadline, view.deadline === null ? "" : `${words.webForm(view.deadline)} (${leftText(view, language)})`],
    [`${label.text} (${label.office})`, entry.official?.remark ?? ""],
    [`${label.cause} (${label.office})`, entry.official?.cause ?? ""],
    [`${label.action} (${label.office})`, entry.official?.action ?? ""],
    [label.service, kept.text],
    [label.state, words.state[view.state]],
    ...found.marks.map(({ at, kind, note }): readonly [string, string] => [
      label.note,
      `${zonedText(at, site.timeZone)}  ${kind === "done" ? words.state.done : words.state.open}  ${note}`.trimEnd(),
    ]),
  ];
  for (const [name, value] of lines) if (value !== "") terminal.out(`${name.padEnd(26)}${value}`);
  return exitCode.ok;
}

export async function markRemark(
  remarkId: number,
  { config, note, undo }: { readonly config: string; readonly note?: string; readonly undo?: true },
  terminal: Terminal,
): Promise<ExitCode> {
  await using site = await visitStore(config);
  const kind: RemarkMark["kind"] = undo === true ? "undone" : "done";
  // People paste what they have before them; a national number must not come to stay here.
  const mark = { at: await provenNow(site.storeDirectory), kind, note: keptText(note ?? "") };
  if (!(await site.store.remarks.markRemark(remarkId, mark))) throw noSuchRemark(remarkId);
  const words = remarkWords[site.language].state;
  terminal.out(`${remarkId}: ${kind === "done" ? words.done : words.open}`);
  // What was left out or cut off is not found missing months later.
  if (mark.note !== (note ?? "")) terminal.err(`The note is kept as: ${mark.note}`);
  return exitCode.ok;
}

function rowOf(view: RemarkView, language: Language, timeZone: string): readonly string[] {
  const { kept, state, deadline } = view;
  return [
    String(kept.remarkId),
    kept.code === null ? "?" : String(kept.code),
    String(kept.scanId),
    kept.workerReference ?? "–",
    zonedText(kept.registeredAt, timeZone),
    officialText(view),
    deadline ?? "–",
    state === "open" ? leftText(view, language) : "",
    remarkWords[language].state[state],
  ];
}

/** Times as text, texts in the language asked for, so that a document is complete by itself. */
function documentOf(view: RemarkView): object {
  const { kept, entry, state, deadline, daysLeft } = view;
  return {
    remarkId: kept.remarkId,
    code: kept.code,
    scanId: kept.scanId,
    registrationId: kept.registrationId,
    workerReference: kept.workerReference,
    registeredAt: utcText(kept.registeredAt),
    firstSeen: utcText(kept.firstSeen),
    goneAt: kept.goneAt === null ? null : utcText(kept.goneAt),
    doneAt: kept.doneAt === null ? null : utcText(kept.doneAt),
    state,
    deadline,
    daysLeft,
    who: entry.who,
    webForm: entry.webForm,
    official: entry.official,
    plain: entry.plain,
    serviceText: kept.text,
    note: kept.note,
  };
}

function readDays(text: string | undefined): number | null {
  if (text === undefined) return null;
  const [, days] = /^(\d{1,4}) ?d$/.exec(text) ?? [];
  if (days !== undefined) return Number(days);
  throw new BadgedError("usage", `--due-within: ${text} is no number of days`, "write it as 7d");
}

function noSuchRemark(remarkId: number): BadgedError {
  return new BadgedError("no-such-remark", `there is no remark ${remarkId}`, "badged remarks list shows their numbers");
}
