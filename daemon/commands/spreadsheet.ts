/** By which Excel knows that a file is UTF-8: without it `durée` is shown as `durÃ©e`. */
const byteOrderMark = "\uFEFF";
/** The list separator of a Belgian Windows, as the comma is the decimal one: by a comma all would stand in one column. */
const separator = ";";

/** The lines of a table that Excel and LibreOffice open by a double click in Belgium. */
export function spreadsheet(headings: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const [first = "", ...others] = [headings, ...rows].map((row) => row.map(csvField).join(separator));
  return [`${byteOrderMark}${first}`, ...others];
}

/** RFC 4180. What a spreadsheet would take for a formula, and run, gets an apostrophe in front, which it shows as text. */
export function csvField(text: string): string {
  const isNumber = /^-\d+(?:[.,]\d+)?$/.test(text);
  const plain = /^[-=+@\t\r\n]/.test(text) && !isNumber ? `'${text}` : text;
  return /[";\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
