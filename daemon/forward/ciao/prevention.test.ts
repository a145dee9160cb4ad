import { expect, test } from "vitest";
import { parseUtcText } from "../../base/system-time.ts";
import { type WallMs, wallMs } from "../../base/time.ts";
import type { PlaceOfWork } from "../../scan/scan.ts";
import { inBeforeOutMs, type ScanFacts, warningsOf } from "./prevention.ts";
import { remarkOf, type WarningKind } from "./remarks/warning-kinds.ts";

const at = wallMs(parseUtcText("2026-06-10T22:30:00Z") ?? Number.NaN);
const before = (ms: number): WallMs => wallMs(at - ms);
const hourMs = 3_600_000;
const coordinates: PlaceOfWork = { kind: "coordinates", latitude: 51.05, longitude: 3.72 };
const address: PlaceOfWork = {
  kind: "address",
  postCode: "9000",
  municipalityName: "Gent",
  streetName: "Kanaalkaai",
  houseNumber: "12A",
  boxNumber: null,
};
const sound: ScanFacts = {
  ssin: "93051822361",
  employer: { kind: "enterprise-number", number: "0566988259" },
  validFrom: null,
  validUntil: null,
  direction: "in",
  utcMs: at,
  place: coordinates,
  earlier: [],
};
const anIn = (ms: number) => ({ direction: "in", utcMs: before(ms) }) as const;
const anOut = (ms: number) => ({ direction: "out", utcMs: before(ms) }) as const;

test.each<[string, Partial<ScanFacts>, readonly WarningKind[]]>([
  ["a worker's first IN", {}, []],
  ["a BIS number", { ssin: "53480200724" }, []],
  ["wrong check digits", { ssin: "85011508100" }, ["ssin-invalid"]],
  [
    "a wrong enterprise number",
    { employer: { kind: "enterprise-number", number: "0566988258" } },
    ["enterprise-number-invalid"],
  ],
  ["a foreign VAT number", { employer: { kind: "foreign-vat", number: "DE1" } }, []],
  ["the roster's first day, by local date", { validFrom: "2026-06-11" }, []],
  ["the day before it", { validFrom: "2026-06-12" }, ["outside-roster-dates"]],
  ["the roster's last day, by local date", { validUntil: "2026-06-11" }, []],
  ["the day after it", { validUntil: "2026-06-10" }, ["outside-roster-dates"]],
  ["coordinates swapped", { place: { ...coordinates, latitude: 3.72, longitude: 51.05 } }, ["coordinates-swapped"]],
  ["coordinates in the sea", { place: { ...coordinates, latitude: 0, longitude: 0 } }, ["outside-belgium"]],
  ["a whole address", { place: address }, []],
  ["an address without a house number", { place: { ...address, houseNumber: "z/n" } }, ["address-incomplete"]],
  ["an address without a street", { place: { ...address, streetName: "." } }, ["address-incomplete"]],
  ["an address without a municipality", { place: { ...address, municipalityName: "9000" } }, ["address-incomplete"]],
  ["a lost place", { place: null }, []],
  ["an IN after an OUT", { earlier: [anOut(hourMs), anIn(2 * hourMs)] }, []],
  ["an IN after an IN", { earlier: [anIn(hourMs)] }, ["two-ins"]],
  ["an IN after an IN of days ago", { earlier: [anIn(72 * hourMs)] }, ["two-ins"]],
  ["an OUT after an IN", { direction: "out", earlier: [anIn(hourMs)] }, []],
  ["an OUT 24 hours after an IN", { direction: "out", earlier: [anIn(inBeforeOutMs)] }, []],
  ["an OUT later than that", { direction: "out", earlier: [anIn(inBeforeOutMs + 1)] }, ["out-without-in"]],
  ["an OUT after an OUT", { direction: "out", earlier: [anOut(hourMs), anIn(2 * hourMs)] }, ["two-outs"]],
  ["a worker's first OUT", { direction: "out" }, ["out-without-in"]],
  [
    "an OUT after an OUT of days ago",
    { direction: "out", earlier: [anOut(72 * hourMs)] },
    ["two-outs", "out-without-in"],
  ],
  ["an OUT whose IN lies later, by a clock that was set back", { direction: "out", earlier: [anIn(-hourMs)] }, []],
])("%s", (_, changed, expected) => {
  expect(warningsOf({ ...sound, ...changed }, "Europe/Brussels")).toEqual(expected);
});

test("every warning names its remark", () => {
  expect(Object.values(remarkOf).toSorted()).toEqual([15, 2, 21, 22, 24, 36, 36, 37, 4]);
});
