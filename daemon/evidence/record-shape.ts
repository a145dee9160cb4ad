import * as v from "valibot";
import {
  anchorTypes,
  clockStates,
  type EvidenceRecord,
  epochReasons,
  type RecordContent,
  type RecordKind,
  windowChanges,
} from "./record.ts";

/*
 * The shape of every kind of record: no key too many, none missing, no number that is not a whole one. What JSON says in
 * several ways (1 and 1.0) is told apart by writing the value again, not here.
 */

const textMaxChars = 300;
const bootIdPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(textMaxChars));
const hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const bootId = v.pipe(v.string(), v.regex(bootIdPattern));
/** 32 bytes in canonical base64: the last digit before the padding holds four bits, and two of nothing. */
const key = v.pipe(v.string(), v.regex(/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/));
const integer = v.pipe(v.number(), v.safeInteger());
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const interval = v.strictTuple([v.nullable(count), v.nullable(count)]);
const clockState = v.picklist(clockStates);

const entry = { window: text, entry: count, sha256: hash, bytes: count };

const layers = v.strictObject({
  box: text,
  power: text,
  link: text,
  lan: text,
  firstHop: text,
  dns: text,
  anchors: text,
  service: text,
  token: text,
  otherChannel: text,
});

const data: { readonly [K in RecordKind]: v.GenericSchema<unknown, Extract<RecordContent, { kind: K }>["data"]> } = {
  epoch: v.strictObject({
    format: v.literal(1),
    origin: text,
    key,
    previous: v.nullable(v.strictObject({ origin: text, size: count, root: hash })),
    reason: v.picklist(epochReasons),
  }),
  start: v.strictObject({ version: text, configuration: hash }),
  stop: v.strictObject({ reason: text }),
  configuration: v.strictObject({ sha256: hash }),
  sample: v.strictObject({ layers, cause: v.nullable(text), whole: v.boolean() }),
  window: v.strictObject({
    id: text,
    change: v.picklist(windowChanges),
    cause: text,
    exemption: text,
    start: interval,
    end: v.nullable(interval),
  }),
  "clock-step": v.strictObject({ kind: text, ms: v.nullable(integer) }),
  "clock-state": v.strictObject({ from: clockState, to: clockState, reason: text }),
  synchronisation: v.strictObject({
    id: text,
    offsetUs: integer,
    boundUs: count,
    servers: count,
    falseTickers: count,
  }),
  "heartbeat-gap": v.strictObject({ fromWall: count, toWall: count, boot: bootId, ended: v.boolean() }),
  note: v.strictObject(entry),
  attachment: v.strictObject(entry),
  attempt: v.strictObject({ ...entry, worked: v.boolean() }),
  scans: v.strictObject({ window: text, delayed: count, withheld: count, registered: count }),
  anchor: v.strictObject({ type: v.picklist(anchorTypes), size: count, checkpoint: hash, sha256: hash, by: text }),
  torn: v.strictObject({ dropped: count }),
  rollback: v.strictObject({ witness: text, size: count, had: count }),
  erased: v.strictObject({ samples: count, before: count }),
};

const frame = v.strictObject({
  boot: bootId,
  data: v.unknown(),
  err: v.nullable(count),
  kind: v.picklist(Object.keys(data) as RecordKind[]),
  mono: count,
  p: hash,
  seq: count,
  state: clockState,
  v: v.literal(1),
  wall: count,
});

export function isRecord(value: unknown): value is EvidenceRecord {
  return v.is(frame, value) && v.is(data[value.kind], value.data);
}
