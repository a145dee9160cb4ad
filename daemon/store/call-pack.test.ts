import fc from "fast-check";
import { expect, test } from "vitest";
import { type WallMs, wallMs } from "../base/time.ts";
import type { DueScan, Settlement } from "../forward/queue.ts";
import type { PlaceOfWork } from "../scan/scan.ts";
import { packClaim, packSettlements, unpackClaim, unpackSettlements } from "./call-pack.ts";

const id = fc.integer({ min: 1 });
const moment: fc.Arbitrary<WallMs> = fc.integer({ min: 0, max: 4e12 }).map(wallMs);
const places: readonly PlaceOfWork[] = [
  { kind: "coordinates", latitude: 51.05, longitude: 3.72 },
  {
    kind: "address",
    postCode: "9000",
    municipalityName: "Gent",
    streetName: "Kouter",
    houseNumber: "1",
    boxNumber: null,
  },
];
const scan: fc.Arbitrary<DueScan> = fc.record(
  {
    scanId: id,
    workerId: id,
    ssin: fc.string(),
    employer: fc.record({ kind: fc.constantFrom("enterprise-number", "foreign-vat"), number: fc.string() }),
    direction: fc.constantFrom("in", "out"),
    utcMs: moment,
    place: fc.constantFrom(...places),
    declarationOfWorks: fc.option(fc.string()),
    limosa: fc.string(),
  },
  { requiredKeys: ["scanId", "workerId", "ssin", "employer", "direction", "utcMs", "place", "declarationOfWorks"] },
);
const remark = fc.record({ code: fc.option(fc.nat()), text: fc.string() });
const notBefore = fc.option(moment);
const settlement: fc.Arbitrary<Settlement> = fc.oneof(
  fc.record(
    {
      kind: fc.constant("registered" as const),
      scanId: id,
      registrationId: fc.string(),
      validity: fc.string(),
      remarks: fc.array(remark, { maxLength: 3 }),
      foundBySearch: fc.constant(true as const),
    },
    { requiredKeys: ["kind", "scanId", "registrationId", "validity", "remarks"] },
  ),
  fc.record({ kind: fc.constant("refused" as const), scanId: id, reason: fc.string() }),
  fc.record({ kind: fc.constant("not-found" as const), scanId: id }),
  fc.record({ kind: fc.constantFrom("again" as const, "doubtful" as const), scanId: id, notBefore }),
);

test("a claim comes out of the worker thread as it went in", () => {
  fc.assert(
    fc.property(id, fc.array(scan), (attemptId, scans) => {
      const claim = { attemptId, scans };
      expect(unpackClaim(structuredClone(packClaim(claim)))).toEqual(claim);
    }),
  );
});

test("outcomes go into the worker thread as they are", () => {
  fc.assert(
    fc.property(fc.array(settlement), (settlements) => {
      expect(unpackSettlements(structuredClone(packSettlements(settlements)))).toEqual(settlements);
    }),
  );
});
