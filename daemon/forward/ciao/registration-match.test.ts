import { describe, expect, test } from "vitest";
import { wallMs } from "../../base/time.ts";
import type { PlaceOfWork } from "../../scan/scan.ts";
import type { AskedRegistration } from "../follow-up/follow-up.ts";
import { differencesOf } from "./registration-match.ts";

const coordinates: PlaceOfWork = { kind: "coordinates", latitude: 51.05, longitude: 3.72 };
const address: PlaceOfWork = {
  kind: "address",
  postCode: "9000",
  municipalityName: "Gent",
  streetName: "Kanaalkaai",
  houseNumber: "1",
  boxNumber: null,
};
const askedOf = (place: PlaceOfWork | null = coordinates): AskedRegistration => ({
  registrationId: "17611",
  registeredAt: wallMs(1_780_000_000_900),
  sent: { ssin: "93051822361", direction: "in", place },
});
const same = {
  id: 17611,
  ssin: "93051822361",
  registrationDate: "2026-05-28T20:26:40Z",
  type: "IN",
  placeOfWork: { coordinates: { latitude: 51.05, longitude: 3.72 } },
};

describe("what a registration tells is that of its scan", () => {
  test.each<[string, object]>([
    ["as it was sent", same],
    ["when it tells nothing", { id: 17611 }],
    [
      "in other words",
      { ...same, ssin: "93.05.18-223.61", type: " in ", registrationDate: "2026-05-28T22:26:40+02:00" },
    ],
    ["with milliseconds", { ...same, registrationDate: "2026-05-28T20:26:40.000Z" }],
    ["with the number made unreadable", { ...same, ssin: "930518*****" }],
    ["with coordinates cut short", { ...same, placeOfWork: { coordinates: { latitude: 51.0504, longitude: 3.7196 } } }],
    ["with its place as an address", { ...same, placeOfWork: { address: { postCode: "1000" } } }],
    ["with fields of another kind", { ssin: 1, registrationDate: "soon", type: "BREAK", placeOfWork: "here" }],
  ])("%s", (_, registration) => {
    expect(differencesOf(registration, askedOf())).toEqual([]);
  });
});

describe("what a registration tells contradicts its scan", () => {
  test.each<[string, object, readonly string[]]>([
    ["worker", { ssin: "90010100123" }, ["worker"]],
    ["worker, of whose number a part is hidden", { ssin: "*******0123" }, ["worker"]],
    ["direction", { type: "OUT" }, ["direction"]],
    ["moment", { registrationDate: "2026-05-28T20:26:41Z" }, ["moment"]],
    ["place", { placeOfWork: { coordinates: { latitude: 51.06, longitude: 3.72 } } }, ["place"]],
    [
      "all of it",
      { ssin: "90010100123", type: "OUT", registrationDate: "2026-05-28T07:00:00Z" },
      ["worker", "direction", "moment"],
    ],
  ])("in its %s", (_, changed, expected) => {
    expect(differencesOf({ ...same, ...changed }, askedOf())).toEqual(expected);
  });

  test("in its post code, whatever the street is called", () => {
    const at = (postCode: string) => ({ ...same, placeOfWork: { address: { postCode, streetName: "Quai du Canal" } } });
    expect(differencesOf(at("9000"), askedOf(address))).toEqual([]);
    expect(differencesOf(at(" 90 00"), askedOf(address))).toEqual([]);
    expect(differencesOf(at("9040"), askedOf(address))).toEqual(["place"]);
  });
});

test("of a scan that is erased only the moment is left to compare", () => {
  const erased = { ...askedOf(), sent: null };
  expect(differencesOf({ ...same, ssin: "90010100123", type: "OUT" }, erased)).toEqual([]);
  expect(differencesOf({ ...same, registrationDate: "2026-05-28T07:00:00Z" }, erased)).toEqual(["moment"]);
});

test("a place that a damaged database lost contradicts nothing", () => {
  expect(
    differencesOf({ ...same, placeOfWork: { coordinates: { latitude: 1, longitude: 1 } } }, askedOf(null)),
  ).toEqual([]);
});
