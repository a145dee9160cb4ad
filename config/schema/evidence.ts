import * as v from "valibot";
import type { AuthoritySettings, EvidenceSettings, WitnessSettings } from "../configuration.ts";
import { url } from "./targets.ts";
import { path, sectionMessage, shaped, type Value } from "./values.ts";

export const witnessesMax: number = 8;
export const shiftEdgesMax: number = 12;

const authorityEntries = {
  url: url("Address of an RFC 3161 timestamp authority. Only a hash is sent there.", null),
  policy: v.optional(
    shaped(
      "Policy under which the authority is asked to stamp, should it have several.",
      /^[0-2](\.(0|[1-9]\d{0,15})){1,20}$/,
      "an object identifier, such as 0.4.0.2023.1.1",
    ),
  ),
  ca: path(
    "PEM file that its tokens are checked against: the root certificate above the authority, and those between if it does not send them.",
  ),
};

const authoritySchema: Value<AuthoritySettings> = v.pipe(
  v.strictObject(authorityEntries, sectionMessage(authorityEntries)),
  v.description("Who says what the time was: bounds the log from both sides, every hour and at the end of an outage."),
  v.transform(({ policy, ...rest }) => ({ ...rest, policy: policy ?? null })),
);

const witnessEntries = {
  url: url(
    "Address of a C2SP witness, such as `badged witness` at the general contractor's. Only checkpoints are sent there.",
    null,
  ),
  key: shaped(
    "Its public key, as whoever runs it passes it on.",
    /^[^\s+]{1,200}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}$/,
    "a key as name+id+base64, as badged witness prints it",
  ),
};

const witnessSchema: Value<WitnessSettings> = v.strictObject(witnessEntries, sectionMessage(witnessEntries));

const evidenceEntries = {
  keyFile: v.optional(
    path(
      "File of the log's Ed25519 key in PEM that only badged may read, or $CREDENTIALS_DIRECTORY/NAME for systemd's credential NAME. Without this key one is made in the store's folder at the first start.",
    ),
  ),
  shiftEdges: v.optional(
    v.pipe(
      v.array(
        shaped(
          "When a shift begins or ends, in the site's time zone.",
          /^([01]\d|2[0-3]):[0-5]\d$/,
          "a time of day, such as 07:00",
        ),
        "a list of times of day, such as [07:00, 16:30]",
      ),
      v.maxLength(shiftEdgesMax, `at most ${shiftEdgesMax} times of day`),
      v.description(
        `Beside the usual intervals the log is anchored at these times of day, at most ${shiftEdgesMax}: when workers begin and end.`,
      ),
    ),
    [],
  ),
  authority: v.optional(authoritySchema),
  witnesses: v.optional(
    v.pipe(
      v.array(witnessSchema, "a list of witnesses, each beginning with a hyphen"),
      v.maxLength(witnessesMax, `at most ${witnessesMax} witnesses`),
      v.description(
        `Who has seen that there is one history only, at most ${witnessesMax}: best somebody who is not the employer. Without one, bundles say that uniqueness is not proven.`,
      ),
    ),
    [],
  ),
};

export const evidenceSchema: Value<EvidenceSettings> = v.pipe(
  v.strictObject(evidenceEntries, sectionMessage(evidenceEntries)),
  v.description(
    "The log that somebody else can check. It is always kept; an authority and a witness give it its weight.",
  ),
  v.transform(({ keyFile, authority, ...rest }) => ({
    ...rest,
    keyFile: keyFile ?? null,
    authority: authority ?? null,
  })),
);
