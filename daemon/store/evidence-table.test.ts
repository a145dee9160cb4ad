import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type WallMs, wallMs } from "../base/time.ts";
import type { EvidenceBatch, KeptCheckpoint, NewRecord } from "../evidence/evidence-store.ts";
import { leafHash } from "../evidence/merkle.ts";
import { lineHash } from "../evidence/record-line.ts";
import { nothingSeen } from "../outage/layers.ts";
import { at, openCore, storeSettings, type TemporaryDirectory, temporaryDirectory } from "../testing/store-fixture.ts";
import type { StoreCore } from "./store-core.ts";

let directory: TemporaryDirectory;
let core: StoreCore;
let db: Sqlite.Database;

beforeEach(() => {
  directory = temporaryDirectory();
  core = openCore(storeSettings(directory.path));
  db = new Sqlite(join(directory.path, "badged.sqlite"));
});

afterEach(() => {
  db.close();
  core[Symbol.dispose]();
  directory[Symbol.dispose]();
});

function start(line: string): NewRecord {
  return { kind: "start", line, erasableAt: null };
}

function sample(line: string, wall: number): NewRecord {
  return { kind: "sample", line, erasableAt: wall };
}

function batchOf(from: number, records: readonly NewRecord[], changed: Partial<EvidenceBatch> = {}): EvidenceBatch {
  return { epoch: 1, from, records, checkpoint: null, anchors: [], salts: [], erase: [], ...changed };
}

function checkpoint(size: number, note = `note ${size}`): KeptCheckpoint {
  return { size, note, roots: [leafHash("a").toString("hex"), leafHash("b").toString("hex")] };
}

test("a new store has no log; what is committed is its end, and is read back in sequence", () => {
  expect(core.evidence.end()).toBeNull();
  expect(core.evidence.commit(batchOf(0, [start("a"), sample("b", 1)], { checkpoint: checkpoint(2) }))).toBe(
    "committed",
  );
  expect(core.evidence.commit(batchOf(2, [start("c")]))).toBe("committed");
  expect(core.evidence.end()).toEqual({ epoch: 1, size: 3, checkpoint: checkpoint(2) });
  expect(core.evidence.records(1, 1, 10)).toEqual([
    { kind: "whole", seq: 1, line: "b" },
    { kind: "whole", seq: 2, line: "c" },
  ]);
  expect(core.evidence.lastOf("start")).toBe("c");
});

test("a new epoch begins at nothing, and the one before it stays", () => {
  core.evidence.commit(batchOf(0, [start("a")]));
  core.evidence.commit(batchOf(0, [start("b")], { epoch: 2 }));
  expect(core.evidence.end()).toEqual({ epoch: 2, size: 1, checkpoint: null });
  expect(core.evidence.records(1, 0, 10)).toEqual([{ kind: "whole", seq: 0, line: "a" }]);
});

test("the same batch again is committed once", () => {
  const batch = batchOf(0, [start("a"), start("b")], { checkpoint: checkpoint(2) });
  expect([core.evidence.commit(batch), core.evidence.commit(batch)]).toEqual(["committed", "committed"]);
  expect(core.evidence.commit(batchOf(1, [start("b"), start("c")]))).toBe("committed");
  expect(core.evidence.end()?.size).toBe(3);
});

test.each([
  ["leaves a record out", batchOf(3, [start("d")])],
  ["says something else", batchOf(1, [start("other"), start("c")])],
  ["ends before what is there", batchOf(0, [start("a")])],
  ["signs another root for a size", batchOf(2, [], { checkpoint: checkpoint(2, "other") })],
])("a batch that %s is not written", (_what, batch) => {
  core.evidence.commit(batchOf(0, [start("a"), start("b")], { checkpoint: checkpoint(2) }));
  expect(core.evidence.commit(batch)).toBe("diverged");
  expect(core.evidence.end()).toEqual({ epoch: 1, size: 2, checkpoint: checkpoint(2) });
});

test("anchors are kept under the record that names them, salts under their entry", () => {
  const anchor = { seq: 1, size: 1, type: "witness", by: "contractor", proof: Buffer.from("line\n") } as const;
  core.evidence.commit(batchOf(0, [start("a"), { ...start("b"), kind: "anchor" }], { anchors: [anchor] }));
  expect(core.evidence.anchors(1, 0, 10)).toEqual([anchor]);
  expect(core.evidence.anchors(1, 2, 10)).toEqual([]);
  addNote();
  expect(core.evidence.salt(1)).toBeNull();
  core.evidence.commit(batchOf(2, [start("c")], { salts: [{ entryId: 1, salt: Buffer.alloc(16, 7) }] }));
  expect(core.evidence.salt(1)).toBe("07".repeat(16));
});

