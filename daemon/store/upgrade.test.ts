import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { present } from "../base/assert.ts";
import { dayMs, noon, openCore, recordingLog, storeSettings, temporaryDirectory } from "../testing/store-fixture.ts";
import { applicationId } from "./connection.ts";
import { scans } from "./migrations/001-scans.ts";
import { clock } from "./migrations/002-clock.ts";
import { outages } from "./migrations/003-outages.ts";
import { evidence } from "./migrations/004-evidence.ts";
import { doubts } from "./migrations/005-doubts.ts";
import { workerKinds } from "./migrations/006-worker-kinds.ts";
import { remarks } from "./migrations/007-remarks.ts";
import { callCounts } from "./migrations/008-call-counts.ts";
import { lateDoubles } from "./migrations/009-late-doubles.ts";
import { badgesReadAgain } from "./migrations/010-badges-read-again.ts";

const untilRemarks = [scans, clock, outages, evidence, doubts, workerKinds, remarks];

/** A database as these migrations left it. */
function before(file: string, migrations: readonly string[], fill: (db: Sqlite.Database) => void): void {
  const db = new Sqlite(file);
  db.pragma("journal_mode = WAL");
  for (const sql of migrations) db.exec(sql);
  db.exec("INSERT INTO store (id, store_id) VALUES (1, 'before')");
  db.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${migrations.length}`);
  fill(db);
  db.close();
}

test("a log from before goes on, line for line, and nothing that was kept can be changed", () => {
  using directory = temporaryDirectory();
  const file = join(directory.path, "badged.sqlite");
  before(file, untilRemarks, (db) => {
    const add = db.prepare("INSERT INTO evidence_records (id, kind, erasable_at, line) VALUES (?, ?, ?, ?)");
    add.run(2 ** 40, "start", null, '{"kind":"start"}');
    add.run(2 ** 40 + 1, null, 5, '{"kind":"sample"}');
    db.exec("INSERT INTO evidence_checkpoints (id, note, roots) VALUES ((1 << 40) + 2, 'note', zeroblob(32))");
  });
  using core = openCore(storeSettings(directory.path));
  const batch = { epoch: 1, checkpoint: null, anchors: [], salts: [], erase: [] };
  const next = [{ kind: "start", line: '{"kind":"start","seq":2}', erasableAt: null }] as const;
  expect(core.evidence.commit({ ...batch, from: 2, records: next })).toBe("committed");
  expect(core.evidence.records(1, 0, 10)).toEqual([
    { kind: "whole", seq: 0, line: '{"kind":"start"}' },
    { kind: "whole", seq: 1, line: '{"kind":"sample"}' },
    { kind: "whole", seq: 2, line: '{"kind":"start","seq":2}' },
  ]);
  expect(core.evidence.lastOf("start")).toBe('{"kind":"start","seq":2}');
  const db = new Sqlite(file);
  expect(() => db.exec("UPDATE evidence_records SET line = 'x'")).toThrow("never changed");
  expect(() => db.exec("DELETE FROM evidence_records WHERE kind IS NULL")).toThrow("never deleted");
  db.close();
});

describe("doubles that were dated before are settled when they were made, and others stay as they are", () => {
  const yearsAhead = noon + 3650 * dayMs;

  function beforeDoubles(file: string): void {
    before(file, [...untilRemarks, callCounts, lateDoubles, badgesReadAgain], (db) => {
      db.exec("INSERT INTO work_sites (id, content) VALUES (1, '{}')");
      const add =
        db.prepare(`INSERT INTO scans (id, reader_id, badge_raw, badge_number, work_site_id, direction_rule, boot_id,
        monotonic_ns, utc_ms, error_bound_ms, clock_state, capture_lag_ms, state, reason, settled_at, dated_how,
        dated_utc_ms, dated_error_ms, dated_state, dated_sync_id)
      VALUES (?, 'gate', 'B1', 'B1', 1, 'in', 'boot', 1, ?, ?, ?, 0, 'double', 'double of scan 9', ?, ?, ?, ?, ?, ?)`);
      add.run(1, yearsAhead, null, "unsynchronised", yearsAhead, "retroactive", noon, 1, "synchronised", "s");
      add.run(2, noon, 1, "synchronised", noon, null, null, null, null, null);
      add.run(3, yearsAhead, null, "unsynchronised", yearsAhead, null, null, null, null, null);
    });
  }

  test("in a whole database", () => {
    using directory = temporaryDirectory();
    beforeDoubles(join(directory.path, "badged.sqlite"));
    using core = openCore(storeSettings(directory.path));
    expect([1, 2, 3].map((id) => core.show(id)?.settledAt)).toEqual([noon, noon, yearsAhead]);
  });

  test("in a damaged one that is replaced before it can be upgraded", () => {
    using directory = temporaryDirectory();
    const file = join(directory.path, "badged.sqlite");
    beforeDoubles(file);
    const db = new Sqlite(file, { readonly: true });
    const page = db.prepare<[], number>("SELECT rootpage FROM sqlite_schema WHERE name = 'scans_double'").pluck().get();
    db.close();
    const descriptor = openSync(file, "r+");
    writeSync(descriptor, Buffer.alloc(4096, 0xa5), 0, 4096, (present(page, "the index has a page") - 1) * 4096);
    closeSync(descriptor);
    const log = recordingLog();
    using core = openCore(storeSettings(directory.path), log);
    expect(log.lines.map(({ message }) => message)).toContain("the database was damaged, set aside and replaced");
    expect([1, 2, 3].map((id) => core.show(id)?.settledAt)).toEqual([noon, noon, yearsAhead]);
  });
});
