import { CsvError, parse } from "csv-parse/sync";
import { badgeFault, isShortened, shortenedWords } from "../base/badge-fault.ts";
import { type BadgeForm, isRandomUid, normaliseBadge } from "../base/badge-form.ts";
import { digitsOf, isDeclarationOfWorksNumber, isEnterpriseNumber, isSsin, withoutSsins } from "../base/identifiers.ts";
import { type Employer, type RosterEntry, type WorkerKind, workerKinds } from "./roster.ts";
import { rosterFingerprint } from "./roster-fingerprint.ts";

/** A roster of a site is hundreds of badges; this bounds memory and the time an import may hold the database. */
export const rosterMaxBadges: number = 20_000;

/** One row that cannot be used. Quotes the field's name, never its value: rosters hold national numbers. */
export type RosterProblem = { readonly line: number; readonly column: string; readonly message: string };

export type ParsedRoster = {
  readonly entries: readonly RosterEntry[];
  readonly problems: readonly RosterProblem[];
  /** SHA-256 of the file and the badge form it was read with. */
  readonly fingerprint: string;
};

const columns = [
  "badge",
  "ssin",
  "employer",
  "foreign_vat",
  "avw_number",
  "reference",
  "valid_from",
  "valid_until",
  "kind",
  "limosa",
] as const;
/** A personnel number, or a name. It stands in lists and tables, which a longer one would tear apart. */
export const referenceMaxChars: number = 100;
/** A Limosa reference is free text (its form is not published); longer is no reference. */
export const limosaMaxChars: number = 50;

/** A terminal obeys control characters instead of showing them, and lets those that turn the direction of a text move its line. */
const steers = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u;

type Column = (typeof columns)[number];
type Row = { readonly line: number; readonly field: (column: Column) => string };

/**
 * Reads a roster: CSV with a header, comma, semicolon (as Belgian spreadsheets write it) or tab, UTF-8, with or without BOM.
 *
 * | column | |
 * | --- | --- |
 * | `badge` | in the form that the site's configuration names |
 * | `ssin` | national register or BIS number |
 * | `employer` or `foreign_vat` | exactly one |
 * | `avw_number`, `reference`, `valid_from`, `valid_until` | optional; dates as 2026-01-31 or 31/01/2026 |
 * | `kind` | optional: empty for an employee, else `self-employed`, `temporary`, `posted` |
 * | `limosa` | optional: reference of a posted worker's Limosa declaration |
 *
 * A file without a badge is one that was cut off, and a problem. All problems are told at once; an import uses the entries only when there is none.
 */
export function parseRoster(text: string, form: BadgeForm): ParsedRoster {
  const fingerprint = rosterFingerprint(text, form);
  const rows = readRows(text);
  if (!rows.ok) return { entries: [], problems: rows.problems, fingerprint };
  const problems: RosterProblem[] = [];
  const entries: RosterEntry[] = [];
  const lineOfBadge = new Map<string, number>();
  if (rows.rows.length > rosterMaxBadges) {
    problems.push({
      line: 1,
      column: "badge",
      message: `the file has more than ${rosterMaxBadges} badges, and no more are taken; remove workers who left`,
    });
  }
  for (const row of rows.rows.slice(0, rosterMaxBadges)) {
    const say = (column: Column, message: string): void => void problems.push({ line: row.line, column, message });
    const entry = readEntry(row, form, say);
    // Also where the row has another mistake: that one mended, the badge would still be there twice.
    const badge = normaliseBadge(row.field("badge"), form);
    const earlier = badge === null ? undefined : lineOfBadge.get(badge);
    if (earlier !== undefined) say("badge", `is on line ${earlier} too; a badge belongs to one worker`);
    if (badge !== null) lineOfBadge.set(badge, row.line);
    if (entry !== null) entries.push(entry);
  }
  return { entries, problems, fingerprint };
}

type Rows =
  | { readonly ok: true; readonly rows: readonly Row[] }
  | { readonly ok: false; readonly problems: RosterProblem[] };

