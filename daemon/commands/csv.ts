/**
 * A table for a spreadsheet: as RFC 4180, but parted by semicolons. A spreadsheet that writes a decimal comma, as
 * all of Belgium's languages do, takes a comma for a part of the field. The roster is read in the same form.
 */
export function csvLines(rows: readonly (readonly string[])[]): readonly string[] {
  return rows.map((row, index) => `${index === 0 ? byteOrderMark : ""}${row.map(csvField).join(separator)}`);
}

const separator = ";";

/** Without it Excel takes UTF-8 for the code page of its own country, and shows `Ã©` for `é`. */
const byteOrderMark = "\uFEFF";

/** What a spreadsheet would take for a formula, and run, gets an apostrophe in front, which it shows as text. */
export function csvField(text: string): string {
  const plain = isFormula(text) ? `'${text}` : text;
  return /[",;\t\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

/** A number below zero is none; `-1+2` is one. */
function isFormula(text: string): boolean {
  return /^[=+@\t\r\n]/.test(text) || (text.startsWith("-") && !/^-\d+(?:[.,]\d+)?$/.test(text));
}
