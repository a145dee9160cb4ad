import { CsvError, parse } from "csv-parse/sync";

/** One row that cannot be used. Quotes the field's name, never its value: rosters hold national numbers. */
export type RosterProblem = { readonly line: number; readonly column: string; readonly message: string };

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

export type Column = (typeof columns)[number];
export type Row = { readonly line: number; readonly field: (column: Column) => string };

export type Rows =
  | { readonly ok: true; readonly rows: readonly Row[] }
  | { readonly ok: false; readonly problems: RosterProblem[] };

/** How a zip begins, which a workbook of a spreadsheet (.xlsx, .ods) is. */
const zipMark = "PK\u0003\u0004";
/** Which no CSV in UTF-8 has, and every character of UTF-16 that a spreadsheet writes. */
const utf16Mark = "\0";
/** What stands where bytes were no UTF-8. */
const notUtf8Mark = "\ufffd";

/**
 * The lines of a roster's file by their columns, whatever a spreadsheet made of it.
 *
 * @param rowsMax more than these are not read: a file of short lines has millions, and each takes 500 bytes
 */
export function readRows(written: string, rowsMax: number): Rows {
  if (written.startsWith(zipMark)) return refused(1, "is a spreadsheet's workbook, and no CSV; save it as CSV UTF-8");
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
  // With the header.
  const read = recordsOf(body, delimiter, 1 + rowsMax);
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
function recordsOf(text: string, delimiter: string, recordsMax: number): Records {
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
