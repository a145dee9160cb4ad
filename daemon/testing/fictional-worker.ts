import { assert } from "../base/assert.ts";

/** How many different workers can be made up: three digits of birth-order number, 28 days, 100 years. */
export const fictionalWorkersMax: number = 998 * 28 * 100;

/**
 * A national number that is valid by its check digits and can belong to nobody: its month is 99, which neither births
 * (01–12) nor BIS numbers (21–32, 41–52) use.
 */
export function fictionalSsin(index: number): string {
  assert(index >= 0 && index < fictionalWorkersMax, "there are enough made-up workers");
  const order = String((index % 998) + 1).padStart(3, "0");
  const day = String((Math.floor(index / 998) % 28) + 1).padStart(2, "0");
  const year = String(Math.floor(index / (998 * 28)) % 100).padStart(2, "0");
  const base = `${year}99${day}${order}`;
  return `${base}${String(97 - (Number(base) % 97)).padStart(2, "0")}`;
}

/** The badge of a made-up worker: ten hexadecimal digits, as an EM4100 tag has. */
export function fictionalBadge(index: number): string {
  return `7E${index.toString(16).toUpperCase().padStart(8, "0")}`;
}

/** A roster of `count` made-up workers of one employer. */
export function fictionalRoster(count: number): string {
  const rows = Array.from(
    { length: count },
    (_, index) => `${fictionalBadge(index)},${fictionalSsin(index)},0566988259,1Y1003SQ5VSSZ,P${index}`,
  );
  return ["badge,ssin,employer,avw_number,reference", ...rows, ""].join("\n");
}
