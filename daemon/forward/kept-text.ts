import { isIP } from "node:net";
import { isSsin } from "../base/identifiers.ts";

/** Longest text of somebody else's that is kept with a scan or an attempt, or logged. */
export const keptTextMaxChars: number = 400;

/** What stands in place of a number that may be somebody's national number. */
export const scrubbed: string = "[number removed]";

/**
 * How much of a text is looked at. Answers may be of megabytes, and on a run of digits as long as that the expressions
 * below throw, for V8 backs their repetitions with a stack of limited size.
 */
export const readTextMaxChars: number = 8 * 1024;

/**
 * A text of somebody else's, fit to be kept and logged: on one line, of bounded length, and without any run of 11 or more
 * digits, however punctuated, since an SSIN may be repeated in what a service says of it, and so may a token. Never throws.
 */
export function keptText(text: string): string {
  if (text.length <= keptTextMaxChars && plainWords.test(text) && !hasSecret(text)) return text;
  const isCut = text.length > readTextMaxChars;
  const read = isCut ? `${beginningOf(text)}${endlessNumber}` : text;
  const oneLine = scrubNumbers(read.replace(/[\p{C}\p{Z}]+/gu, " ").replaceAll(longRuns, withoutSecret)).trim();
  const kept = isCut ? `${oneLine.slice(0, -scrubbed.length)}…` : oneLine;
  return kept.length <= keptTextMaxChars ? kept : `${kept.slice(0, keptTextMaxChars - 1)}…`;
}

/** Written where a text was cut: digits that touch the cut, and may go on behind it, become one long number with it. */
const endlessNumber = "0".repeat(11);

/**
 * A run as long as this, with a letter in it, may be a part of a token, of an assertion or of a key. The letter is looked for
 * afterwards: an expression that looks ahead for it does so from every digit of a long number.
 */
const longRuns = /[A-Za-z0-9_+=-]{40,}/g;

function withoutSecret(run: string): string {
  return /[A-Za-z]/.test(run) ? "[removed]" : run;
}

function hasSecret(text: string): boolean {
  return text.replaceAll(longRuns, withoutSecret) !== text;
}

/** Letters and digits, and what characters are written with as addresses, pages and JSON do. */
const wordCharacter = /[\w+=%&#;\\-]/;

/** A word that touches the cut is left out whole: half a `&ndash;` would part the digits before it from those behind. */
function beginningOf(text: string): string {
  let end = readTextMaxChars;
  while (end > 0 && wordCharacter.test(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

/** ASCII without digits, a blank between two words: nothing in it has to go, and most of what the service says is such. */
const plainWords = /^(?:[!-/:-~]+(?: [!-/:-~]+)*)?$/;

/** What may stand between two digits of one number: no letter, or a character as addresses, pages and JSON write it. */
const between = "(?:%[0-9A-Fa-f]{2}|\\\\u[0-9A-Fa-f]{4}|&#?[0-9A-Za-z]{1,8};|[^\\p{L}\\p{Nd}]){0,6}";
const longNumber = new RegExp(`\\p{Nd}(?:${between}\\p{Nd}){10,}`, "gu");

/** A moment as people write it has as many digits as a national number, and others between them. */
const moment =
  /^(?:\d{4}-\d{2}-\d{2}|\d{2}([/.-])\d{2}\1\d{4}) \d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:[+-]\d{2}:\d{2})?$/;

/** The time of a moment in ISO 8601, of which the `T` parts it from its date; without a date it is no time. */
const isoTime = /^\d{2}:\d{2}:\d{2}[.,]\d{1,9}(?:[+-]\d{2}:\d{2})?$/;
const isoDateBefore = /(?<!\d)\d{4}-\d{2}-\d{2}T$/;

/**
 * Removes every run of 11 or more digits, with up to six characters that are no letters between two of them. What is left is
 * a moment, and the address that could not be reached, for whoever looks for the fault in the network.
 */
export function scrubNumbers(text: string): string {
  return text.replace(longNumber, (number: string, at: number) => {
    const before = text.slice(Math.max(0, at - beforeMaxChars), at);
    if (moment.test(number) || (isoTime.test(number) && isoDateBefore.test(before))) return number;
    // Behind that little is kept, and to look at each of thousands costs more than badges can wait.
    if (at >= keptTextMaxChars) return scrubbed;
    return isUnreached(before, number, text.slice(at + number.length)) ? number : scrubbed;
  });
}

/** A dozen addresses, where a name has as many. */
const beforeMaxChars = 400;

/** Where Node and undici name the addresses to which no connection came about, and the end of such a list. */
const unreachedBefore = /(?:\b[a-z]+ E[A-Z]+ |\bLocal \(|\battempted address(?:es)?: (?:[\da-f:.]+, )*)$/;
const unreachedAfter = /^(?:$|;|\)| - |, timeout: )/;

/** Whether a number is of addresses with their ports, where such stand, and no national number that is written like one. */
function isUnreached(before: string, number: string, after: string): boolean {
  // Letters of a version 6 address part its digits.
  const [begun = ""] = /[\da-f:.]*$/.exec(before) ?? [];
  const [ended = ""] = /^[\da-f:.]*/.exec(after) ?? [];
  if (!unreachedBefore.test(before.slice(0, before.length - begun.length))) return false;
  const [own = "", others = ""] = [after.slice(0, ended.length), after.slice(ended.length)];
  const listed = `${begun}${number}${own}`.split(", ");
  const isListed = listed.every((each) => isAddressWithPort(each)) && !isWorkers(number.replace(/\D/g, ""));
  return isListed && (unreachedAfter.test(others) || /^, [\da-f:.]+[,)]/.test(others));
}

function isAddressWithPort(written: string): boolean {
  const [, address = "", port = ""] = /^(.+):(\d{1,5})$/.exec(written) ?? [];
  return isIP(address) !== 0 && Number(port) <= portMax && !written.split(/[a-f]+/).some(holdsWorkers);
}

/** Whether any eleven digits in a row are a worker's: an address may have others before them and behind. */
function holdsWorkers(written: string): boolean {
  const digits = written.replace(/\D/g, "");
  return Array.from(digits, (_, start) => digits.slice(start, start + ssinDigits)).some(isWorkers);
}

const ssinDigits = 11;
const portMax = 65_535;

/** A birth's month, with 20 or 40 added in a BIS number, or the 99 of who is made up: it parts most addresses from workers. */
function isWorkers(digits: string): boolean {
  const month = Number(digits.slice(2, 4));
  const isMonth = month === 99 || (month <= 52 && month % 20 <= 12);
  return isMonth && isSsin(digits);
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
