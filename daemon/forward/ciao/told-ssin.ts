/**
 * A national register number as an answer repeats it: eleven characters, digits and `*` for each that it hides. `null` for
 * what tells nothing of one.
 */
export type ToldSsin = string;

/** Services write the number with points and hyphens, or hide a part of it from whoever reads along. */
export function readToldSsin(text: string | null): ToldSsin | null {
  const bare = (text ?? "").replace(/[\s./-]/g, "").replace(/[xX#•]/g, "*");
  return /^[\d*]{11}$/.test(bare) && /\d/.test(bare) ? bare : null;
}

/** The eleven digits, where it names one worker and not all whose number looks like it. */
export function wholeSsin(told: ToldSsin | null): string | null {
  return told?.includes("*") === true ? null : told;
}

/**
 * Whether no digit that it shows is another one than the worker's. Of a hidden digit nothing is known, so this says that
 * it may be his, never that it is.
 *
 * @param ssin eleven digits
 */
export function mayBeOf(told: ToldSsin | null, ssin: string): boolean {
  return told === null || [...told].every((digit, place) => digit === "*" || digit === ssin[place]);
}
