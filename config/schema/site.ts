import * as v from "valibot";
import { belgianZone } from "../../daemon/base/belgium.ts";
import type { Place, SiteSettings } from "../configuration.ts";
import { nearest } from "../nearest.ts";
import { degrees, numericText, sectionMessage, shaped, text, type Value } from "./values.ts";

export const siteNameMaxChars: number = 100;
export const addressMaxChars: number = 100;

const coordinatesEntries = {
  latitude: degrees("Degrees north, WGS 84; in Belgium between 49.4 and 51.6.", 90),
  longitude: degrees("Degrees east, WGS 84; in Belgium between 2.5 and 6.5.", 180),
};

const addressEntries = {
  postCode: numericText("Post code.", /^[0-9]{4}$/, "a Belgian post code of four digits, such as 9000"),
  municipality: text("Municipality, as in the address.", addressMaxChars),
  street: text("Street, without the number.", addressMaxChars),
  houseNumber: numericText("House number, such as 12 or 12A.", /^[^\s].{0,9}$/, "a house number of 1 to 10 characters"),
  boxNumber: v.optional(numericText("Box number.", /^[^\s].{0,9}$/, "a box number of 1 to 10 characters")),
};

const placeEntries = {
  coordinates: v.optional(
    v.pipe(
      v.strictObject(coordinatesEntries, sectionMessage(coordinatesEntries)),
      v.description("Where the gate is, as coordinates. Two numbers, best with four decimals (ten metres)."),
    ),
  ),
  address: v.optional(
    v.pipe(
      v.strictObject(addressEntries, sectionMessage(addressEntries)),
      v.description("Where the site is, as an address."),
    ),
  ),
};

/** A place of work; the two ways of saying one exclude each other, as the cross checks tell. */
export function place(description: string): Value<Place> {
  return v.pipe(
    v.strictObject(placeEntries, sectionMessage(placeEntries)),
    v.description(description),
    v.metadata({ minProperties: 1, maxProperties: 1 }),
    v.transform(({ coordinates, address }): Place => {
      if (coordinates !== undefined) return { kind: "coordinates", ...coordinates };
      return {
        kind: "address",
        postCode: address?.postCode ?? "",
        municipalityName: address?.municipality ?? "",
        streetName: address?.street ?? "",
        houseNumber: address?.houseNumber ?? "",
        boxNumber: address?.boxNumber ?? null,
      };
    }),
  );
}

export function declarationOfWorks(description: string): Value<string> {
  return numericText(
    description,
    /^[A-HJ-NP-Z0-9]{13}$/,
    "an AvW number: thirteen capitals and digits without I and O, such as 1Y1003SQ5VSSZ",
  );
}

const timeZone: Value<string> = v.pipe(
  shaped(
    "IANA time zone of the site. Rules local dates in reports and the hour of the nightly clean-up; stamps are UTC.",
    /^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/,
    "the name of a time zone, such as Europe/Brussels",
  ),
  v.check(isTimeZone, ({ input }) => {
    const meant = nearest(input, Intl.supportedValuesOf("timeZone"));
    const question = meant === null ? "; in Belgium it is Europe/Brussels" : `; did you mean ${meant}?`;
    return `${JSON.stringify(input)} is no time zone: local dates and the nightly clean-up would be hours off${question}`;
  }),
);

const siteEntries = {
  name: text("What people call this site; in reports, evidence and `badged status`.", siteNameMaxChars),
  timeZone,
  declarationOfWorks: v.optional(
    declarationOfWorks("AvW number (declaration of works), used for a worker to whom the roster gives none."),
  ),
  place: place("Where work is done, as the service wants it: exactly one of coordinates and address."),
};

export const siteSchema: Value<SiteSettings> = v.pipe(
  v.strictObject(siteEntries, sectionMessage(siteEntries)),
  v.description("The construction site."),
  v.transform((site) => ({ ...site, declarationOfWorks: site.declarationOfWorks ?? null })),
);

/** The list is asked first: making a formatter loads 10 MB of locale data, and only the old names of zones need it. */
function isTimeZone(name: string): boolean {
  if (name === belgianZone || Intl.supportedValuesOf("timeZone").includes(name)) return true;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
