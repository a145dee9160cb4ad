import { createHash } from "node:crypto";
import { copyFileSync, existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { wallMs } from "../base/time.ts";
import type { StoreCore } from "../store/store-core.ts";
import { AnchoringWitness } from "../testing/anchoring-witness.ts";
import { evidenceServiceOf, failingSample, peacefulSample } from "../testing/evidence-service-fixture.ts";
import { CoreEvidence, type FoundEpoch, readEpoch } from "../testing/evidence-store.ts";
import { ManualTime, settled } from "../testing/manual-time.ts";
import {
  openCore,
  type RecordingLog,
  recordingLog,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import type { Anchorer } from "./anchorer.ts";
import type { Cadence } from "./cadence.ts";
import { type DeviceKey, ensureDeviceKey } from "./device-key.ts";
import { type EvidenceService, keepSamplesMs } from "./evidence-service.ts";
import { publicKeyText } from "./note.ts";

const minuteMs = 60_000;

let directory: TemporaryDirectory;
let core: StoreCore;
let store: CoreEvidence;
let key: DeviceKey;
let time: ManualTime;
let log: RecordingLog;

beforeEach(() => {
  directory = temporaryDirectory();
  core = openCore(storeSettings(directory.path));
  store = new CoreEvidence(core);
  key = ensureDeviceKey(directory.path);
  time = new ManualTime();
  log = recordingLog();
});

afterEach(() => {
  core[Symbol.dispose]();
  directory[Symbol.dispose]();
});

function serviceOf(
  anchorers: readonly Anchorer[] = [],
  changed: { readonly cadence?: Cadence; readonly configuration?: string } = {},
): EvidenceService {
  return evidenceServiceOf({ key, store, anchorers, time, log, ...changed });
}

function found(epoch = 1): FoundEpoch {
  const { faults, ...rest } = readEpoch(core, epoch, publicKeyText(key.publicKey));
  expect(faults).toEqual([]);
  return rest;
}

function kinds(epoch = 1): readonly string[] {
  return found(epoch).records.map(({ kind }) => kind);
}

/** What a power cut leaves: the service is forgotten, and what was on disk is opened anew. */
function cutPower(): void {
  core[Symbol.dispose]();
  core = openCore(storeSettings(directory.path));
  store = new CoreEvidence(core);
}

test("the first start begins an epoch, and a checkpoint covers it", async () => {
  const service = serviceOf();
  await service.start();
  await service.settled();
  expect(kinds()).toEqual(["epoch", "start"]);
  expect(found().checkpoints.map(({ size }) => size)).toEqual([2]);
  await service[Symbol.asyncDispose]();
  expect(kinds()).toEqual(["epoch", "start", "stop"]);
});

test("in peace records wait for one commit in ten minutes, in five with a witness", async () => {
  const alone = serviceOf();
  await alone.start();
  await alone.settled();
  store.commits = 0;
  for (let sample = 0; sample < 120; sample++) {
    alone.record(peacefulSample);
    await time.advance(30_000);
  }
  expect(store.commits).toBeLessThanOrEqual(6);
  await alone[Symbol.asyncDispose]();
  expect(found().records.filter(({ kind }) => kind === "sample")).toHaveLength(120);

  const witnessed = serviceOf([new AnchoringWitness()]);
  await witnessed.start();
  await witnessed.settled();
  store.commits = 0;
  for (let sample = 0; sample < 120; sample++) {
    witnessed.record(peacefulSample);
    await time.advance(30_000);
  }
  expect(store.commits).toBeLessThanOrEqual(12);
  await witnessed[Symbol.asyncDispose]();
});

test("what is not peace is on disk at once, with what waited before it", async () => {
  const service = serviceOf();
  await service.start();
  service.record(peacefulSample);
  service.record(peacefulSample);
  await settled();
  expect(kinds()).toEqual(["epoch", "start"]);
  service.record(failingSample);
  await service.settled();
  expect(kinds()).toEqual(["epoch", "start", "sample", "sample", "sample"]);
  expect(found().checkpoints.at(-1)?.size).toBe(5);
});

test("what is told before the log was taken up follows the start", async () => {
  const service = serviceOf();
  service.record(failingSample);
  await service.start();
  await service.settled();
  expect(kinds()).toEqual(["epoch", "start", "sample"]);
});

test("another start goes on where the log ends, and another configuration is told", async () => {
  await (await started())[Symbol.asyncDispose]();
  await (await started({ configuration: "cd".repeat(32) }))[Symbol.asyncDispose]();
  expect(kinds()).toEqual(["epoch", "start", "stop", "start", "configuration", "stop"]);
});

async function started(changed: Parameters<typeof serviceOf>[1] = {}): Promise<EvidenceService> {
  const service = serviceOf([], changed);
  await service.start();
  await service.settled();
  return service;
}

test("a checkpoint is anchored, and the record that names it is written with what comes next", async () => {
  const [witness, authority] = [new AnchoringWitness(), new AnchoringWitness("rfc3161")];
  const service = serviceOf([witness, authority]);
  await service.start();
  await service.settled();
  const first = found();
  const { checkpoints, anchors } = first;
  expect(anchors.map(({ type, size }) => [type, size]).sort()).toEqual([
    ["rfc3161", 2],
    ["witness", 2],
  ]);
  const proof = anchors.find(({ type }) => type === "rfc3161")?.proof ?? Buffer.alloc(0);
  const named = first.records.find(({ kind, data }) => kind === "anchor" && data.type === "rfc3161");
  const text = checkpoints[0]?.note.split("\n\n")[0] ?? "";
  expect(named?.data).toEqual({
    type: "rfc3161",
    size: 2,
    by: "rfc3161.example",
    checkpoint: createHash("sha256").update(`${text}\n`).digest("hex"),
    sha256: createHash("sha256").update(proof).digest("hex"),
  });
  await time.advance(60 * minuteMs);
  await service.settled();
  expect(witness.seen.length).toBeGreaterThanOrEqual(12);
  expect(authority.seen).toHaveLength(2);
  expect([...witness.contradictions, ...witness.inconsistent, ...authority.inconsistent]).toEqual([]);
});

test("without a network nothing is anchored, and it goes on as soon as there is one", async () => {
  const witness = new AnchoringWitness();
  witness.isReachable = false;
  const service = serviceOf([witness]);
  await service.start();
  await time.advance(30 * minuteMs);
  expect(witness.seen).toEqual([]);
  const nothing = { type: "witness", name: "witness.example", anchoredAgoMs: null, size: 0 };
  expect(service.status.anchorers).toEqual([{ ...nothing, failure: "no network" }]);
  witness.isReachable = true;
  await time.advance(minuteMs);
  await service.settled();
  expect(witness.seen).toHaveLength(1);
  const [anchored] = service.status.anchorers;
  expect(anchored).toMatchObject({ size: witness.seen[0]?.size, failure: null });
  witness.isReachable = false;
  await time.advance(10 * minuteMs);
  await service.settled();
  const [silent] = service.status.anchorers;
  expect(silent).toMatchObject({ size: anchored?.size, failure: "no network" });
  expect(silent?.anchoredAgoMs).toBeGreaterThanOrEqual(10 * minuteMs);
});

test.each([
  ["alone", []],
  ["beside one that answers", [new AnchoringWitness()]],
])("a witness that has gone for good, %s, wears no card: asking it again writes nothing", async (_, others) => {
  const gone = new AnchoringWitness();
  gone.isReachable = false;
  const service = serviceOf([gone, ...others]);
  await service.start();
  await service.settled();
  store.commits = 0;
  for (let sample = 0; sample < 120; sample++) {
    service.record(peacefulSample);
    await time.advance(30_000);
  }
  await service.settled();
  expect(store.commits).toBeLessThanOrEqual(13);
  for (const { seen } of others) expect(seen.length).toBeLessThanOrEqual(14);
  await service[Symbol.asyncDispose]();
});

test("the end of a window asks everybody at once", async () => {
  const authority = new AnchoringWitness("rfc3161");
  const service = serviceOf([authority]);
  await service.start();
  await service.settled();
  expect(authority.seen).toHaveLength(1);
  service.record(failingSample);
  service.windowEnded("window");
  await service.settled();
  expect(authority.seen).toHaveLength(2);
  expect(authority.seen[1]?.size).toBe(found().records.findLastIndex(({ kind }) => kind === "sample") + 1);
});

test("scans of a window that are counted anew later are bounded in time soon, too", async () => {
  const authority = new AnchoringWitness("rfc3161");
  const service = serviceOf([authority]);
  await service.start();
  let delayed = 0;
  store.windowScans = async () => ({ delayed, withheld: 0, registered: delayed });
  service.windowEnded("window");
  await service.settled();
  const asked = authority.seen.length;
  delayed = 7;
  await time.advance(6 * minuteMs);
  await service.settled();
  expect(authority.seen).toHaveLength(asked + 1);
  const counts = found().records.flatMap((record) => (record.kind === "scans" ? [record.data.delayed] : []));
  expect(counts).toEqual([0, 7]);
  await time.advance(20 * minuteMs);
  await service.settled();
  expect(authority.seen).toHaveLength(asked + 1);
});

test("scans of a window that ended in an earlier run go on being counted, and are told again only where they changed", async () => {
  let delayed = 3;
  store.windowScans = async () => ({ delayed, withheld: 0, registered: delayed });
  const run = async (tellsOf: (service: EvidenceService) => void): Promise<void> => {
    await using service = serviceOf();
    await service.start();
    tellsOf(service);
    await time.advance(11 * minuteMs);
  };
  await run((service) => service.windowEnded("window"));
  await run((service) => service.windowEndedBefore("window"));
  delayed = 7;
  await run((service) => service.windowEndedBefore("window"));
  const counts = found().records.flatMap((record) => (record.kind === "scans" ? [record.data.delayed] : []));
  expect(counts).toEqual([3, 7]);
});

test("scans of one window are told although the store fails at the next one's", async () => {
  const service = serviceOf();
  await service.start();
  let isFailing = true;
  store.windowScans = async (window) => {
    if (window === "second" && isFailing) throw new Error("the disk does not answer");
    return { delayed: 1, withheld: 0, registered: 1 };
  };
  service.windowEnded("first");
  service.windowEnded("second");
  await time.advance(11 * minuteMs);
  isFailing = false;
  await time.advance(11 * minuteMs);
  await service.settled();
  const told = found().records.flatMap((record) => (record.kind === "scans" ? [record.data.window] : []));
  expect(told).toEqual(["first", "second"]);
});

test("a witness that has seen more than is on disk begins a new epoch that says so", async () => {
  const witness = new AnchoringWitness();
  const service = serviceOf([witness]);
  await service.start();
  await service.settled();
  using other = temporaryDirectory();
  for (const file of ["badged.sqlite", "badged.sqlite-wal"]) {
    copyFileSync(join(directory.path, file), join(other.path, file));
  }
  for (let more = 0; more < 5; more++) service.record(failingSample);
  service.wantAnchors();
  await service.settled();
  const seen = witness.seen.at(-1)?.size ?? 0;
  core[Symbol.dispose]();
  core = openCore(storeSettings(other.path));
  store = new CoreEvidence(core);

  const rolledBack = serviceOf([witness]);
  await rolledBack.start();
  await rolledBack.settled();
  const { size: had } = witness.seen.at(-1) ?? { size: 0 };
  expect(
    found(2)
      .records.slice(0, 2)
      .map(({ kind, data }) => ({ kind, data })),
  ).toMatchObject([
    { kind: "epoch", data: { reason: "rollback", previous: { size: found(1).checkpoints.at(-1)?.size } } },
    { kind: "rollback", data: { witness: "witness.example", size: seen, had } },
  ]);
  await time.advance(5 * minuteMs);
  await rolledBack.settled();
  expect(witness.seen.at(-1)?.origin).toMatch(/\/2$/);
  expect([...witness.contradictions, ...witness.inconsistent]).toEqual([]);
  await rolledBack[Symbol.asyncDispose]();
});

test("a copy that was put back begins a new epoch, once", async () => {
  await (await started())[Symbol.asyncDispose]();
  const size = found().checkpoints.at(-1)?.size;
  core[Symbol.dispose]();
  const file = join(directory.path, "badged.sqlite");
  renameSync(file, `${file}.restored`);
  for (const epoch of [2, 2]) {
    core = openCore(storeSettings(directory.path));
    store = new CoreEvidence(core);
    await (await started())[Symbol.asyncDispose]();
    expect(core.evidence.end()?.epoch).toBe(epoch);
    core[Symbol.dispose]();
  }
  core = openCore(storeSettings(directory.path));
  expect(found(2).records[0]).toMatchObject({ kind: "epoch", data: { reason: "rollback", previous: { size } } });
});

/** Another start, after the database was exchanged. */
async function startedWith(exchange: (database: string) => void): Promise<number | undefined> {
  core[Symbol.dispose]();
  exchange(join(directory.path, "badged.sqlite"));
  core = openCore(storeSettings(directory.path));
  store = new CoreEvidence(core);
  await (await started())[Symbol.asyncDispose]();
  return core.evidence.end()?.epoch;
}

test("the same copy put back again, and a new database after it, have epochs that none had before", async () => {
  await (await started())[Symbol.asyncDispose]();
  const copy = join(directory.path, "copy");
  const putBack = (database: string): void => {
    if (!existsSync(copy)) copyFileSync(database, copy);
    rmSync(database);
    copyFileSync(copy, `${database}.restored`);
  };
  expect(await startedWith(putBack)).toBe(2);
  expect(await startedWith(putBack)).toBe(3);
  expect(await startedWith(rmSync)).toBe(4);
  expect(found(4).records[0]).toMatchObject({ kind: "epoch", data: { reason: "rollback", previous: null } });
});

test("a power cut after the first commit of all leaves the log in its first epoch", async () => {
  const service = await started();
  expect(core.evidence.usedEpoch()).toBe(0);
  await service[Symbol.asyncDispose]();
  expect(await startedWith((database) => rmSync(join(database, "../evidence-epoch")))).toBe(1);
});

test("a full disk keeps records in memory, is told once, and everything is written once there is room", async () => {
  const service = await started();
  store.isFull = true;
  for (let sample = 0; sample < 20; sample++) {
    service.record(failingSample);
    await time.advance(30_000);
  }
  expect(log.lines.filter(({ message }) => message.startsWith("evidence not written"))).toHaveLength(1);
  expect(kinds()).toEqual(["epoch", "start"]);
  expect(service.status.failingForMs).toBeGreaterThan(9 * minuteMs);
  store.isFull = false;
  await time.advance(2 * minuteMs);
  await service.settled();
  expect(kinds().filter((kind) => kind === "sample")).toHaveLength(20);
  expect(service.status).toMatchObject({ waiting: 0, failingForMs: null });
});

test("nothing leaves the box while it cannot be written", async () => {
  const witness = new AnchoringWitness();
  const service = serviceOf([witness]);
  await service.start();
  await service.settled();
  store.isFull = true;
  service.record(failingSample);
  service.wantAnchors();
  await service.settled();
  for (const { size } of witness.seen) expect(size).toBeLessThanOrEqual(found().records.length);
});

test("a clock that is set back changes nothing in the order of the log", async () => {
  const service = await started();
  time.setWall(1_700_000_000_000);
  service.record({ kind: "clock-step", data: { kind: "step", ms: -80_000_000_000 } });
  service.record(failingSample);
  await time.advance(20 * minuteMs);
  await service[Symbol.asyncDispose]();
  expect(kinds()).toEqual(["epoch", "start", "clock-step", "sample", "stop"]);
});

test("a tail that cannot be read is dropped, and the next record says how much", async () => {
  await started();
  core.evidence.commit({
    epoch: 1,
    from: 2,
    records: [
      { kind: "stop", line: "{torn", erasableAt: null },
      { kind: "stop", line: "{}", erasableAt: null },
    ],
    checkpoint: null,
    anchors: [],
    salts: [],
    erase: [],
  });
  cutPower();
  await started();
  expect(
    found()
      .records.slice(2)
      .map(({ kind, data }) => ({ kind, data })),
  ).toMatchObject([{ kind: "torn", data: { dropped: 2 } }, { kind: "start" }]);
});

test("a record that was changed under a checkpoint begins a new epoch", async () => {
  const service = await started();
  service.record(failingSample);
  await service[Symbol.asyncDispose]();
  const db = new Sqlite(join(directory.path, "badged.sqlite"));
  const trigger = db.prepare("SELECT sql FROM sqlite_schema WHERE name = 'evidence_records_are_final'").pluck().get();
  db.exec("DROP TRIGGER evidence_records_are_final");
  db.exec(`UPDATE evidence_records SET line = replace(line, 'unreachable', 'ok') WHERE kind IS NULL`);
  db.exec(String(trigger));
  db.close();
  cutPower();
  await started();
  const [first] = found(2).records;
  expect(first).toMatchObject({ kind: "epoch", data: { reason: "log-damaged", previous: { size: 5 } } });
});

test("another key begins a new epoch under another origin", async () => {
  await started();
  using elsewhere = temporaryDirectory();
  key = ensureDeviceKey(elsewhere.path);
  await started();
  expect(found(2).records[0]).toMatchObject({ kind: "epoch", data: { reason: "key-changed", previous: { size: 2 } } });
});

test("a log that is not the one on disk any more goes on in a new epoch, with what was not written", async () => {
  const service = await started();
  core.evidence.commit({
    epoch: 1,
    from: 2,
    records: [{ kind: "stop", line: "somebody else's", erasableAt: null }],
    checkpoint: null,
    anchors: [],
    salts: [],
    erase: [],
  });
  service.record(failingSample);
  await time.advance(minuteMs);
  await service.settled();
  expect(kinds(2)).toEqual(["epoch", "sample"]);
});

test("samples of 90 days ago become their hashes, and the log still verifies and goes on", async () => {
  const service = await started();
  for (let sample = 0; sample < 3; sample++) service.record(peacefulSample);
  service.record(failingSample);
  await service.settled();
  await service.maintain(wallMs(time.wallMs() + keepSamplesMs - 1));
  expect(kinds()).not.toContain("erased");
  await service.maintain(wallMs(time.wallMs() + keepSamplesMs + 1));
  await service[Symbol.asyncDispose]();
  expect(found().records.find(({ kind }) => kind === "erased")?.data).toMatchObject({ samples: 3 });
  expect(
    core.evidence
      .records(1, 0, 9)
      .map(({ kind }) => kind)
      .filter((kind) => kind === "erased"),
  ).toHaveLength(3);
  cutPower();
  await started();
  expect(core.evidence.end()?.epoch).toBe(1);
});

test("old samples are counted once, also when there was no room to reduce them for some nights", async () => {
  const service = await started();
  for (let count = 0; count < 3; count++) service.record(peacefulSample);
  service.record(failingSample);
  await service.settled();
  const later = wallMs(time.wallMs() + keepSamplesMs + 1);
  store.isFull = true;
  await service.maintain(later);
  await service.maintain(later);
  store.isFull = false;
  await service[Symbol.asyncDispose]();
  await (await started()).maintain(later);
  const told = found().records.flatMap((record) => (record.kind === "erased" ? [record.data.samples] : []));
  expect(told).toEqual([3]);
});
