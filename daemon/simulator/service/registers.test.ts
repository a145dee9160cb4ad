import { expect, test } from "vitest";
import { wallMs } from "../../base/time.ts";
import { belgium, emptyRegisters, lookedUpRemarks } from "./registers.ts";
import { parseRegisters } from "./registers-file.ts";
import type { RegistrationItem } from "./registration.ts";

const item: RegistrationItem = {
  registrationMs: wallMs(1_769_846_400_000),
  ssin: "93051822361",
  type: "IN",
  employer: { enterpriseNumber: "0566988259" },
  placeOfWork: { coordinates: { longitude: 4.35, latitude: 50.85 } },
  contractualRelationshipReference: "1Y1003SQ5VSSZ",
};

const { registers } = parseRegisters(
  JSON.stringify({
    declarations: {
      "1Y1003SQ5VSSZ": { contracts: { "0566988259": "active", "1009237290": "inactive" } },
      "2Y1003SQ5VSSZ": { state: "inactive", contracts: {} },
    },
    enterprises: { "0403019261": "inactive", "0206731645": "no-employer", "0214596464": "unknown" },
    workers: { "85011512355": { "0566988259": "active", "1009237290": "ended", "0403019261": "no-function" } },
  }),
);

const at = (longitude: number, latitude: number): Partial<RegistrationItem> => ({
  placeOfWork: { coordinates: { longitude, latitude } },
});
const of = (enterpriseNumber: string, ssin = item.ssin): Partial<RegistrationItem> => ({
  employer: { enterpriseNumber },
  ssin,
  contractualRelationshipReference: null,
});
const street = { postCode: "9000", municipalityName: "Gent", streetName: "Kaai", houseNumber: "1" };

test.each<[string, Partial<RegistrationItem>, readonly number[]]>([
  ["all in order", {}, []],
  ["a declaration that is not there", { contractualRelationshipReference: "3Y1003SQ5VSSZ" }, [10]],
  ["a declaration that is not active", { contractualRelationshipReference: "2Y1003SQ5VSSZ" }, [11]],
  ["an enterprise without a contract", { employer: { enterpriseNumber: "0694965507" } }, [12]],
  ["a contract that is not active", { employer: { enterpriseNumber: "1009237290" } }, [17]],
  ["a foreign employer, of whose contracts nothing is known", { employer: { foreignVatNumber: "PL1" } }, []],
  ["no declaration", { contractualRelationshipReference: null }, []],
  ["an enterprise number with wrong check digits", of("0566988258"), [4]],
  ["an enterprise that is not known", of("0214596464"), [4]],
  ["an enterprise that employs nobody", of("0206731645"), [3]],
  ["an inactive employer", of("0403019261"), [16]],
  ["a worker of this employer", of("0566988259", "85011512355"), []],
  ["a worker of others", of("0694965507", "85011512355"), [1]],
  ["a worker who has left", of("1009237290", "85011512355"), [2]],
  ["a person without a function, at an inactive employer", of("0403019261", "85011512355"), [5, 16]],
  ["the south-western corner", at(belgium.west, belgium.south), []],
  ["a place west of it", at(belgium.west - 0.01, belgium.south), [36]],
  ["a place north of the country", at(4, belgium.north + 0.01), [36]],
  ["a whole address", { placeOfWork: { address: street } }, []],
  ["an address without its street", { placeOfWork: { address: { ...street, streetName: undefined } } }, [37]],
])("%s gets its remarks", (_, change, remarks) => {
  expect(lookedUpRemarks({ ...item, ...change }, registers)).toEqual(remarks);
});

test("without registers only what stands in the registration is judged", () => {
  expect(lookedUpRemarks(item, emptyRegisters)).toEqual([]);
  expect(lookedUpRemarks({ ...item, ...of("0566988258"), ...at(0, 0) }, emptyRegisters)).toEqual([4, 36]);
});

test.each([
  ["{", /JSON/],
  ["[]", /^the file: expected an object$/],
  ['{"worker":{}}', /^worker: unknown field$/],
  ['{"declarations":{"1Y1003SQ5VSSZ":{}}}', /\.contracts: is missing$/],
  ['{"declarations":{"X":{"contracts":{}}}}', /AvW/],
  ['{"workers":{"93051822361":{"0566988259":"gone"}}}', /: expected one of "active", "ended", "no-function"$/],
])("the file %s is refused with its mistake", (text, mistake) => {
  expect(() => parseRegisters(text)).toThrow(mistake);
});
