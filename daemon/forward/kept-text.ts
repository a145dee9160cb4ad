/** Longest text of somebody else's that is kept with a scan or an attempt, or logged. */
export const keptTextMaxChars: number = 400;

/** What stands in place of a number that may be somebody's national number. */
export const scrubbed: string = "[number removed]";

/**
 * A text of somebody else's, fit to be kept and logged: on one line, of bounded length, and without any run of 11 or more
 * digits, however punctuated, since an SSIN may be repeated in what a service says of it.
 */
export function keptText(text: string): string {
  if (text.length <= keptTextMaxChars && plainWords.test(text)) return text;
  const oneLine = scrubNumbers(text.replace(/[\p{C}\p{Z}]+/gu, " ")).trim();
  return oneLine.length <= keptTextMaxChars ? oneLine : `${oneLine.slice(0, keptTextMaxChars - 1)}…`;
}

/** ASCII without digits, a blank between two words: nothing in it has to go, and most of what the service says is such. */
const plainWords = /^(?:[!-/:-~]+(?: [!-/:-~]+)*)?$/;

/** Removes every run of 11 or more digits, with up to three characters of punctuation between two of them. */
export function scrubNumbers(text: string): string {
  return text.replace(/\p{Nd}(?:[\s./_–-]{0,3}\p{Nd}){10,}/gu, scrubbed);
}

/**
 * A trace id as it came, which a scrubbed one would no longer be evidence of; `null` when it does not look like one.
 * Only a UUID is exempt from scrubbing: its last group may happen to be twelve digits.
 */
export function keptTraceId(text: string | null): string | null {
  if (text === null || !/^[A-Za-z0-9._:-]{1,100}$/.test(text)) return null;
  const isUuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
  return isUuid ? text : scrubNumbers(text);
}
