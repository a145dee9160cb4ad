import { countOf, hashOf, hasKeys, type Json, textOf } from "./canonical.ts";
import type { LogRecord } from "./log-line.ts";

type Is = (value: Json | undefined) => boolean;
type Form = Readonly<Record<string, Is>>;

const count: Is = (value) => countOf(value) !== null;
const text: Is = (value) => textOf(value) !== null;
const hash: Is = (value) => hashOf(value) !== null;
const flag: Is = (value) => typeof value === "boolean";
/** Canonical JSON of the log has no other numbers. */
const whole: Is = (value) => typeof value === "number";
const wholeOrNothing: Is = (value) => value === null || whole(value);
const clockState: Is = (value) =>
  value === "unsynchronised" || value === "synchronised" || value === "holdover" || value === "untrusted";

const entry: Form = { bytes: count, entry: count, sha256: hash, window: text };

/** What the data of each kind of record holds, beside those of which a verdict needs more than their form. */
const forms: ReadonlyMap<string, Form> = new Map<string, Form>([
  ["start", { configuration: hash, version: text }],
  ["stop", { reason: text }],
  ["configuration", { sha256: hash }],
  ["clock-step", { kind: text, ms: wholeOrNothing }],
  ["clock-state", { from: clockState, reason: text, to: clockState }],
  ["synchronisation", { boundUs: count, falseTickers: count, id: text, offsetUs: whole, servers: count }],
  ["heartbeat-gap", { boot: text, ended: flag, fromWall: count, toWall: count }],
  ["note", entry],
  ["attachment", entry],
  ["attempt", { ...entry, worked: flag }],
  ["scans", { delayed: count, registered: count, window: text, withheld: count }],
  ["torn", { dropped: count }],
  ["rollback", { had: count, size: count, witness: text }],
  ["erased", { before: count, samples: count }],
]);

/** Whether a record of such a kind is known, and its data is what the format says, with no key more or less. */
export function hasKnownForm({ kind, data }: LogRecord): boolean {
  const form = forms.get(kind);
  if (form === undefined || !hasKeys(data, Object.keys(form))) return false;
  return Object.entries(form).every(([key, is]) => is(data[key]));
}
