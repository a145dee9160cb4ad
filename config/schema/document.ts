import * as v from "valibot";
import type {
  Configuration,
  IntakeSettings,
  LogSettings,
  ReaderSettings,
  RosterSettings,
  StoreSettings,
} from "../configuration.ts";
import { clockSchema } from "./clock.ts";
import { evidenceSchema } from "./evidence.ts";
import { outageSchema, supplierSchema } from "./outage.ts";
import { badgeForms, type ReaderSection, readersSchema } from "./reader.ts";
import { siteSchema } from "./site.ts";
import { serviceSchema, webhooksSchema } from "./targets.ts";
import { choice, duration, path, percent, sectionMessage, type Value, whole } from "./values.ts";

/** What the YAML file alone says: its paths are still as they are written. */
export type Document = Omit<Configuration, "file" | "fingerprint">;

const storeEntries = {
  directory: v.optional(path("Folder of the database. Made when it is missing."), "/var/lib/badged"),
  maxScans: v.optional(
    whole(
      "Scans kept at most. At this many new scans are refused, loudly, and at nine tenths those of unknown badges; nothing unsent is ever deleted.",
      1000,
      10_000_000,
    ),
    1_000_000,
  ),
  alarmAt: v.optional(
    percent(
      "Share of maxScans from which on the log warns, 1 % to 99 %.",
      "is not below 100 %: the alarm would come when scans are being refused already; leave room to act, such as 80 %",
    ),
    "80 %",
  ),
  keepRegistered: v.optional(
    duration(
      "Settled scans older than this are deleted at night. Corrections are possible for 30 days.",
      "1 d",
      "3650 d",
      "35 d",
    ),
    "35 d",
  ),
};

const storeSchema: Value<StoreSettings> = v.pipe(
  v.strictObject(storeEntries, sectionMessage(storeEntries)),
  v.description("Where scans are kept on this box."),
  v.transform(({ directory, maxScans, alarmAt, keepRegistered }) => ({
    directory,
    maxScans,
    alarmAtScans: Math.floor(maxScans * alarmAt),
    keepRegisteredMs: keepRegistered,
  })),
);

const rosterEntries = {
  file: path("CSV file that says which worker holds which badge."),
  badgeForm: choice("The form in which the roster writes a badge number.", badgeForms),
};

const rosterSchema: Value<RosterSettings> = v.pipe(
  v.strictObject(rosterEntries, sectionMessage(rosterEntries)),
  v.description("Who holds which badge. `badged roster check` tells what an import would change."),
);

const intakeEntries = {
  doubleScan: v.optional(
    duration(
      "The same worker in the same direction within this time is the same act: kept, not sent.",
      "0 s",
      "1 h",
      "60 s",
    ),
    "60 s",
  ),
};

const intakeSchema: Value<IntakeSettings> = v.pipe(
  v.strictObject(intakeEntries, sectionMessage(intakeEntries)),
  v.description("What becomes of a badge that was read."),
  v.transform(({ doubleScan }) => ({ doubleScanMs: doubleScan })),
);

const logEntries = {
  level: v.optional(
    choice("How much is logged. Only debug shows badge numbers.", ["debug", "info", "warn", "error"]),
    "info",
  ),
};

const logSchema: Value<LogSettings> = v.pipe(
  v.strictObject(logEntries, sectionMessage(logEntries)),
  v.description("The log. Under systemd it goes to the journal."),
);

const documentEntries = {
  site: siteSchema,
  store: v.optional(storeSchema, {}),
  roster: rosterSchema,
  intake: v.optional(intakeSchema, {}),
  clock: v.optional(clockSchema, {}),
  readers: readersSchema,
  service: serviceSchema,
  outage: v.optional(outageSchema, {}),
  evidence: v.optional(evidenceSchema, {}),
  supplier: v.optional(supplierSchema),
  webhooks: v.optional(webhooksSchema, []),
  log: v.optional(logSchema, {}),
};

/** The one source of types, checks, defaults, descriptions and of `badged.schema.json`. */
export const documentSchema: Value<Document> = v.pipe(
  v.strictObject(documentEntries, sectionMessage(documentEntries)),
  v.description("Configuration of badged, the badge-reader edge daemon for construction sites."),
  v.transform((document) => ({
    ...document,
    supplier: document.supplier ?? null,
    readers: document.readers.map((reader) => atSite(reader, document.site)),
  })),
);

/** A reader's own place and AvW number, or its site's. */
function atSite(reader: ReaderSection, site: Document["site"]): ReaderSettings {
  return {
    ...reader,
    place: reader.place ?? site.place,
    declarationOfWorks: reader.declarationOfWorks ?? site.declarationOfWorks,
  };
}
