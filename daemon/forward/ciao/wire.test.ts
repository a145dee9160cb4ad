import fc from "fast-check";
import { expect, test } from "vitest";
import { parseUtcText } from "../../base/system-time.ts";
import { wallMs } from "../../base/time.ts";
import { dueScan } from "../../testing/memory-queue.ts";
import { requestBody, wireItem } from "./wire.ts";

const at = wallMs(1_769_842_931_999);
const scan = dueScan({ scanId: 1, worker: 1, utcMs: at });

test("an item holds what the service asks for and nothing beside it", () => {
  expect(JSON.parse(requestBody([scan]))).toEqual({
    items: [
      {
        registrationDate: "2026-01-31T07:02:11Z",
        ssin: scan.ssin,
        type: "IN",
        employer: { enterpriseNumber: "0566988259" },
        placeOfWork: { coordinates: { longitude: 4.35, latitude: 50.85 } },
        contractualRelationshipReference: "1Y1003SQ5VSSZ",
      },
    ],
  });
});

test("an address, a foreign employer, an OUT and no declaration of works", () => {
  const place = {
    kind: "address",
    postCode: "1000",
    municipalityName: "Brussel",
    streetName: "Wetstraat",
    houseNumber: "16",
    boxNumber: null,
  } as const;
  const item = wireItem({
    ...scan,
    direction: "out",
    employer: { kind: "foreign-vat", number: "DE123456789" },
    place,
    declarationOfWorks: null,
  });
  expect(item).toEqual({
    registrationDate: "2026-01-31T07:02:11Z",
    ssin: scan.ssin,
    type: "OUT",
    employer: { foreignVatNumber: "DE123456789" },
    placeOfWork: {
      address: { postCode: "1000", municipalityName: "Brussel", streetName: "Wetstraat", houseNumber: "16" },
    },
  });
  const boxed = wireItem({ ...scan, place: { ...place, boxNumber: "3" } });
  expect(boxed.placeOfWork).toMatchObject({ address: { boxNumber: "3" } });
});

test("a registration is never later than its stamp, and less than a second earlier", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_000_000_000_000 }), (utcMs) => {
      const { registrationDate } = wireItem({ ...scan, utcMs: wallMs(utcMs) });
      expect(registrationDate).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      const sent = parseUtcText(registrationDate) ?? Number.NaN;
      expect(utcMs - sent).toBeGreaterThanOrEqual(0);
      expect(utcMs - sent).toBeLessThan(1_000);
    }),
  );
});

test("a Limosa reference is sent only in a field that the configuration names", () => {
  const posted = { ...scan, employer: { kind: "foreign-vat", number: "PL5260001246" } as const, limosa: "L-2026/17" };
  expect(requestBody([posted])).not.toContain("L-2026/17");
  const [first, second] = JSON.parse(requestBody([posted, scan], "limosaReference")).items;
  expect(first).toMatchObject({ employer: { foreignVatNumber: "PL5260001246" }, limosaReference: "L-2026/17" });
  expect(second).not.toHaveProperty("limosaReference");
});
