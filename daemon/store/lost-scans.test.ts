import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Remark } from "../forward/queue.ts";
import {
  at,
  claimSome,
  draftOf,
  openCore,
  preparedCore,
  type RecordingLog,
  recordId,
  recordingLog,
  registered,
  rosterOf,
  site,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import { freeId, lostScansMax } from "./free-id.ts";
import type { StoreCore } from "./store-core.ts";

/** A damaged database that lost its newest scans: what is known of them is never told of those that come after. */

let directory: TemporaryDirectory;
let log: RecordingLog;

beforeEach(() => {
  directory = temporaryDirectory();
  log = recordingLog();
});
afterEach(() => directory[Symbol.dispose]());

const noRelation: Remark = { code: 1, text: "no relation" };
const report = { outcome: "answered", httpStatus: 200, relatedTraceId: null, detail: "" } as const;
const all = { openOnly: false, seenFrom: null, limit: 100 } as const;

function registerWith(
  core: StoreCore,
  worker: number,
  minutes: number,
  id: string,
  remarks: readonly Remark[],
): number {
  const scanId = recordId(core, draftOf(worker, minutes, { workSiteId: core.internWorkSite(site) }));
  const { attemptId } = claimSome(core, { now: at(minutes) });
  core.settle(attemptId, { ...report, endedAt: at(minutes) }, [
    { kind: "registered", scanId, registrationId: id, validity: "pending", remarks },
  ]);
  return scanId;
}

/** Makes rows such as no rule allows, and takes an index away: the next opening sets the file aside and salvages the rest. */
function lose(scanIds: readonly number[], beside = ""): void {
  const db = new Sqlite(join(directory.path, "badged.sqlite"));
  try {
    const triggers = db
      .prepare<[], { readonly name: string; readonly sql: string }>(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'scans'",
      )
      .all();
    for (const { name } of triggers) db.exec(`DROP TRIGGER ${name}`);
    db.pragma("ignore_check_constraints = ON");
    db.pragma("foreign_keys = OFF");
    db.exec(`UPDATE scans SET state = 'nonsense' WHERE id IN (${scanIds.join(", ")}); ${beside}`);
    for (const { sql } of triggers) db.exec(sql);
    db.exec("DROP INDEX scans_waiting");
  } finally {
    db.close();
  }
}

describe("after the newest scans were lost", () => {
  /** Three registrations, of which the last two are lost; the first of those had a remark. */
  function lost(): void {
    {
      using core = preparedCore(storeSettings(directory.path), rosterOf(1, 2, 3));
      for (const [worker, id] of [
        [1, "a"],
        [2, "b"],
        [3, "c"],
      ] as const) {
        registerWith(core, worker, worker, id, worker === 2 ? [noRelation] : []);
      }
      core.advanceWebhook("erp", 2, { scanId: 2, reason: "status 422" });
    }
    lose([2, 3]);
  }

  test("a new one has an id that nothing speaks of, and so have those after it", () => {
    lost();
    using core = openCore(storeSettings(directory.path), log);
    expect(core.show(2)).toBeNull();
    const outcomes = core.record([draftOf(2, 100), draftOf(3, 101)]);
    expect(outcomes.map((outcome) => ("scanId" in outcome ? outcome.scanId : null))).toEqual([4, 5]);
    expect(recordId(core, draftOf(1, 102))).toBe(6);
  });

  test("also when the first batch after it cannot be stored", () => {
    lost();
    using core = openCore(storeSettings(directory.path), log);
    const strange = draftOf(2, 100, { workSiteId: 999 });
    const outcomes = core.record([strange, draftOf(3, 101), strange, draftOf(1, 102)]);
    expect(outcomes.map((outcome) => ("scanId" in outcome ? outcome.scanId : null))).toEqual([null, 4, null, 5]);
  });

  test("the old registrations are followed to their end, and the new one beside them", () => {
    lost();
    using core = openCore(storeSettings(directory.path), log);
    const scanId = registerWith(core, 2, 100, "new", [noRelation]);
    const followed = core.followUps.due(at(1000), 100);
    expect(followed.map(({ registrationId }) => registrationId).toSorted()).toEqual(["a", "b", "c", "new"]);
    const old = followed.find(({ registrationId }) => registrationId === "b");
    expect(old).toMatchObject({ scanId: 2, sent: null });
    const remarks = core.remarks.list(all).map(({ registrationId, scanId: of, code }) => [registrationId, of, code]);
    expect(remarks).toEqual([
      ["b", 2, 1],
      ["new", scanId, 1],
    ]);
  });

  test("a look at an old registration says nothing of the new one", () => {
    lost();
    using core = openCore(storeSettings(directory.path), log);
    const scanId = registerWith(core, 2, 100, "new", []);
    const look = { at: at(101), kind: "found", settledAt: at(101), next: { kind: "ended", how: "settled" } } as const;
    const kept = { ...look, validity: "valid", remarks: [noRelation] };
    expect(core.followUps.keep({ ...kept, scanId, registrationId: "b" })).toEqual([]);
    expect(core.followUps.due(at(1000), 100)).toContainEqual(expect.objectContaining({ scanId, looks: 0 }));
    expect(core.followUps.keep({ ...kept, scanId: 2, registrationId: "b" })).toEqual([]);
    expect(core.followUps.keep({ ...kept, scanId: 3, registrationId: "c" })).toEqual([noRelation]);
    expect(core.remarks.list(all).map(({ registrationId }) => registrationId)).toEqual(["b", "c"]);
  });

  test("a webhook's delivery of the old ones moves no cursor past the new ones", () => {
    lost();
    const before = ((): string => {
      const db = new Sqlite(join(directory.path, "badged.sqlite"), { readonly: true });
      const id = db.prepare<[], string>("SELECT store_id FROM store").pluck().get() ?? "";
      db.close();
      return id;
    })();
    using core = openCore(storeSettings(directory.path), log);
    const scanId = recordId(core, draftOf(2, 100));
    core.advanceWebhook("erp", scanId, null, before);
    expect(core.webhookScans("erp", 10).map((scan) => scan.scanId)).toEqual([scanId]);
    core.advanceWebhook("erp", scanId, null, core.storeId());
    expect(core.webhookScans("erp", 10)).toEqual([]);
  });
});

describe("a call under way", () => {
  /** Two scans in a call, which the process did not see the end of. */
  function underWay(): { readonly attemptId: number; readonly storeId: string } {
    using core = preparedCore(storeSettings(directory.path), rosterOf(1, 2, 3));
    registerWith(core, 3, 0, "old", []);
    recordId(core, draftOf(1, 1));
    recordId(core, draftOf(2, 1));
    return { attemptId: claimSome(core).attemptId, storeId: core.storeId() };
  }
  const settlements = [2, 3].map((scanId) => registered(scanId));
  const ended = { ...report, endedAt: at(3) };

  test.each<[string, readonly number[], string]>([
    ["one of its scans", [3], ""],
    ["its record", [], "DELETE FROM attempts WHERE outcome IS NULL;"],
  ])("that lost %s is over, and what is left of it is in doubt", (_what, scans, beside) => {
    const { attemptId, storeId } = underWay();
    lose(scans, beside);
    using core = openCore(storeSettings(directory.path), log);
    expect(core.storeId()).not.toBe(storeId);
    expect(core.show(2)).toMatchObject({ state: "waiting", doubt: { outcome: "interrupted" } });
    expect(core.settle(attemptId, ended, settlements, storeId)).toBe("lost");
    expect(core.show(2)).toMatchObject({ state: "waiting", registrationId: null });
    expect(core.recoverInterrupted(at(4))).toBe(0);
    expect(claimSome(core).scans.map(({ scanId }) => scanId)).toContain(2);
  });

  test("that lost nothing is settled as if nothing had happened", () => {
    const { attemptId, storeId } = underWay();
    lose([]);
    using core = openCore(storeSettings(directory.path), log);
    expect(core.settle(attemptId, ended, settlements, storeId)).toBe("settled");
    expect(core.show(3)).toMatchObject({ state: "registered", registrationId: "r3", doubt: null });
  });

  test("has its answer given to no other call of a database that began anew, whatever their numbers", () => {
    const { attemptId, storeId } = underWay();
    using other = temporaryDirectory();
    using core = preparedCore(storeSettings(other.path), rosterOf(1, 2, 3));
    registerWith(core, 3, 0, "another", []);
    recordId(core, draftOf(1, 1));
    recordId(core, draftOf(2, 1));
    expect(claimSome(core)).toMatchObject({ attemptId, scans: [{ scanId: 2 }, { scanId: 3 }] });
    expect(core.settle(attemptId, ended, settlements, storeId)).toBe("lost");
    expect(core.show(2)).toMatchObject({ state: "sending", registrationId: null });
  });
});

test("a damaged row that names a scan far ahead does not carry the ids away", () => {
  using core = preparedCore(storeSettings(directory.path), rosterOf(1));
  recordId(core, draftOf(1, 0));
  const db = new Sqlite(join(directory.path, "badged.sqlite"));
  const speakOf = (id: number): number | null => {
    db.prepare("DELETE FROM follow_ups").run();
    db.prepare(
      "INSERT INTO follow_ups (id, registration_id, registered_ms, created_at, next_at) VALUES (?, 'x', 0, 0, 0)",
    ).run(id);
    return freeId(db);
  };
  expect(speakOf(1)).toBeNull();
  expect(speakOf(7)).toBe(8);
  expect(speakOf(1 + lostScansMax)).toBe(2 + lostScansMax);
  expect(speakOf(2 + lostScansMax)).toBeNull();
  db.close();
});
