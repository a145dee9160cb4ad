import { badgeFault, isShortened, shortenedWords } from "../base/badge-fault.ts";
import { type BadgeForm, isRandomUid, normaliseBadge } from "../base/badge-form.ts";
import { digitsOf, isDeclarationOfWorksNumber, isEnterpriseNumber, isSsin, withoutSsins } from "../base/identifiers.ts";
import { type Employer, type RosterEntry, type WorkerKind, workerKinds } from "./roster.ts";
import type { Column, Row } from "./roster-rows.ts";

/** A personnel number, or a name. It stands in lists and tables, which a longer one would tear apart. */
export const referenceMaxChars: number = 100;
/** A Limosa reference is free text (its form is not published); longer is no reference. */
export const limosaMaxChars: number = 50;

/** A terminal obeys control characters instead of showing them, and lets those that turn the direction of a text move its line. */
const steers = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u;

/** One badge and who holds it; `null` when something in its row is wrong, and `say` was told all that is. */
export function readEntry(
  row: Row,
  form: BadgeForm,
  say: (column: Column, message: string) => void,
): RosterEntry | null {
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