/** The header, the badges, and one more that tells of too many: a file of short lines has millions, and each takes 500 bytes. */
const recordsMax = 1 + rosterMaxBadges + 1;

/** Which no CSV in UTF-8 has, and every character of UTF-16 that a spreadsheet writes. */
const utf16Mark = "\0";
/** What stands where bytes were no UTF-8. */
const notUtf8Mark = "\ufffd";

function readRows(written: string): Rows {
  if (written.includes(utf16Mark)) return refused(1, "is not UTF-8 (UTF-16, by the look of it); save it as CSV UTF-8");
  // Every line end is one character from here on, so that no reader of a mixed file takes two lines for one.
  const text = written.replace(/^\ufeff/, "").replace(/\r\n?/g, "\n");
  const foreign = text.indexOf(notUtf8Mark);
  if (foreign >= 0) return refused(lineAt(text, foreign), "has characters that are no UTF-8; save it as CSV UTF-8");
  const [preface, named] = /^\s*(?:sep=([,;\t])[^\S\n]*\n\s*)?/i.exec(text) ?? ["", undefined];
  const body = text.slice(preface.length);
  const linesBefore = lineAt(text, preface.length) - 1;
  const firstLine = /^.*/.exec(body)?.[0] ?? "";
  const delimiter = named ?? [";", "\t"].find((each) => firstLine.includes(each)) ?? ",";
  const read = recordsOf(body, delimiter);
  if (!read.ok) return refused(read.line + linesBefore, read.message);
  const records = read.records.map(({ record, line }) => ({ record, line: line + linesBefore }));
  const header = (records[0]?.record ?? []).map((name) => name.toLowerCase());
  while (header.at(-1) === "") header.pop();
  const headerLine = records[0]?.line ?? 1;
  const problems = headerProblems(header, headerLine);
  if (problems.length > 0) return { ok: false, problems };
  const rows = records.slice(1);
  if (rows.length === 0) {
    const message = "no badge is named: every scan would be of an unknown badge, and nobody be registered";
    return { ok: false, problems: [{ line: headerLine, column: "badge", message }] };
  }
  const misshapen = rows.flatMap(({ record, line }) => shapeProblems(record, line, header.length));
  if (misshapen.length > 0) return { ok: false, problems: misshapen };
  return {
    ok: true,
    rows: rows.map(({ record, line }) => ({
      line,
      field: (column: Column): string => record[header.indexOf(column)] ?? "",
    })),
  };
}

