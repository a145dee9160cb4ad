import { closeSync, openSync, readdirSync, writeSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, test } from "vitest";
import {
  at,
  draftOf,
  openCore,
  preparedCore,
  recordingLog,
  registerDue,
  rosterOf,
  storeSettings,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import { applicationId } from "./connection.ts";
import { scans } from "./migrations/001-scans.ts";
import { clock } from "./migrations/002-clock.ts";
import { outages } from "./migrations/003-outages.ts";
import { evidence } from "./migrations/004-evidence.ts";
import { doubts } from "./migrations/005-doubts.ts";
import { workerKinds } from "./migrations/006-worker-kinds.ts";
import { remarks } from "./migrations/007-remarks.ts";

const all = [scans, clock, outages, evidence, doubts, workerKinds, remarks];
const count = 300;

/** A store as badged of that schema version left it, with scans that wait; the present one upgrades it. */
function upgraded(directory: string, version: number): void {
  const file = join(directory, "badged.sqlite");
  const db = new Sqlite(file);
  db.pragma("journal_mode = WAL");
  for (const sql of all.slice(0, version)) db.exec(sql);
  db.exec("INSERT INTO store (id, store_id) VALUES (1, 'before')");
  db.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${version}`);
  db.exec(`INSERT INTO work_sites (id, content) VALUES (1, '{"place":{"kind":"coordinates","latitude":51.05,"longitude":3.72},"declarationOfWorks":"1Y1003SQ5VSSZ"}');
    INSERT INTO workers (id, ssin) VALUES (1, '90000000001');
    INSERT INTO roster_entries (id, badge, worker_id, employer_kind, employer_number) VALUES (1, 'B1', 1, 'enterprise-number', '0566988259')`);
  const add =
    db.prepare(`INSERT INTO scans (id, reader_id, badge_raw, badge_number, work_site_id, direction_rule, boot_id,
    monotonic_ns, utc_ms, error_bound_ms, clock_state, capture_lag_ms, direction, roster_entry_id, worker_id, previous_id, state)
    VALUES (?, 'gate', 'raw', 'B1', 1, 'toggle', 'boot', ?, ?, 2.5, 'synchronised', 0.5, 'in', 1, 1, ?, 'waiting')`);
  for (let id = 1; id <= count; id += 1)
    add.run(id, id * 1e9, 1_780_000_000_000 + id * 60_000, id === 1 ? null : id - 1);
  db.exec(
    `UPDATE workers SET last_scan_id = ${count}; UPDATE scan_counts SET scans = ${count} WHERE state = 'waiting'`,
  );
  db.close();
  openCore(storeSettings(directory))[Symbol.dispose]();
}

function losesFirstPage(directory: string): void {
  const descriptor = openSync(join(directory, "badged.sqlite"), "r+");
  writeSync(descriptor, Buffer.alloc(4096), 0, 4096, 0);
  closeSync(descriptor);
}

test("a store that was made by this version keeps its scans when its first page is lost", () => {
  using directory = temporaryDirectory();
  {
    using core = preparedCore(storeSettings(directory.path), rosterOf(1));
    core.record(Array.from({ length: count }, (_, index) => draftOf(1, index * 10)));
  }
  losesFirstPage(directory.path);
  using core = openCore(storeSettings(directory.path));
  expect(core.summary().byState.waiting).toBe(count);
});

test.each([1, 3, 5, 7])("and so does one that was upgraded from version %d", (version) => {
  using directory = temporaryDirectory();
  upgraded(directory.path, version);
  {
    using core = openCore(storeSettings(directory.path));
    expect(core.summary().byState.waiting).toBe(count);
  }
  losesFirstPage(directory.path);
  const log = recordingLog();
  using core = openCore(storeSettings(directory.path), log);
  expect(readdirSync(directory.path).some((name) => name.includes(".corrupt-"))).toBe(true);
  expect(core.summary().byState.waiting).toBe(count);
});

test.each([5, 6])("and what is followed, in one that was upgraded from version %d", (version) => {
  using directory = temporaryDirectory();
  upgraded(directory.path, version);
  {
    using core = openCore(storeSettings(directory.path));
    for (let minutes = 0; minutes < 5; minutes += 1) registerDue(core, at(10_000 + minutes));
    expect(core.followUps.counts().followed).toBe(5);
  }
  losesFirstPage(directory.path);
  using core = openCore(storeSettings(directory.path));
  expect(core.summary().byState.registered).toBe(5);
  expect(core.followUps.counts().followed).toBe(5);
});
