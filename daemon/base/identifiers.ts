/**
 * Belgian identifiers, checked by their own check digits before anything is sent.
 * All functions take the bare characters; `digitsOf` removes the punctuation people write.
 */

/** Removes the dots, dashes, slashes and spaces people write in numbers: `93.05.18-223.61` → `93051822361`. */
export function digitsOf(written: string): string {
  return written.replace(/[\s./-]/g, "");
}

/**
 * National register number (INSZ, NISS, SSIN), BIS numbers included (month + 20 or + 40).
 * The last two digits are 97 − (first nine mod 97), with a 2 put before the nine for births from 2000.
 */
export function isSsin(text: string): boolean {
  if (!/^\d{11}$/.test(text)) return false;
  const base = Number(text.slice(0, 9));
  const check = Number(text.slice(9));
  return check === 97 - (base % 97) || check === 97 - ((2_000_000_000 + base) % 97);
}

/** Enterprise number (KBO/BCE): ten digits from 0 or 1, the last two 97 − (first eight mod 97). */
export function isEnterpriseNumber(text: string): boolean {
  return /^[01]\d{9}$/.test(text) && Number(text.slice(8)) === 97 - (Number(text.slice(0, 8)) % 97);
}

/** Number of a declaration of works (Aangifte van Werken): 13 characters, neither I nor O. */
export function isDeclarationOfWorksNumber(text: string): boolean {
  return /^[A-HJ-NP-Z0-9]{13}$/.test(text);
}

/** Eleven digits with what people and word processors put between them, `93.05.18 – 223.61`. */
const elevenDigits = /(?<!\d)\d(?:[\s./·_\p{Pd}]{0,3}\d){10}(?!\d)/gu;

/** Puts `instead` in place of every national number with right check digits, however punctuated; other numbers stay. */
export function withoutSsins(text: string, instead: string): string {
  let left = "";
  let to = 0;
  elevenDigits.lastIndex = 0;
  for (let found = elevenDigits.exec(text); found !== null; found = elevenDigits.exec(text)) {
    const [number] = found;
    if (isSsin(number.replace(/\D/g, ""))) {
      left += text.slice(to, found.index) + instead;
      to = elevenDigits.lastIndex;
    } else {
      // The digits of another number may stand before it: `worker 12 93.05.18-223.61`.
      elevenDigits.lastIndex = found.index + 1;
    }
  }
  return left + text.slice(to);
}
