import { wallMs } from "../base/time.ts";
import type { Claim, DueScan, Remark, Settlement } from "../forward/queue.ts";
import type { Employer } from "../scan/roster.ts";
import type { Direction, PlaceOfWork } from "../scan/scan.ts";
import { type Packed, type PackedValue, pack, unpack } from "./column-pack.ts";
import type { ClaimStep } from "./queue-table.ts";

/** A claim on its way from the worker thread: its scans by column, each place of work once. */
export type PackedClaim = {
  readonly attemptId: number;
  readonly scans: Packed;
  readonly places: readonly PlaceOfWork[];
};

/** What a step of claiming comes to, on its way from the worker thread. */
export type PackedStep = Omit<ClaimStep, "claim"> & { readonly claim: PackedClaim | null };

export function packStep({ claim, ...step }: ClaimStep): PackedStep {
  return { ...step, claim: claim === null ? null : packClaim(claim) };
}

export function packClaim({ attemptId, scans }: Claim): PackedClaim {
  // The store hands out one object for all scans of a place.
  const places = [...new Set(scans.map(({ place }) => place))];
  const placeIds = new Map(places.map((place, id) => [place, id]));
  const columns: readonly ((scan: DueScan) => PackedValue)[] = [
    ({ scanId }) => scanId,
    ({ workerId }) => workerId,
    ({ ssin }) => ssin,
    ({ employer }) => employer.kind,
    ({ employer }) => employer.number,
    ({ direction }) => direction,
    ({ utcMs }) => utcMs,
    ({ place }) => placeIds.get(place) ?? null,
    ({ declarationOfWorks }) => declarationOfWorks,
    ({ limosa }) => limosa ?? null,
    ({ errorBoundMs }) => errorBoundMs ?? null,
  ];
  return { attemptId, scans: pack(scans, columns), places };
}

export function unpackClaim({ attemptId, scans, places }: PackedClaim): Claim {
  return {
    attemptId,
    scans: unpack(scans, (value): DueScan => {
      const limosa = value(9) as string | null;
      const errorBoundMs = value(10) as number | null;
      const scan = {
        scanId: value(0) as number,
        workerId: value(1) as number,
        ssin: value(2) as string,
        employer: { kind: value(3) as Employer["kind"], number: value(4) as string },
        direction: value(5) as Direction,
        utcMs: wallMs(value(6) as number),
        place: places[value(7) as number] as PlaceOfWork,
        declarationOfWorks: value(8) as string | null,
      };
      const judged = errorBoundMs === null ? scan : { ...scan, errorBoundMs };
      return limosa === null ? judged : { ...judged, limosa };
    }),
  };
}

/** Remarks as JSON: most registrations have none. */
const settlementColumns: readonly ((settlement: Settlement) => PackedValue)[] = [
  ({ kind }) => kind,
  ({ scanId }) => scanId,
  (each) => (each.kind === "registered" ? each.registrationId : each.kind === "refused" ? each.reason : null),
  (each) => (each.kind === "registered" ? each.validity : null),
  (each) => (each.kind === "registered" && each.remarks.length > 0 ? JSON.stringify(each.remarks) : null),
  (each) => (each.kind === "registered" && each.foundBySearch ? 1 : null),
  (each) => (each.kind === "again" || each.kind === "doubtful" ? (each.notBefore ?? null) : null),
];

export function packSettlements(settlements: readonly Settlement[]): Packed {
  return pack(settlements, settlementColumns);
}

export function unpackSettlements(packed: Packed): readonly Settlement[] {
  return unpack(packed, (value): Settlement => {
    const kind = value(0) as Settlement["kind"];
    const scanId = value(1) as number;
    const notBefore = value(6) as number | null;
    switch (kind) {
      case "registered": {
        const remarks = value(4) === null ? [] : (JSON.parse(value(4) as string) as readonly Remark[]);
        const registered = {
          kind,
          scanId,
          registrationId: value(2) as string,
          validity: value(3) as string,
          remarks,
        };
        return value(5) === null ? registered : { ...registered, foundBySearch: true };
      }
      case "refused":
        return { kind, scanId, reason: value(2) as string };
      case "not-found":
      case "unsearchable":
        return { kind, scanId };
      case "again":
      case "doubtful":
        return { kind, scanId, notBefore: notBefore === null ? null : wallMs(notBefore) };
    }
  });
}
