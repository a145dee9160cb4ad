import { belgium, inBelgium } from "../daemon/base/belgium.ts";
import { absolute, type Location, secretFile } from "./location.ts";
import { pathText, quoted } from "./problem.ts";
import { readerChecks } from "./reader-checks.ts";
import { serviceDefaults } from "./schema/targets.ts";
import { parseDuration } from "./schema/values.ts";
import { credentialsVariable, type SecretFault } from "./secret.ts";
import type { Surroundings } from "./surroundings.ts";
import { type Consequence, repeats, Values } from "./unchecked-values.ts";

/**
 * Checks values against each other and against the box. Takes the values before they are checked one by one, and looks
 * only at those that are of the right kind, so that one wrong value hides no other mistake.
 */
export function crossChecks(values: unknown, location: Location, surroundings: Surroundings): readonly Consequence[] {
  const root = new Values(values);
  const readers = root.list("readers");
  return [
    ...readerChecks(root, location, surroundings),
    ...[root.child("site"), ...readers].flatMap((holder) => [...noOnePlace(holder), ...outsideBelgium(holder)]),
    ...rosterFile(root, location, surroundings),
    ...unsafeSecret(root.child("service"), "tokenFile", location, surroundings.secretFault),
    ...unsafeSecret(root.child("service").child("oauth"), "keyFile", location, surroundings.keyFault),
    ...twoTokens(root.child("service")),
    ...sameNames(root.list("webhooks")),
    ...root
      .list("webhooks")
      .flatMap((webhook) => unsafeSecret(webhook, "tokenFile", location, surroundings.secretFault)),
    ...unsafeSecret(root.child("evidence"), "keyFile", location, surroundings.secretFault),
    ...authorityFile(root.child("evidence").child("authority"), location, surroundings),
    ...sameWitnesses(root.child("evidence").list("witnesses")),
    ...shortReceiptLimit(root.child("service")),
    ...tooFewTimeServers(root.child("clock")),
    ...sameTimeServers(root.child("clock").list("servers")),
  ];
}

/** With fewer than three answers a single liar cannot be told from the truth, so there is never a quorum. */
function tooFewTimeServers(clock: Values): readonly Consequence[] {
  const { length } = clock.list("servers");
  if (length === 0 || length >= timeServersMin) return [];
  const message = `names ${length} of the ${timeServersMin} that a quorum takes, so nothing would prove the time and no scan be sent but by the service's own clock; name four of three operators, or leave the key out, or write [] where the network blocks NTP`;
  return [{ path: [...clock.path, "servers"], message }];
}

const timeServersMin = 3;

function sameTimeServers(servers: readonly Values[]): readonly Consequence[] {
  return repeats(
    servers,
    "host",
    (host) => host.toLowerCase(),
    (first) => `is the host of ${pathText(first.path)} too: one server would have two votes; name another`,
  );
}

function sameNames(webhooks: readonly Values[]): readonly Consequence[] {
  return repeats(
    webhooks,
    "name",
    (name) => name,
    (first) =>
      `is the name of ${pathText(first.path)} too: they would share one place in the scans, and each would miss what the other got; give each its own`,
  );
}

/** Not left to the schema, which looks at a section as a whole only once all in it is right. */
function noOnePlace(holder: Values): readonly Consequence[] {
  const place = holder.child("place");
  if (!place.isSection()) return [];
  const ways = place.keys().filter((key) => key === "coordinates" || key === "address");
  if (ways.length === 1) return [];
  const message = "give exactly one of coordinates and address: the service takes one place for a registration";
  return [{ path: place.path, message }];
}

function outsideBelgium(holder: Values): readonly Consequence[] {
  const coordinates = holder.child("place").child("coordinates");
  const latitude = coordinates.number("latitude");
  const longitude = coordinates.number("longitude");
  if (latitude === null || longitude === null || inBelgium(latitude, longitude)) return [];
  const wrong = "every registration would name a place where nobody works";
  const message = inBelgium(longitude, latitude)
    ? `has latitude and longitude swapped: ${wrong}; write { latitude: ${longitude}, longitude: ${latitude} }`
    : `is not in Belgium (latitude ${belgium.latitude.join(" to ")}, longitude ${belgium.longitude.join(" to ")}): ${wrong}`;
  return [{ path: coordinates.path, message }];
}

