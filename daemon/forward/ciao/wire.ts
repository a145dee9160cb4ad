import { unreachable } from "../../base/assert.ts";
import { utcSecondsText } from "../../base/system-time.ts";
import type { Employer } from "../../scan/roster.ts";
import type { Direction, PlaceOfWork } from "../../scan/scan.ts";
import type { DueScan } from "../queue.ts";

/**
 * The request of `registerInBulk`, and nothing beside it: a field the service does not know may cost the whole call.
 *
 * Sources of every name: (C) confirmed by an official text, (T) seen in third-party public code only, (I) inferred.
 *
 * | worker | `ssin` | `employer` |
 * | --- | --- | --- |
 * | employee | national register number | the firm's enterprise number (T) |
 * | self-employed | national register number | his own enterprise number (I) |
 * | temporary | national register number | the agency's enterprise number (I): it employs him |
 * | posted from abroad | BIS number | `foreignVatNumber` (T), or an enterprise number where his employer has one (I) |
 */
export type WireItem = {
  /** (T) UTC, whole seconds, `2026-01-31T07:02:11Z`. */
  readonly registrationDate: string;
  /** (T) Eleven digits. */
  readonly ssin: string;
  /** (T) */
  readonly type: WireDirection;
  /** (T) */
  readonly employer: WireEmployer;
  /** (T) */
  readonly placeOfWork: WirePlace;
  /** (T) The 13-character AvW number; (I) that it may be left out. */
  readonly contractualRelationshipReference?: string;
};

export type WireDirection = "IN" | "OUT";
export type WireEmployer = { readonly enterpriseNumber: string } | { readonly foreignVatNumber: string };
export type WirePlace =
  | { readonly coordinates: { readonly longitude: number; readonly latitude: number } }
  | {
      readonly address: {
        readonly postCode: string;
        readonly municipalityName: string;
        readonly streetName: string;
        readonly houseNumber: string;
        readonly boxNumber?: string;
      };
    };

/** (T) Behind the base address; configuration may name another. */
export const registerPath: string = "/presenceRegistrations/registerInBulk";

/**
 * (T) `{ "items": [Item…] }`.
 *
 * @param limosaField (U) the name of the item's field for a Limosa reference; `null`, as long as nobody published one,
 *   sends none: the service finds the declaration by the worker's BIS number and his employer
 */
export function requestBody(scans: readonly DueScan[], limosaField: string | null = null): string {
  return JSON.stringify({ items: scans.map((scan) => withLimosa(wireItem(scan), scan, limosaField)) });
}

function withLimosa(item: WireItem, { limosa }: DueScan, field: string | null): object {
  return field === null || limosa === undefined ? item : { ...item, [field]: limosa };
}

/** The stamp cut to whole seconds, never rounded: a registration in the future would be one in advance. */
export function wireItem(scan: DueScan): WireItem {
  const item = {
    registrationDate: utcSecondsText(scan.utcMs),
    ssin: scan.ssin,
    type: wireDirection(scan.direction),
    employer: wireEmployer(scan.employer),
    placeOfWork: wirePlace(scan.place),
  };
  const reference = scan.declarationOfWorks;
  return reference === null ? item : { ...item, contractualRelationshipReference: reference };
}

export function wireDirection(direction: Direction): WireDirection {
  return direction === "in" ? "IN" : "OUT";
}

function wireEmployer(employer: Employer): WireEmployer {
  switch (employer.kind) {
    case "enterprise-number":
      return { enterpriseNumber: employer.number };
    case "foreign-vat":
      return { foreignVatNumber: employer.number };
    default:
      return unreachable(employer);
  }
}

function wirePlace(place: PlaceOfWork): WirePlace {
  switch (place.kind) {
    case "coordinates":
      return { coordinates: { longitude: place.longitude, latitude: place.latitude } };
    case "address": {
      const { postCode, municipalityName, streetName, houseNumber, boxNumber } = place;
      const address = { postCode, municipalityName, streetName, houseNumber };
      return { address: boxNumber === null ? address : { ...address, boxNumber } };
    }
    default:
      return unreachable(place);
  }
}
