import fc from "fast-check";
import {
  anchorTypes,
  clockStates,
  type EvidenceRecord,
  epochReasons,
  type RecordContent,
  type RecordKind,
  type RecordMoment,
  windowChanges,
} from "../evidence/record.ts";

/** Records of every kind, for properties. */

const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });
const count = fc.maxSafeNat();
const integer = fc.maxSafeInteger();
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString("hex"));
const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString("base64"));
const interval = fc.tuple(fc.option(count), fc.option(count));
const clockState = fc.constantFrom(...clockStates);
const entry = { window: text, entry: count, sha256: hash, bytes: count };

const data: { readonly [K in RecordKind]: fc.Arbitrary<Extract<RecordContent, { kind: K }>["data"]> } = {
  epoch: fc.record({
    format: fc.constant(1 as const),
    origin: text,
    key,
    previous: fc.option(fc.record({ origin: text, size: count, root: hash })),
    reason: fc.constantFrom(...epochReasons),
  }),
  start: fc.record({ version: text, configuration: hash }),
  stop: fc.record({ reason: text }),
  configuration: fc.record({ sha256: hash }),
  sample: fc.record({
    layers: fc.record({
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
    }),
    cause: fc.option(text),
    whole: fc.boolean(),
  }),
  window: fc.record({
    id: text,
    change: fc.constantFrom(...windowChanges),
    cause: text,
    exemption: text,
    start: interval,
    end: fc.option(interval),
  }),
  "clock-step": fc.record({ kind: text, ms: fc.option(integer) }),
  "clock-state": fc.record({ from: clockState, to: clockState, reason: text }),
  synchronisation: fc.record({ id: text, offsetUs: integer, boundUs: count, servers: count, falseTickers: count }),
  "heartbeat-gap": fc.record({ fromWall: count, toWall: count, boot: fc.uuid(), ended: fc.boolean() }),
  note: fc.record(entry),
  attachment: fc.record(entry),
  attempt: fc.record({ ...entry, worked: fc.boolean() }),
  scans: fc.record({ window: text, delayed: count, withheld: count, registered: count }),
  anchor: fc.record({ type: fc.constantFrom(...anchorTypes), size: count, checkpoint: hash, sha256: hash, by: text }),
  torn: fc.record({ dropped: count }),
  rollback: fc.record({ witness: text, size: count, had: count }),
  erased: fc.record({ samples: count, before: count }),
};

export const contentArbitrary: fc.Arbitrary<RecordContent> = fc.oneof(
  ...Object.entries(data).map(([kind, arbitrary]) =>
    (arbitrary as fc.Arbitrary<object>).map((content) => ({ kind, data: content }) as RecordContent),
  ),
);

export const momentArbitrary: fc.Arbitrary<RecordMoment> = fc.record({
  boot: fc.uuid(),
  mono: count,
  wall: count,
  err: fc.option(count),
  state: clockState,
});

export const recordArbitrary: fc.Arbitrary<EvidenceRecord> = fc
  .tuple(momentArbitrary, contentArbitrary, count, hash)
  .map(([moment, content, seq, p]) => ({ v: 1, seq, p, ...moment, ...content }));
