import fc from "fast-check";
import { expect, test } from "vitest";
import { checkCall, issuesMax, itemsPerCallMax } from "./registration-call.ts";

const item = {
  registrationDate: "2026-01-31T07:02:11Z",
  ssin: "93051822361",
  type: "IN",
  employer: { enterpriseNumber: "0566988259" },
  placeOfWork: { coordinates: { longitude: 4.35, latitude: 50.85 } },
  contractualRelationshipReference: "1Y1003SQ5VSSZ",
};
const address = { postCode: "1000", municipalityName: "Brussel", streetName: "Wetstraat", houseNumber: "16" };

function checkItems(...items: readonly unknown[]): ReturnType<typeof checkCall> {
  return checkCall(JSON.stringify({ items }));
}

function issueNames(checked: ReturnType<typeof checkCall>): readonly string[] {
  return checked.kind === "invalid" ? checked.issues.map(({ name }) => name) : [];
}

test.each([
  ["coordinates and an enterprise number", item],
  ["an address", { ...item, placeOfWork: { address } }],
  ["an address with a box", { ...item, placeOfWork: { address: { ...address, boxNumber: "3" } } }],
  ["a foreign employer", { ...item, employer: { foreignVatNumber: "NL123456789B01" } }],
  ["an SSIN with wrong check digits", { ...item, ssin: "90231512314" }],
])("an item with %s is well-formed", (_, each) => {
  expect(checkItems(each).kind).toBe("valid");
});

test("an item without AvW number is well-formed and read whole", () => {
  const { contractualRelationshipReference: _, registrationDate: __, ...rest } = item;
  const checked = checkItems({ ...rest, registrationDate: "2026-01-31T07:02:11Z" });
  expect(checked).toEqual({
    kind: "valid",
    items: [{ ...rest, registrationMs: 1_769_842_931_000, contractualRelationshipReference: null }],
  });
});

test.each<[string, object, string]>([
  ["broken seconds", { registrationDate: "2026-01-31T07:02:11.5Z" }, "items[0].registrationDate"],
  ["a zone", { registrationDate: "2026-01-31T08:02:11+01:00" }, "items[0].registrationDate"],
  ["30 February", { registrationDate: "2026-02-30T07:02:11Z" }, "items[0].registrationDate"],
  ["a date that is a number", { registrationDate: 1_769_842_931 }, "items[0].registrationDate"],
  ["an SSIN of ten digits", { ssin: "9305182236" }, "items[0].ssin"],
  ["a lower-case type", { type: "in" }, "items[0].type"],
  ["no employer key", { employer: {} }, "items[0].employer"],
  [
    "two employer keys",
    { employer: { enterpriseNumber: "0566988259", foreignVatNumber: "PL5260250995" } },
    "items[0].employer",
  ],
  ["a foreign VAT number of a letter", { employer: { foreignVatNumber: "X" } }, "items[0].employer.foreignVatNumber"],
  [
    "an enterprise number of nine digits",
    { employer: { enterpriseNumber: "566988259" } },
    "items[0].employer.enterpriseNumber",
  ],
  ["no place", { placeOfWork: {} }, "items[0].placeOfWork"],
  ["two places", { placeOfWork: { ...item.placeOfWork, address } }, "items[0].placeOfWork"],
  [
    "a latitude of 91",
    { placeOfWork: { coordinates: { longitude: 4, latitude: 91 } } },
    "items[0].placeOfWork.coordinates.latitude",
  ],
  [
    "a blank street",
    { placeOfWork: { address: { ...address, streetName: " " } } },
    "items[0].placeOfWork.address.streetName",
  ],
  [
    "an AvW number with an O",
    { contractualRelationshipReference: "1O1003SQ5VSSZ" },
    "items[0].contractualRelationshipReference",
  ],
  ["an unknown field", { clientReference: "7" }, "items[0].clientReference"],
])("an item with %s makes the call invalid", (_, change, name) => {
  expect(issueNames(checkItems({ ...item, ...change }))).toEqual([name]);
});

test("every mistake is named in one pass, with its item", () => {
  const { ssin: _, ...nameless } = item;
  expect(issueNames(checkItems(item, { ...nameless, type: "BREAK", extra: 1 }))).toEqual([
    "items[1].ssin",
    "items[1].type",
    "items[1].extra",
  ]);
});

test("an issue says where it is, what is wanted and what was there", () => {
  expect(checkItems({ ...item, ssin: "x", extra: true })).toEqual({
    kind: "invalid",
    issues: [
      {
        type: "urn:problem-type:belgif:input-validation:schemaViolation",
        in: "body",
        name: "items[0].ssin",
        detail: "expected eleven digits",
        value: "x",
      },
      {
        type: "urn:problem-type:belgif:input-validation:unknownInput",
        in: "body",
        name: "items[0].extra",
        detail: "unknown field",
      },
    ],
  });
});

test("what is missing or of another kind is said without the words of a schema", () => {
  const { ssin: _, ...nameless } = item;
  const wrong = { ...nameless, employer: null, placeOfWork: { coordinates: { longitude: "4", latitude: 500 } } };
  const checked = checkItems(wrong, 7);
  expect(checked.kind === "invalid" && checked.issues.map(({ name, detail }) => `${name}: ${detail}`)).toEqual([
    "items[0].ssin: is missing",
    "items[0].employer: expected an object",
    "items[0].placeOfWork.coordinates.longitude: expected a number",
    "items[0].placeOfWork.coordinates.latitude: expected at most 90",
    "items[1]: expected an object",
  ]);
});

test("a call has between one item and the limit", () => {
  expect(issueNames(checkItems())).toEqual(["items"]);
  expect(checkItems(...Array.from({ length: itemsPerCallMax }, () => item)).kind).toBe("valid");
  expect(issueNames(checkItems(...Array.from({ length: itemsPerCallMax + 1 }, () => item)))).toEqual(["items"]);
});

test("no more issues are listed than the limit", () => {
  const bad = { ...item, ssin: "" };
  expect(issueNames(checkItems(...Array.from({ length: issuesMax + 1 }, () => bad)))).toHaveLength(issuesMax);
});

test("whatever comes in, it is valid or has an issue", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.json().map((json) => `{"items":[${json}]}`),
      ),
      (body) => {
        const checked = checkCall(body);
        expect(checked.kind === "invalid" && checked.issues.length > 0).toBe(true);
      },
    ),
  );
});
