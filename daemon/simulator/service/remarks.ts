import type { WallMs } from "../../base/time.ts";
import type { RegistrationType, RemarkCode } from "./registration.ts";

/** Remark 24 looks this far back for an IN. */
export const inBeforeOutMs: number = 24 * 60 * 60 * 1000;

/** A registration and what stands before it, ordered by registration date, among those of the same worker that were not cancelled. */
export type Circumstances = {
  readonly type: RegistrationType;
  readonly registrationMs: WallMs;
  readonly receivedMs: WallMs;
  readonly ssinKnown: boolean;
  /** Type of the registration right before; `null` for the worker's first. */
  readonly previousType: RegistrationType | null;
  /** The latest IN before; `null` when there is none. */
  readonly lastInMs: WallMs | null;
};

/**
 * The remarks the RSZ procedure document ("Procedures bij technisch defect, nalatigheid en vergissing") gives, in
 * rising order. A remark never undoes a registration.
 *
 * The document leaves four edges open. Assumed here: of two registrations in a row the later one carries 21 or 22,
 * however long ago the earlier one was; an IN exactly 24 hours before an OUT counts; a registration in the future by
 * the service's clock is a badge clock that is set wrong, so it carries 32 as well; a cancelled registration stands
 * before none.
 *
 * @param receiptLimitMs receipt − registration at or past this raises 32; `null` knows no limit
 */
export function remarksOf(subject: Circumstances, receiptLimitMs: number | null): readonly RemarkCode[] {
  const remarks: RemarkCode[] = [];
  if (!subject.ssinKnown) remarks.push(15);
  if (subject.type === "IN" && subject.previousType === "IN") remarks.push(21);
  if (subject.type === "OUT" && subject.previousType === "OUT") remarks.push(22);
  if (subject.type === "OUT" && !hasInBefore(subject)) remarks.push(24);
  const ageMs = subject.receivedMs - subject.registrationMs;
  if (ageMs < 0 || (receiptLimitMs !== null && ageMs >= receiptLimitMs)) remarks.push(32);
  return remarks;
}

function hasInBefore(subject: Circumstances): boolean {
  return subject.lastInMs !== null && subject.registrationMs - subject.lastInMs <= inBeforeOutMs;
}

const descriptions: Record<RemarkCode, string> = {
  1: "There is no relation between the worker and the enterprise.",
  2: "The relation between the worker and the enterprise is no longer active.",
  3: "The enterprise is neither employer nor self-employed.",
  4: "The enterprise does not exist.",
  5: "The person registered holds no legal function at this enterprise.",
  10: "There is no declaration of works with this number.",
  11: "The declaration of works exists but is not active.",
  12: "The enterprise has no contract in the declaration of works.",
  15: "The SSIN is not known.",
  16: "The employer is inactive in the directory.",
  17: "The contract in the declaration of works is not active.",
  21: "Two or more INs in a row.",
  22: "Two or more OUTs in a row.",
  24: "OUT without an IN in the 24 hours before.",
  32: "The time limit for receipt of the registration has passed, or the badge clock is wrong.",
  33: "The link between employer and declaration of works was not checked.",
  34: "Registration refused: some remarks cannot be computed.",
  35: "The geocoding service is not available.",
  36: "The GPS coordinates are not right.",
  37: "The address cannot be verified: information is missing.",
};

/** A remark on the wire. Its shape is in no public source: number and text under these two names are assumed. */
export type WireRemark = { readonly code: RemarkCode; readonly description: string };

export function wireRemarks(codes: readonly RemarkCode[]): readonly WireRemark[] {
  return codes.map((code) => ({ code, description: descriptions[code] }));
}
