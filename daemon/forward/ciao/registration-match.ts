import * as v from "valibot";
import { parseUtcText, utcSecondsText } from "../../base/system-time.ts";
import type { PlaceOfWork } from "../../scan/scan.ts";
import type { AskedRegistration } from "../follow-up/follow-up.ts";
import { mayBeOf, readToldSsin } from "./told-ssin.ts";
import { wireDirection } from "./wire.ts";

/** What a registration at the service may differ in from the scan that it is said to be of. */
export type Difference = "worker" | "direction" | "moment" | "place";

/** A hundred metres and less: the service may cut the decimals of what was sent. */
export const sameCoordinateMax: number = 0.001;

const told = v.optional(v.fallback(v.nullable(v.string()), null), null);

/** (I) A registration repeats the fields of the item that made it. What it does not repeat contradicts nothing. */
const echoSchema = v.looseObject({
  ssin: told,
  registrationDate: told,
  type: told,
  placeOfWork: v.optional(v.unknown()),
});

const placeSchema = v.looseObject({
  coordinates: v.optional(v.fallback(v.nullable(v.looseObject({ longitude: v.number(), latitude: v.number() })), null)),
  address: v.optional(v.fallback(v.nullable(v.looseObject({ postCode: v.string() })), null)),
});

/**
 * In what the service's registration contradicts the scan; empty when nothing that it tells does. An answer that numbers
 * the registrations of a call in another order than it was sent would give two workers each other's.
 */
export function differencesOf(registration: unknown, asked: AskedRegistration): readonly Difference[] {
  const parsed = v.safeParse(echoSchema, registration);
  if (!parsed.success) return [];
  const { ssin, registrationDate, type, placeOfWork } = parsed.output;
  const { registeredAt, sent } = asked;
  const moment = registrationDate === null ? null : parseUtcText(registrationDate);
  const differs: Readonly<Record<Difference, boolean>> = {
    worker: sent !== null && !mayBeOf(readToldSsin(ssin), sent.ssin),
    direction: sent !== null && differsInDirection(type, wireDirection(sent.direction)),
    moment: moment !== null && utcSecondsText(moment) !== utcSecondsText(registeredAt),
    place: sent?.place != null && differsInPlace(placeOfWork, sent.place),
  };
  return differences.filter((each) => differs[each]);
}

const differences: readonly Difference[] = ["worker", "direction", "moment", "place"];

function differsInDirection(type: string | null, sent: string): boolean {
  const direction = type?.trim().toUpperCase() ?? "";
  return (direction === "IN" || direction === "OUT") && direction !== sent;
}

/** Streets and towns have names in three languages: of an address only the post code is compared. */
function differsInPlace(value: unknown, sent: PlaceOfWork): boolean {
  const parsed = v.safeParse(placeSchema, value);
  if (!parsed.success) return false;
  const { coordinates, address } = parsed.output;
  if (sent.kind === "address") return address != null && bare(address.postCode) !== bare(sent.postCode);
  if (coordinates == null) return false;
  return [coordinates.latitude - sent.latitude, coordinates.longitude - sent.longitude].some(
    (offset) => Math.abs(offset) > sameCoordinateMax,
  );
}

function bare(postCode: string): string {
  return postCode.replace(/\s/g, "").toUpperCase();
}
