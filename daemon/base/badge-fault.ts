import type { BadgeForm } from "./badge-form.ts";

/** The tag of the table in badge-form.ts, as each form has it. */
const examples: Readonly<Record<BadgeForm, string>> = {
  hex: "010063E9AE",
  decimal: "4301515182",
  "8H10D": "0006547886",
  "3D5D": "099,59822",
  wiegand26: "B1F4D700",
  text: "A-1024",
};

/** What a spreadsheet makes of a long number in a cell that is not text: 4,30152E+09. Its last figures are gone. */
export function isShortened(written: string): boolean {
  return /^\d([.,]\d+)?E\+\d+$/i.test(written);
}

export const shortenedWords = "is a number that a spreadsheet shortened: write it anew, in a column of text";

/** Why a text is no badge of the form that a roster is written in, and what to write instead. Does not quote it. */
export function badgeFault(written: string, form: BadgeForm): string {
  if (isShortened(written)) return shortenedWords;
  if (form === "hex" && /^[0-9A-F]+$/i.test(written) && written.length % 2 === 1) {
    return "has an odd number of digits: a spreadsheet leaves out zeros in front; write all of them, in a column of text";
  }
  return `is not of the form ${form}, such as ${examples[form]}, which the site's roster.badgeForm names`;
}
