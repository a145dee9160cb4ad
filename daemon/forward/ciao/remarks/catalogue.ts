import type { Language } from "../../../base/language.ts";
import { handlingOf, isRemarkNumber, type RemarkNumber, type WhoActs } from "./numbers.ts";
import { type OfficialRemark, officialRemarks } from "./official.ts";
import type { RemarkWords } from "./words.ts";
import { german } from "./words-de.ts";
import { english } from "./words-en.ts";
import { french } from "./words-fr.ts";
import { dutch } from "./words-nl.ts";

export const remarkWords: Readonly<Record<Language, RemarkWords>> = {
  nl: dutch,
  fr: french,
  de: german,
  en: english,
};

/** Everything that a supervisor needs to know of a remark. */
export type RemarkEntry = {
  /** `null` for a remark that the procedure document does not list. */
  readonly number: RemarkNumber | null;
  /** Word for word, in Dutch; `null` when the document does not list it. */
  readonly official: OfficialRemark | null;
  /** What it means and what to do, in the language asked for. */
  readonly plain: string;
  readonly who: WhoActs;
  readonly webForm: boolean;
};

/** @param said the service's own words, for a remark that the document does not list */
export function remarkEntry(code: number | null, said: string, language: Language): RemarkEntry {
  const words = remarkWords[language];
  if (isRemarkNumber(code)) {
    return { number: code, official: officialRemarks[code], plain: words.plain[code], ...handlingOf[code] };
  }
  // Nobody knows what it asks: that the employer looks is the answer that misses nothing.
  const plain = said === "" ? words.unlisted : said;
  return { number: null, official: null, plain, who: "employer", webForm: false };
}
