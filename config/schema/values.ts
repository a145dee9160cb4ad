import * as v from "valibot";
import { nearest } from "../nearest.ts";

/**
 * The kinds of values a configuration is made of. Two conventions hold the messages together: the message of a
 * `check` stands on its own and says the consequence; every other message says what was expected, and the loader
 * puts what was found in front of it.
 */

/** One value: whatever YAML gave comes in, `T` comes out. */
export type Value<T> = v.GenericSchema<unknown, T>;

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/** Twelve digits keep any duration well inside the safe integers. */
const durationPattern: RegExp = /^(\d{1,12}) ?(ms|s|min|h|d)$/;

/** Milliseconds of `500 ms`, `60 s`, `10 min`, `4 h`, `35 d`; `null` when the text is no duration. */
export function parseDuration(text: string): number | null {
  const [, count, unit] = durationPattern.exec(text) ?? [];
  const factorMs = unit === undefined ? undefined : unitMs[unit];
  return count === undefined || factorMs === undefined ? null : Number(count) * factorMs;
}

/** A duration between two others, both written as in the file and both allowed. Gives milliseconds. */
export function duration(description: string, from: string, to: string, such: string): Value<number> {
  const expected = `a duration from ${from} to ${to}, such as ${such}`;
  const written = `${expected}: a whole number with its unit, ms, s, min, h or d`;
  const inMs = (text: string): number => parseDuration(text) ?? Number.NaN;
  return v.pipe(
    v.string(written),
    v.regex(durationPattern, written),
    v.description(`${description} From ${from} to ${to}.`),
    v.transform(inMs),
    v.minValue(inMs(from), expected),
    v.maxValue(inMs(to), expected),
  );
}

/** A share above 0 and below 1, written as `80 %`. `atAll` says what 100 % or more would mean. */
export function percent(description: string, atAll: string): Value<number> {
  const expected = "a percentage from 1 % to 99 %, such as 80 %";
  return v.pipe(
    v.string(expected),
    v.regex(/^\d{1,3} ?%$/, expected),
    v.description(description),
    v.transform((text) => Number(text.replace("%", "")) / 100),
    v.minValue(0.01, expected),
    v.check((share) => share < 1, atAll),
  );
}

/** A whole number between two others, both allowed. */
export function whole(description: string, from: number, to: number): Value<number> {
  const expected = `a whole number from ${from} to ${to}`;
  return v.pipe(
    v.number(expected),
    v.integer(expected),
    v.minValue(from, expected),
    v.maxValue(to, expected),
    v.description(description),
  );
}

/** Degrees; whether they are in Belgium is a question about both coordinates together. */
export function degrees(description: string, limit: number): Value<number> {
  const expected = `degrees as a number from -${limit} to ${limit}, such as 51.0543`;
  return v.pipe(
    v.number(expected),
    v.minValue(-limit, expected),
    v.maxValue(limit, expected),
    v.description(description),
  );
}

/** One line: no control characters. Without the flag `u`, for a JSON Schema has no flags. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what the pattern keeps out
const oneLine: RegExp = /^[^\u0000-\u001f\u007f-\u009f]+$/;

/** Text of 1 to `maxChars` characters on one line. */
export function text(description: string, maxChars: number): Value<string> {
  const expected = `text of 1 to ${maxChars} characters on one line`;
  return v.pipe(
    v.string(expected),
    v.regex(oneLine, expected),
    v.maxLength(maxChars, expected),
    v.description(description),
  );
}

/** Text that YAML may take for a number, such as a house number. The loader hands it over as it is written. */
export function numericText(description: string, pattern: RegExp, expected: string): Value<string> {
  return v.pipe(
    v.string(expected),
    v.regex(pattern, expected),
    v.description(description),
    v.metadata({ type: ["string", "integer"] }),
  );
}

/** Text of a fixed shape. */
export function shaped(description: string, pattern: RegExp, expected: string): Value<string> {
  return v.pipe(v.string(expected), v.regex(pattern, expected), v.description(description));
}

/** One word of a closed list. */
export function choice<const T extends string>(description: string, words: readonly [T, ...T[]]): Value<T> {
  return v.pipe(
    v.picklist(words, ({ input }) => {
      const meant = typeof input === "string" ? nearest(input, words) : null;
      return `one of ${words.join(", ")}${meant === null ? "" : `; did you mean ${meant}?`}`;
    }),
    v.description(description),
  );
}

/** One number of a closed list. */
export function numberChoice<const T extends number>(description: string, numbers: readonly [T, ...T[]]): Value<T> {
  return v.pipe(v.picklist(numbers, `one of ${numbers.join(", ")}`), v.description(description));
}

/** Longer paths than Linux opens (PATH_MAX) are mistakes. */
export const pathMaxChars: number = 4096;

/** A file or folder, taken from the YAML file's own folder when it is relative. */
export function path(description: string): Value<string> {
  return text(`${description} A relative path starts at the folder of this file.`, pathMaxChars);
}

/**
 * What a section or list says when something else stands in its place, or when one of its keys is missing. The
 * description of the missing key then tells what is to be written.
 */
export function sectionMessage(entries: v.ObjectEntries): (issue: v.StrictObjectIssue) => string {
  return ({ expected, path: items }) => {
    const key = items?.at(-1)?.key;
    const entry = typeof key === "string" ? entries[key] : undefined;
    if (expected === null || entry === undefined) return `a section with the keys ${Object.keys(entries).join(", ")}`;
    return v.getDescription(entry) ?? String(key);
  };
}
