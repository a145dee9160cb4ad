import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { present } from "../base/assert.ts";
import { type WallMs, wallMs } from "../base/time.ts";
import type { FollowedRegistration, KeptLook } from "../forward/follow-up/follow-up.ts";
import type { Remark } from "../forward/queue.ts";
import {
  at,
  claimSome,
  dayMs,
  draftOf,
  entryOf,
  noon,
  preparedCore,
  recordId,
  registerDue,
  registered,
  rosterOf,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import { lookPutOffMaxMs } from "./follow-up-table.ts";
import { scans } from "./migrations/001-scans.ts";
import { clock } from "./migrations/002-clock.ts";
import { outages } from "./migrations/003-outages.ts";
import { remarks as remarksMigration } from "./migrations/007-remarks.ts";
import type { StoreCore } from "./store-core.ts";

let directory: TemporaryDirectory;
let core: StoreCore;

beforeEach(() => {
  directory = temporaryDirectory();
  core = preparedCore(storeSettings(directory.path), rosterOf(1, 2, 3));
});
afterEach(() => {
  core[Symbol.dispose]();
  directory[Symbol.dispose]();
});

const all = { openOnly: false, seenFrom: null, limit: 100 } as const;
const open = { ...all, openOnly: true } as const;
const later = (days: number): WallMs => wallMs(noon + days * dayMs);

function change(sql: string): void {
  const db = new Sqlite(join(directory.path, "badged.sqlite"));
  try {
    db.exec(sql);
  } finally {
    db.close();
  }
}

/** Registers a scan of a worker at `minutes`, answered a minute later with these remarks. */
function register(worker: number, minutes: number, remarks: readonly Remark[] = []): number {
  const scanId = recordId(core, draftOf(worker, minutes));
  const { attemptId } = claimSome(core, { now: at(minutes) });
  const report = { outcome: "answered", httpStatus: 200, relatedTraceId: null, detail: "" } as const;
  core.settle(attemptId, { ...report, endedAt: at(minutes + 1) }, [
    { ...registered(scanId), kind: "registered", registrationId: `r${scanId}`, validity: "pending", remarks },
  ]);
  return scanId;
}

function look(scanId: number, minutes: number, changed: Partial<KeptLook> = {}): readonly Remark[] {
  return core.followUps.keep({
    scanId,
    registrationId: `r${scanId}`,
    at: at(minutes),
    kind: "found",
    validity: "pending",
    remarks: [],
    settledAt: null,
    next: { kind: "at", at: at(minutes + 15) },
    ...changed,
  });
}

const dueAt = (minutes: number): readonly FollowedRegistration[] => core.followUps.due(at(minutes), 100);
const ids = (minutes: number): readonly number[] => dueAt(minutes).map(({ scanId }) => scanId);
const codes = (filter: typeof all | typeof open = all) => core.remarks.list(filter).map(({ code }) => code);

const tooLate: Remark = { code: 32, text: "too late" };
const noRelation: Remark = { code: 1, text: "no relation" };

describe("following", () => {
  test("begins in the commit of the registration, five minutes after it, with what is needed to learn from it", () => {
    const scanId = register(1, 0);
    expect(ids(5)).toEqual([]);
    expect(dueAt(6)).toEqual([
      {
        scanId,
        registrationId: `r${scanId}`,
        registeredAt: at(0),
        sentAt: at(0),
        answeredAt: at(1),
        createdAt: at(1),
        looks: 0,
        settledAt: null,
        sent: {
          ssin: "90000000001",
          direction: "in",
          place: { kind: "coordinates", latitude: 51.05, longitude: 3.72 },
        },
      },
    ]);
    expect(core.followUps.counts()).toEqual({ followed: 1, settled: 0, givenUp: 0 });
  });

  test("is for registrations only", () => {
    const scanId = recordId(core, draftOf(1, 0));
    const { attemptId } = claimSome(core, { now: at(0) });
    const report = { outcome: "answered", httpStatus: 200, relatedTraceId: null, detail: "", endedAt: at(1) } as const;
    core.settle(attemptId, report, [{ kind: "refused", scanId, reason: "no" }]);
    expect(ids(1000)).toEqual([]);
  });

  test("hands out the newest of those that are due, where it is asked for that one", () => {
    for (const [worker, minutes] of [
      [1, 0],
      [2, 1],
      [3, 2],
    ] as const) {
      recordId(core, draftOf(worker, minutes));
      registerDue(core, at(minutes));
    }
    const newest = (minutes: number) => core.followUps.due(at(minutes), 1, "newest").map(({ scanId }) => scanId);
    expect([newest(4), newest(5), newest(6), newest(60)]).toEqual([[], [1], [2], [3]]);
  });

  test("goes on until it has ended, the longest due first", () => {
    const [one, two] = [register(1, 0), register(2, 10)];
    expect(ids(20)).toEqual([one, two]);
    expect(core.followUps.due(at(20), 1)).toHaveLength(1);
    look(one, 20, { validity: "valid", settledAt: at(20), next: { kind: "at", at: at(60) } });
    expect(ids(30)).toEqual([two]);
    expect(dueAt(60)[1]).toMatchObject({ scanId: one, looks: 1, settledAt: at(20) });
    look(one, 60, { settledAt: at(20), next: { kind: "ended", how: "settled" } });
    look(two, 60, { kind: "not-found", remarks: null, validity: null, next: { kind: "ended", how: "given-up" } });
    expect(ids(100_000)).toEqual([]);
    expect(core.followUps.counts()).toEqual({ followed: 0, settled: 1, givenUp: 1 });
  });

  test("does not stand still when the clock was set back by days", () => {
    const scanId = register(1, 0);
    expect(core.followUps.due(wallMs(at(6) - lookPutOffMaxMs - 1), 10).map((each) => each.scanId)).toEqual([scanId]);
    expect(core.followUps.due(wallMs(at(6) - lookPutOffMaxMs), 10)).toEqual([]);
  });

  test("outlives the scan, whose national number is erased as configured", () => {
    const scanId = register(1, 0);
    register(2, 10);
    while (core.eraseSlice(later(8)).more);
    expect(core.show(scanId)).toBeNull();
    expect(look(scanId, 12_000, { remarks: [noRelation] })).toEqual([noRelation]);
    expect(core.remarks.list(all)[0]).toMatchObject({ scanId, code: 1, workerReference: "R1", registeredAt: at(0) });
  });

  test("is taken up for what an earlier badged registered", () => {
    const db = new Sqlite(":memory:");
    for (const sql of [scans, clock, outages]) db.exec(sql);
    db.exec(`INSERT INTO workers (id, ssin) VALUES (1, 'w');
      INSERT INTO roster_entries (id, badge, worker_id, employer_kind, employer_number, reference)
        VALUES (1, 'B1', 1, 'enterprise-number', '0566988259', 'R1');
      INSERT INTO work_sites (id, content) VALUES (1, '{}');
      INSERT INTO attempts (id, trace_id, scans, started_at) VALUES (1, 't', 1, 900);`);
    const insert = db.prepare(
      `INSERT INTO scans (id, reader_id, badge_raw, badge_number, work_site_id, direction_rule, boot_id, monotonic_ns,
        utc_ms, clock_state, capture_lag_ms, direction, roster_entry_id, worker_id, state, attempt_id, registration_id,
        remarks, settled_at)
      VALUES (?, 'gate', 'b', 'B1', 1, 'in', 'boot', 1, 800, 'synchronised', 0, 'in', 1, 1, ?, 1, ?, ?, ?)`,
    );
    insert.run(1, "registered", "r1", JSON.stringify([tooLate, { code: null, text: "words" }]), 1000);
    insert.run(2, "waiting", null, null, null);
    db.exec(remarksMigration);
    expect(db.prepare("SELECT id, reference, sent_at, next_at FROM follow_ups").all()).toEqual([
      { id: 1, reference: "R1", sent_at: 900, next_at: 301_000 },
    ]);
    expect(db.prepare("SELECT scan_id, code, text, first_seen FROM remarks ORDER BY id").all()).toEqual([
      { scan_id: 1, code: 32, text: "too late", first_seen: 1000 },
      { scan_id: 1, code: null, text: "words", first_seen: 1000 },
    ]);
    db.close();
  });
});

describe("remarks", () => {
  test("of the registration's answer are kept with it", () => {
    const scanId = register(1, 0, [tooLate, { code: null, text: "in words" }]);
    expect(core.remarks.list(all)).toMatchObject([
      { remarkId: 1, scanId, code: 32, text: "too late", firstSeen: at(1), goneAt: null, doneAt: null, note: "" },
      { remarkId: 2, scanId, code: null, text: "in words" },
    ]);
  });

  test("of a look are new once, and first seen when they were first seen", () => {
    const scanId = register(1, 0, [tooLate]);
    expect(look(scanId, 10, { remarks: [tooLate, noRelation] })).toEqual([noRelation]);
    expect(look(scanId, 30, { remarks: [noRelation, { code: 32, text: "reworded" }, noRelation] })).toEqual([]);
    expect(core.remarks.list(all).map(({ code, firstSeen }) => [code, firstSeen])).toEqual([
      [32, at(1)],
      [1, at(10)],
    ]);
  });

  test("that the service no longer raises stay, marked, and are open again when it does", () => {
    const scanId = register(1, 0, [noRelation, tooLate]);
    look(scanId, 10, { remarks: [tooLate] });
    expect(codes(open)).toEqual([32]);
    expect(core.remarks.list(all)[0]).toMatchObject({ code: 1, goneAt: at(10) });
    look(scanId, 30, { remarks: [tooLate, noRelation] });
    expect(codes(open)).toEqual([1, 32]);
  });

  test("that were dealt with and come back are told anew, and are open again", () => {
    const scanId = register(1, 0, [noRelation]);
    core.remarks.mark(1, { at: at(5), kind: "done", note: "web form sent" });
    expect(look(scanId, 10, { remarks: [noRelation] })).toEqual([]);
    expect(codes(open)).toEqual([]);
    look(scanId, 20, { remarks: [] });
    expect(look(scanId, 30, { remarks: [noRelation] })).toEqual([noRelation]);
    expect(codes(open)).toEqual([1]);
    const marks = present(core.remarks.show(1), "it is kept").marks;
    expect(marks.map(({ kind, note }) => [kind, note])).toEqual([
      ["done", "web form sent"],
      ["undone", "the service raises it again"],
    ]);
    expect(look(scanId, 40, { remarks: [noRelation] })).toEqual([]);
  });

  test("stay as they are when a look did not tell", () => {
    const scanId = register(1, 0, [noRelation]);
    look(scanId, 10, { kind: "server-error", remarks: null, validity: null });
    expect(codes(open)).toEqual([1]);
  });

  test("come in the order of their last day, and only the new ones when asked", () => {
    const one = register(1, 0);
    register(2, 20, [tooLate]);
    look(one, 50, { remarks: [noRelation] });
    expect(codes()).toEqual([1, 32]);
    expect(core.remarks.list({ ...all, seenFrom: at(30) }).map(({ code }) => code)).toEqual([1]);
  });

  test("are dealt with, and that is taken back, without anything being replaced", () => {
    register(1, 0, [noRelation]);
    expect(core.remarks.mark(9, { at: at(5), kind: "done", note: "" })).toBe(false);
    expect(core.remarks.mark(1, { at: at(5), kind: "done", note: "web form sent" })).toBe(true);
    expect(codes(open)).toEqual([]);
    expect(core.remarks.list(all)[0]).toMatchObject({ doneAt: at(5), note: "web form sent" });
    core.remarks.mark(1, { at: at(6), kind: "undone", note: "another worker" });
    expect(codes(open)).toEqual([1]);
    expect(present(core.remarks.show(1), "it is kept").marks).toEqual([
      { at: at(5), kind: "done", note: "web form sent" },
      { at: at(6), kind: "undone", note: "another worker" },
    ]);
    for (const sql of ["UPDATE remark_marks SET note = ''", "DELETE FROM remark_marks"]) {
      expect(() => change(sql)).toThrow("never replaced");
    }
    expect(() => change("UPDATE remarks SET first_seen = 0")).toThrow("stays as it was first seen");
  });

  test("are never erased before their last day is past, however short scans are kept", () => {
    core[Symbol.dispose]();
    core = preparedCore(storeSettings(directory.path, { keepSettledMs: dayMs }), rosterOf(1, 2, 3));
    register(1, 0, [noRelation]);
    register(2, 10, [tooLate]);
    core.remarks.mark(1, { at: at(5), kind: "done", note: "" });
    while (core.eraseSlice(later(31.9)).more);
    expect(codes()).toEqual([1, 32]);
    while (core.eraseSlice(later(32.1)).more);
    // The newest stays, so that its number is not given again.
    expect(codes()).toEqual([32]);
    expect(core.followUps.counts().followed).toBe(0);
  });

  test("hold no national number, but for what the service's answer is compared with", () => {
    core.replaceRoster([entryOf(1, { ssin: "93051822361" })], "other", noon);
    register(1, 0, [noRelation]);
    expect(
      JSON.stringify([core.remarks.list(all), core.remarks.show(1), dueAt(60).map(({ sent: _, ...kept }) => kept)]),
    ).not.toContain("93051822361");
  });
});

test("many registrations are followed without a look at all of them", () => {
  for (let worker = 1; worker <= 3; worker += 1) recordId(core, draftOf(worker, worker * 10));
  registerDue(core, at(40));
  const db = new Sqlite(join(directory.path, "badged.sqlite"));
  const plan = db
    .prepare("EXPLAIN QUERY PLAN SELECT * FROM follow_ups INDEXED BY follow_ups_due WHERE next_at <= 5")
    .all();
  db.close();
  expect(JSON.stringify(plan)).toContain("SEARCH follow_ups USING INDEX follow_ups_due");
});
