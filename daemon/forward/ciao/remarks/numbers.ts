/**
 * The remarks that the procedure document of the RSZ lists ("Procedures bij technisch defect, nalatigheid en
 * vergissing", table of remarks, causes and actions), in the order of their numbers. 13, 14, 18 to 20, 23 and 26 to 31
 * do not exist.
 */
export const remarkNumbers = [
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15, 16, 17, 21, 22, 24, 25, 32, 33, 34, 35, 36, 37, 38,
] as const;

export type RemarkNumber = (typeof remarkNumbers)[number];

/** The remarks whose registration the web form corrects. */
export function webFormNumbers(): readonly RemarkNumber[] {
  return remarkNumbers.filter((number) => handlingOf[number].webForm);
}

/** The service may come to know others, which are kept and shown in its own words. */
export function isRemarkNumber(code: number | null): code is RemarkNumber {
  const listed: readonly (number | null)[] = remarkNumbers;
  return listed.includes(code);
}

/**
 * Who has something to do.
 *
 * - `employer`: declarations, data and the web form are his.
 * - `worker`: the employer talks with him; only he can change what he does at the gate.
 * - `supplier`: of the badge system, whose clock or connection it is.
 * - `nobody`: nothing is asked, or nothing can be done any more.
 */
export type WhoActs = "employer" | "worker" | "supplier" | "nobody";

type Handling = {
  readonly who: WhoActs;
  /** Whether the document has the registration itself corrected, by the web form within 30 days. */
  readonly webForm: boolean;
};

const form: Handling = { who: "employer", webForm: true };
const employer: Handling = { who: "employer", webForm: false };
const nobody: Handling = { who: "nobody", webForm: false };

export const handlingOf: Readonly<Record<RemarkNumber, Handling>> = {
  1: form,
  2: form,
  3: employer,
  4: employer,
  5: employer,
  6: form,
  7: form,
  8: form,
  9: form,
  10: form,
  11: form,
  12: form,
  15: nobody,
  16: employer,
  17: form,
  21: nobody,
  22: nobody,
  24: nobody,
  25: { who: "worker", webForm: false },
  32: { who: "supplier", webForm: false },
  33: nobody,
  34: employer,
  35: nobody,
  36: employer,
  37: employer,
  38: employer,
};
