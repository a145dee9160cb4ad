import { isEnterpriseNumber } from "../../base/identifiers.ts";
import type { RegistrationItem, RemarkCode } from "./registration.ts";

/**
 * What the service looks up elsewhere: the crossroads bank of enterprises, Dimona and the declarations of works. Whoever
 * is not named is taken to be in order, so that a site can be tried without writing any of this down.
 */
export type Registers = {
  /** `null` knows no declaration and asks after none. */
  readonly declarations: ReadonlyMap<string, Declaration> | null;
  readonly enterprises: ReadonlyMap<string, EnterpriseState>;
  /** Employers of the workers named. */
  readonly workers: ReadonlyMap<string, ReadonlyMap<string, Relation>>;
};

export type Declaration = {
  readonly state: "active" | "inactive";
  /** Contracts in it, by enterprise number. */
  readonly contracts: ReadonlyMap<string, "active" | "inactive">;
};

export type EnterpriseState = "active" | "inactive" | "no-employer" | "unknown";
export type Relation = "active" | "ended" | "no-function";

export const emptyRegisters: Registers = { declarations: null, enterprises: new Map(), workers: new Map() };

/** A box around Belgium, to the hundredth of a degree: the simulator does not know the border. */
export const belgium = { south: 49.49, north: 51.51, west: 2.54, east: 6.41 } as const;

/** Remarks that come of a look-up, in rising order. */
export function lookedUpRemarks(item: RegistrationItem, registers: Registers): readonly RemarkCode[] {
  return [...ofEnterprise(item, registers), ...ofDeclaration(item, registers), ...ofPlace(item)].toSorted(
    (one, other) => one - other,
  );
}

function ofEnterprise({ ssin, employer }: RegistrationItem, { enterprises, workers }: Registers): RemarkCode[] {
  if (!("enterpriseNumber" in employer)) return [];
  const number = employer.enterpriseNumber;
  const state = isEnterpriseNumber(number) ? (enterprises.get(number) ?? "active") : "unknown";
  if (state === "unknown") return [4];
  const remarks: RemarkCode[] = state === "no-employer" ? [3] : state === "inactive" ? [16] : [];
  const employers = workers.get(ssin);
  if (employers === undefined) return remarks;
  const relation = employers.get(number);
  if (relation === undefined) remarks.push(1);
  if (relation === "ended") remarks.push(2);
  if (relation === "no-function") remarks.push(5);
  return remarks;
}

function ofDeclaration(item: RegistrationItem, { declarations }: Registers): RemarkCode[] {
  const number = item.contractualRelationshipReference;
  if (declarations === null || number === null) return [];
  const declaration = declarations.get(number);
  if (declaration === undefined) return [10];
  if (declaration.state === "inactive") return [11];
  if (!("enterpriseNumber" in item.employer)) return [];
  const contract = declaration.contracts.get(item.employer.enterpriseNumber);
  if (contract === undefined) return [12];
  return contract === "inactive" ? [17] : [];
}

function ofPlace({ placeOfWork }: RegistrationItem): RemarkCode[] {
  if ("address" in placeOfWork) {
    const { municipalityName, streetName, houseNumber } = placeOfWork.address;
    return [municipalityName, streetName, houseNumber].includes(undefined) ? [37] : [];
  }
  const { latitude, longitude } = placeOfWork.coordinates;
  const isInside =
    latitude >= belgium.south && latitude <= belgium.north && longitude >= belgium.west && longitude <= belgium.east;
  return isInside ? [] : [36];
}
