import * as v from "valibot";
import type { OutageSettings, ProbeAddress, SupplierSettings } from "../configuration.ts";
import { choice, sectionMessage, shaped, text, type Value, whole } from "./values.ts";

export const anchorsMax: number = 8;
export const resolversMax: number = 4;
export const supplierMaxChars: number = 100;

const literalAddress = /^(\d{1,3}(\.\d{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]+)$/;

function address(description: string): Value<string> {
  return shaped(description, literalAddress, "an address in numbers, such as 192.0.2.1: a name would need DNS to work");
}

/** Large name services in three networks, each of which answers on this port from everywhere. */
export const defaultAnchors: readonly ProbeAddress[] = [
  { host: "1.1.1.1", port: 443 },
  { host: "8.8.8.8", port: 443 },
  { host: "9.9.9.9", port: 443 },
];
export const defaultResolvers: readonly string[] = ["1.1.1.1", "9.9.9.9"];

const anchorEntries = {
  host: address("Address of something on the internet that is always there."),
  port: v.optional(whole("TCP port; refusing it is an answer as well.", 1, 65_535), 443),
};

const outageEntries = {
  anchors: v.optional(
    v.pipe(
      v.array(
        v.strictObject(anchorEntries, sectionMessage(anchorEntries)),
        "a list of addresses, each beginning with a hyphen",
      ),
      v.maxLength(anchorsMax, `at most ${anchorsMax} anchors`),
      v.description(
        `Addresses in different networks by which the provider's failure is told from the service's, best three or more, at most ${anchorsMax}. None, written []: then the two cannot be told apart. Without this key three public ones are looked at, twice a minute.`,
      ),
    ),
  ),
  resolvers: v.optional(
    v.pipe(
      v.array(address("Address of a name server."), "a list of addresses, each beginning with a hyphen"),
      v.maxLength(resolversMax, `at most ${resolversMax} name servers`),
      v.description("Name servers that are asked beside those of the box. Without this key two public ones are."),
    ),
  ),
  firstHop: v.optional(address("The provider's first address beyond the site's own router, should it be known.")),
  secondInterface: v.optional(
    shaped(
      "Another interface of this box with a way out of its own, such as a modem: while the service cannot be had the usual way it is tried over this one, and when it answers there the outage is not exempt.",
      /^[A-Za-z0-9._-]{1,15}$/,
      "the name of an interface, such as wwan0",
    ),
  ),
  ups: v.optional(
    shaped(
      "The UPS of this box, as NUT knows it: tells a power cut of the supplier from a plug that was pulled. Needs the package nut-client.",
      /^[A-Za-z0-9._-]{1,64}(@[A-Za-z0-9.:-]{1,100})?$/,
      "a UPS as upsc takes it, such as ups@localhost",
    ),
  ),
  summaryAt: v.optional(
    shaped(
      "When the outages since the last time are summed up, in the site's time zone: in the log and as a file.",
      /^([01]\d|2[0-3]):[0-5]\d$/,
      "a time of day, such as 18:30",
    ),
    "18:30",
  ),
  language: v.optional(choice("The language of the daily summary.", ["nl", "fr", "de", "en"]), "nl"),
};

export const outageSchema: Value<OutageSettings> = v.pipe(
  v.strictObject(outageEntries, sectionMessage(outageEntries)),
  v.description("How outages are watched, and told apart."),
  v.transform(({ anchors, resolvers, firstHop, secondInterface, ups, ...rest }) => ({
    anchors: anchors ?? defaultAnchors,
    resolvers: resolvers ?? defaultResolvers,
    firstHop: firstHop ?? null,
    secondInterface: secondInterface ?? null,
    ups: ups ?? null,
    ...rest,
  })),
);

const supplierEntries = {
  name: text("Who supplies and supports this badge system.", supplierMaxChars),
  phone: text("His telephone number: the first step of the procedure for a technical defect.", supplierMaxChars),
};

export const supplierSchema: Value<SupplierSettings> = v.pipe(
  v.strictObject(supplierEntries, sectionMessage(supplierEntries)),
  v.description("Whom the supervisor telephones first when registrations cannot be made."),
);