function refused(line: number, message: string): Rows {
  return { ok: false, problems: [{ line, column: "", message }] };
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

/** `line` is the one on which a record begins. */
type Records =
  | { readonly ok: true; readonly records: readonly { readonly record: readonly string[]; readonly line: number }[] }
  | { readonly ok: false; readonly line: number; readonly message: string };

/** Never repeats what csv-parse says of a mistake: it quotes the cell, which may hold a national number. */
function recordsOf(text: string, delimiter: string): Records {
  try {
    // csv-parse's types describe the record without `info`, which the option adds.
    const records = parse(text, {
      delimiter,
      record_delimiter: "\n",
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
      trim: true,
      to: recordsMax,
    }) as unknown as readonly { readonly record: readonly string[]; readonly info: { readonly lines: number } }[];
    const breaksIn = (record: readonly string[]): number => lineAt(record.join(""), Number.POSITIVE_INFINITY) - 1;
    return { ok: true, records: records.map(({ record, info }) => ({ record, line: info.lines - breaksIn(record) })) };
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const isUnclosed = error.code === "CSV_QUOTE_NOT_CLOSED";
    const message = isUnclosed
      ? 'has a quotation mark (") that opens a cell and is never closed; remove it, or close the cell'
      : 'has a quotation mark (") inside a cell; write the whole cell in quotation marks and those in it twice';
    const told = (error as CsvError & { readonly lines?: number }).lines ?? 1;
    return { ok: false, line: isUnclosed ? firstOddQuote(text) : told, message };
  }
}

/** csv-parse names the line on which the file ends. */
function firstOddQuote(text: string): number {
  return text.split("\n").findIndex((line) => line.split('"').length % 2 === 0) + 1;
}

function shapeProblems(record: readonly string[], line: number, columnsNamed: number): readonly RosterProblem[] {
  if (record.some((cell) => cell.includes("\n"))) {
    const message =
      'goes on over the end of its line: a quotation mark (") opens a cell here; remove it, or close the cell';
    return [{ line, column: "", message }];
  }
  if (record.slice(columnsNamed).every((cell) => cell === "")) return [];
  const message = `has more cells than the header names columns; see that every separator and quotation mark is where it belongs`;
  return [{ line, column: "", message }];
}

/** A first line that is no header holds somebody's values: only a name without figures is repeated. */
function headerProblems(header: readonly string[], line: number): RosterProblem[] {
  const known: readonly string[] = columns;
  if (header.length === 0) return [{ line, column: "badge", message: "is empty; the first line names the columns" }];
  if (!header.some((name) => known.includes(name))) {
    const message = `is no header: the first line names the columns, which are ${columns.join(", ")}`;
    return [{ line, column: "", message }];
  }
  const problems: RosterProblem[] = header.flatMap((name, index) => {
    const column = /^[^\p{N}]{1,40}$/u.test(name) ? name : `column ${index + 1}`;
    if (!known.includes(name)) {
      return [{ line, column, message: `is no column of a roster; the columns are ${columns.join(", ")}` }];
    }
    if (header.indexOf(name) === index) return [];
    return [{ line, column, message: "is there twice; remove the one that is not meant" }];
  });
  for (const name of ["badge", "ssin"]) {
    if (!header.includes(name)) problems.push({ line, column: name, message: "the column is missing" });
  }
  if (!header.includes("employer") && !header.includes("foreign_vat")) {
    problems.push({
      line,
      column: "employer",
      message: "the column is missing (or foreign_vat, for foreign employers)",
    });
  }
  return problems;
}

function readEntry(row: Row, form: BadgeForm, say: (column: Column, message: string) => void): RosterEntry | null {
  let sound = true;
  const wrong = (column: Column, message: string): null => {
    sound = false;
    say(column, message);
    return null;
  };
  const badge = normaliseBadge(row.field("badge"), form) ?? wrong("badge", badgeFault(row.field("badge"), form));
  if (badge !== null && isRandomUid(badge, form)) {
    wrong(
      "badge",
      "begins with 08: the card shows another random number at every presentation; give the worker another card",
    );
  }
  const ssin = digitsOf(row.field("ssin"));
  // Zeros in front, which a number may have lost, make no other one of it.
  if (badge !== null && isSsin(ssin) && digitsOf(badge).padStart(ssin.length, "0") === ssin) {
    wrong(
      "badge",
      "is the worker's national number, which lists and webhooks would show; give the number of a badge of his own",
    );
  }
  if (ssin === "") wrong("ssin", "is missing; give the worker's national number");
  else if (isShortened(row.field("ssin"))) wrong("ssin", shortenedWords);
  else if (ssin.length < 11 && isSsin(ssin.padStart(11, "0")))
    // Who was born from 2000 to 2009. Not filled up here: a figure that was forgotten elsewhere may fit by chance.
    wrong(
      "ssin",
      "has no zeros in front, which a spreadsheet leaves out: write all eleven digits, in a column of text",
    );
  else if (!isSsin(ssin))
    wrong("ssin", "is no valid national number: eleven digits whose last two are the check digits");
  const employer = readEmployer(row, wrong);
  const declaration = row.field("avw_number").toUpperCase();
  if (declaration !== "" && !isDeclarationOfWorksNumber(declaration)) {
    wrong("avw_number", "is no AvW number: thirteen capitals and digits, neither I nor O");
  }
  const reference = row.field("reference");
  if (isSsin(digitsOf(reference)) || withoutSsins(reference, "") !== reference) {
    wrong(
      "reference",
      "holds a national number, and is shown in lists, summaries and exports; give the employer's own number",
    );
  }
  if (reference.length > referenceMaxChars || steers.test(reference)) {
    wrong("reference", `is no reference: at most ${referenceMaxChars} characters on one line`);
  }
  const validFrom = readDate(row.field("valid_from"));
  const validUntil = readDate(row.field("valid_until"));
  if (validFrom === undefined) wrong("valid_from", "is no date; write 2026-01-31 or 31/01/2026");
  if (validUntil === undefined) wrong("valid_until", "is no date; write 2026-01-31 or 31/01/2026");
  if (validFrom && validUntil && validUntil < validFrom) wrong("valid_until", "is before valid_from");
  const kind = readKind(row, wrong);
  const limosa = readLimosa(row, kind, wrong);
  if (!sound || badge === null || employer === null || validFrom === undefined || validUntil === undefined) return null;
  return {
    badge,
    ssin,
    employer,
    declarationOfWorks: declaration === "" ? null : declaration,
    reference: reference || null,
    validFrom,
    validUntil,
    ...(kind === null ? {} : { kind }),
    ...(limosa === null ? {} : { limosa }),
  };
}

function readKind(row: Row, wrong: (column: Column, message: string) => null): WorkerKind | null {
  const written = row.field("kind").toLowerCase();
  if (written === "" || written === "employee") return null;
  const kind = workerKinds.find((each) => each === written);
  return kind ?? wrong("kind", `is none of ${workerKinds.join(", ")}; leave it empty for an employee`);
}

function readLimosa(
  row: Row,
  kind: WorkerKind | null,
  wrong: (column: Column, message: string) => null,
): string | null {
  const written = row.field("limosa");
  if (written === "") return null;
  if (kind !== "posted") return wrong("limosa", "belongs to a posted worker; write posted in the column kind");
  if (written.length > limosaMaxChars || /\p{C}/u.test(written)) {
    return wrong("limosa", `is no reference: at most ${limosaMaxChars} characters on one line`);
  }
  return written;
}

function readEmployer(row: Row, wrong: (column: Column, message: string) => null): Employer | null {
  const enterprise = digitsOf(row.field("employer").replace(/^BE\s*/i, ""));
  const vat = row
    .field("foreign_vat")
    .replace(/[\s.-]/g, "")
    .toUpperCase();
  if ((enterprise === "") === (vat === "")) return wrong("employer", "give exactly one of employer and foreign_vat");
  if (vat !== "") {
    if (!/^[A-Z]{2}[A-Z0-9]{2,13}$/.test(vat))
      return wrong("foreign_vat", "is no VAT number: two letters of the country, then the number");
    return { kind: "foreign-vat", number: vat };
  }
  const number = enterprise.padStart(10, "0");
  if (!isEnterpriseNumber(number))
    return wrong("employer", "is no enterprise number: ten digits whose last two are the check digits");
  return { kind: "enterprise-number", number };
}

/**
 * Besides ISO 8601 what spreadsheets write in Belgium, whose languages all put the day first: 5/01/2026, 05-01-2026,
 * 05.01.2026. A year of two figures might as well be a day.
 *
 * @returns `null` when empty, `undefined` when it is no date of the calendar
 */
function readDate(text: string): string | null | undefined {
  if (text === "") return null;
  const { day, month, year } = /^(?<day>\d{1,2})([/.-])(?<month>\d{1,2})\2(?<year>\d{4})$/.exec(text)?.groups ?? {};
  const iso = year === undefined ? text : `${year}-${month?.padStart(2, "0")}-${day?.padStart(2, "0")}`;
  const [, y, m, d] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(iso) ?? [];
  if (y === undefined || Number(m) < 1 || Number(m) > 12) return undefined;
  return Number(d) >= 1 && Number(d) <= daysIn(Number(y), Number(m)) ? iso : undefined;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}