function rosterFile(root: Values, location: Location, surroundings: Surroundings): readonly Consequence[] {
  const written = root.child("roster").text("file");
  if (written === null) return [];
  const file = absolute(written, location);
  const state = surroundings.fileState(file);
  if (state === "readable") return [];
  const advice = { ...fileAdvice, unreadable: whoReads }[state];
  const message = `${quoted(file)} ${fileWords[state]}: without it badged would know no badge and register nobody, so it does not start; ${advice}`;
  return [{ path: ["roster", "file"], message, isBoxFault: state === "disk-failed" }];
}

const whoReads =
  "let the user that badged runs as read it (chgrp badged and chmod 640 the file), and run this as that user";
const putThere = "put the roster there, or correct the path";
const fileAdvice = { missing: putThere, "no-file": putThere, "disk-failed": "look at the disk or card it is on" };
const fileWords = {
  missing: "does not exist",
  unreadable: "may not be read by this user",
  "no-file": "is no file",
  "disk-failed": "cannot be read from its disk",
};

function authorityFile(authority: Values, location: Location, surroundings: Surroundings): readonly Consequence[] {
  const written = authority.text("ca");
  if (written === null) return [];
  const file = absolute(written, location);
  const state = surroundings.fileState(file);
  if (state === "readable") return [];
  const message = `${quoted(file)} ${fileWords[state]}: no token could be checked, so none would be kept and the time of no outage be proven; put the authority's certificates there, or correct the path`;
  return [{ path: [...authority.path, "ca"], message, isBoxFault: state === "disk-failed" }];
}

function sameWitnesses(witnesses: readonly Values[]): readonly Consequence[] {
  return repeats(
    witnesses,
    "key",
    (key) => key,
    (first) =>
      `is the key of ${pathText(first.path)} too: one witness would be asked twice, and refuse what it has just seen; name another`,
  );
}

/** Never repeats the path: where people paste the token itself, this keeps it out of logs. */
function unsafeSecret(
  target: Values,
  key: "tokenFile" | "keyFile",
  location: Location,
  faultOf: (path: string) => SecretFault | null,
): readonly Consequence[] {
  const written = target.text(key);
  const later = written?.startsWith(credentialsVariable) === true && location.credentialsDirectory === null;
  if (written === null || later) return [];
  const fault = faultOf(secretFile(written, location));
  if (fault === null) return [];
  const message = `the file it names ${fault.message}, so badged would not start; ${fault.advice}`;
  return [{ path: [...target.path, key], message, isBoxFault: fault.kind === "disk-failed" }];
}

/** Told of `oauth`, so that a token's file that cannot be used is told as well. */
function twoTokens(service: Values): readonly Consequence[] {
  const oauth = service.child("oauth");
  if (service.text("tokenFile") === null || oauth.keys().length === 0) return [];
  const message =
    "stands beside tokenFile, so there would be two tokens and nobody could tell which one the service refused; keep oauth, by which badged renews its tokens itself, or tokenFile, by which you do";
  return [{ path: oauth.path, message }];
}

function shortReceiptLimit(service: Values): readonly Consequence[] {
  const limit = service.text("receiptLimit");
  const timeout = service.text("timeout") ?? serviceDefaults.timeout;
  const limitMs = limit === null ? null : parseDuration(limit);
  const timeoutMs = parseDuration(timeout);
  if (limitMs === null || timeoutMs === null || limitMs > timeoutMs) return [];
  const message = `is not longer than timeout (${timeout}): a call that is still allowed could arrive past it, so every scan would be kept back; write the limit that the service told you, or leave it out`;
  return [{ path: ["service", "receiptLimit"], message }];
}
