import { inBelgium } from "../../base/belgium.ts";
import { isEnterpriseNumber, isSsin } from "../../base/identifiers.ts";
import type { WallMs } from "../../base/time.ts";
import type { Employer } from "../../scan/roster.ts";
import type { Direction, PlaceOfWork } from "../../scan/scan.ts";
import { localDate } from "./remarks/deadline.ts";
import type { WarningKind } from "./remarks/warning-kinds.ts";

/** Remark 24 looks this far back for an IN. */
export const inBeforeOutMs: number = 24 * 60 * 60 * 1000;

/** What this box knows of a scan before the service does. */
export type ScanFacts = {
  readonly ssin: string;
  readonly employer: Employer;
  /** Local dates, both inclusive; `null` is open. */
  readonly validFrom: string | null;
  readonly validUntil: string | null;
  readonly direction: Direction;
  readonly utcMs: WallMs;
  /** `null` when a damaged database lost it. */
  readonly place: PlaceOfWork | null;
  /** The worker's scans before that are or may become registrations, newest first: the last one, and those of a day. */
  readonly earlier: readonly { readonly direction: Direction; readonly utcMs: WallMs }[];
};

/**
 * The remarks that can be foreseen. A warning holds nothing back and changes nothing that the worker did: what the service
 * knows of him from other gates it alone knows, and whether it remarks is for it to say.
 */
export function warningsOf(facts: ScanFacts, timeZone: string): readonly WarningKind[] {
  const { ssin, employer } = facts;
  return [
    ...when(!isSsin(ssin), "ssin-invalid"),
    ...when(employer.kind === "enterprise-number" && !isEnterpriseNumber(employer.number), "enterprise-number-invalid"),
    ...when(isOutsideDates(facts, timeZone), "outside-roster-dates"),
    ...(facts.place === null ? [] : warningsOfPlace(facts.place)),
    ...warningsOfOrder(facts),
  ];
}

export function warningsOfPlace(place: PlaceOfWork): readonly WarningKind[] {
  if (place.kind === "coordinates") {
    const { latitude, longitude } = place;
    if (inBelgium(latitude, longitude)) return [];
    return [inBelgium(longitude, latitude) ? "coordinates-swapped" : "outside-belgium"];
  }
  const { municipalityName, streetName, houseNumber } = place;
  // A house number without a figure, such as "z/n", is what "ontbrekende informatie" is about.
  const isWhole = /\p{L}/u.test(municipalityName) && /\p{L}/u.test(streetName) && /\d/.test(houseNumber);
  return when(!isWhole, "address-incomplete");
}

function isOutsideDates({ validFrom, validUntil, utcMs }: ScanFacts, timeZone: string): boolean {
  if (validFrom === null && validUntil === null) return false;
  const date = localDate(utcMs, timeZone);
  return (validFrom !== null && date < validFrom) || (validUntil !== null && date > validUntil);
}

function warningsOfOrder({ direction, utcMs, earlier }: ScanFacts): readonly WarningKind[] {
  const last = earlier[0]?.direction ?? null;
  if (direction === "in") return when(last === "in", "two-ins");
  const hasIn = earlier.some((scan) => scan.direction === "in" && utcMs - scan.utcMs <= inBeforeOutMs);
  return [...when(last === "out", "two-outs"), ...when(!hasIn, "out-without-in")];
}

function when(isSo: boolean, warning: WarningKind): readonly WarningKind[] {
  return isSo ? [warning] : [];
}