test("what somebody added to an outage is found until a record names it", () => {
  addNote();
  const [entry] = core.evidence.unrecorded(10);
  expect(entry).toEqual({ entryId: 1, window: "key", kind: "note", content: "é", bytes: 2, worked: null });
  core.evidence.commit(batchOf(0, [start("a")], { salts: [{ entryId: 1, salt: Buffer.alloc(16) }] }));
  expect(core.evidence.unrecorded(10)).toEqual([]);
});

function addNote(): void {
  const moment = { bootId: "b", monotonicNs: 0n as never, utcMs: at(0), errorBoundMs: 1 };
  const finding = { cause: "service", exemption: "presumed", settledBy: [] } as const;
  core.outages.save({
    key: "key",
    lastGood: null,
    firstBad: moment,
    openedAt: moment,
    segments: [{ from: moment, finding, layers: nothingSeen }],
    flaps: 0,
    gaps: [],
    end: null,
  });
  core.outages.add(1, { kind: "note", text: "é" }, at(1));
  expect(core.windowScans.of("key")).toEqual({ delayed: 0, withheld: 0, registered: 0 });
  expect(core.windowScans.of("no such")).toBeNull();
}

test("old samples in which nothing failed become their hashes, and nothing else does", () => {
  const day = 24 * 3600 * 1000;
  const records = [start("a"), sample("b", 1), sample("c", 5 * day), sample("d", 2)];
  core.evidence.commit(batchOf(0, records, { checkpoint: checkpoint(4) }));
  const erase = core.evidence.erasable(wallMs(day) as WallMs, 10);
  expect(erase).toEqual([
    { epoch: 1, seq: 1 },
    { epoch: 1, seq: 3 },
  ]);
  core.evidence.commit(batchOf(4, [start("erased")], { erase }));
  const hashes = { hash: lineHash("b").toString("hex"), leaf: leafHash("b").toString("hex") };
  expect(core.evidence.records(1, 0, 3)).toEqual([
    { kind: "whole", seq: 0, line: "a" },
    { kind: "erased", seq: 1, ...hashes },
    { kind: "whole", seq: 2, line: "c" },
  ]);
  expect(core.evidence.erasable(wallMs(day), 10)).toEqual([]);
});

test("a tail that no checkpoint covers can be dropped, and nothing else", () => {
  core.evidence.commit(batchOf(0, [start("a"), start("b"), start("c")], { checkpoint: checkpoint(2) }));
  expect(() => core.evidence.drop(1, 1)).toThrow("a record that a checkpoint covers is never deleted");
  expect(core.evidence.drop(1, 2)).toBe(1);
  expect(core.evidence.end()?.size).toBe(2);
});

test.each([
  ["DELETE FROM evidence_records", "never deleted"],
  ["UPDATE evidence_records SET line = 'x'", "never changed"],
  ["UPDATE evidence_records SET id = id + 9", "never changed"],
  ["UPDATE evidence_records SET line = NULL, hash = zeroblob(32), leaf = zeroblob(32)", "never changed"],
  ["UPDATE evidence_records SET erasable_at = 1", "never changed"],
  ["DELETE FROM evidence_checkpoints", "never taken back"],
  ["UPDATE evidence_checkpoints SET note = 'x'", "never taken back"],
  ["DELETE FROM evidence_anchors", "never taken back"],
  ["UPDATE evidence_anchors SET proof = x'00'", "never taken back"],
])("the database refuses %s", (sql, why) => {
  const anchor = { seq: 0, size: 1, type: "witness", by: "contractor", proof: Buffer.from("line\n") } as const;
  core.evidence.commit(batchOf(0, [start("a")], { checkpoint: checkpoint(1), anchors: [anchor] }));
  expect(() => db.exec(sql)).toThrow(why);
});

test("a sample that was erased stays so", () => {
  core.evidence.commit(batchOf(0, [sample("a", 1)], { checkpoint: checkpoint(1) }));
  core.evidence.commit(batchOf(1, [start("b")], { erase: [{ epoch: 1, seq: 0 }] }));
  expect(() => db.exec("UPDATE evidence_records SET line = 'x', hash = NULL, leaf = NULL WHERE kind IS NULL")).toThrow(
    "never changed",
  );
});
