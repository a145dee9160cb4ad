import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, test } from "vitest";
import {
  draftOf,
  openCore,
  preparedCore,
  recordId,
  recordOne,
  rosterOf,
  storeSettings,
  temporaryDirectory,
} from "../testing/store-fixture.ts";

/** Does `change` while an index is out of sight: its pages are then as a disk leaves them that lost their last writes. */
function missedBy(file: string, index: string, change: string): void {
  const db = new Sqlite(file);
  db.unsafeMode(true);
  db.pragma("writable_schema = ON");
  const row = db
    .prepare<[string], unknown[]>("SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema WHERE name = ?")
    .raw()
    .get(index);
  db.prepare("DELETE FROM sqlite_schema WHERE name = ?").run(index);
  db.pragma("writable_schema = RESET");
  db.exec(change);
  db.pragma("writable_schema = ON");
  db.prepare("INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) VALUES (?, ?, ?, ?, ?)").run(row);
  db.pragma("writable_schema = RESET");
  db.close();
}

function isFound(directory: string): boolean {
  using core = openCore(storeSettings(directory));
  try {
    for (;;) if (core.scrubSlice() !== "more") return false;
  } catch {
    return true;
  }
}

const copy = `INSERT INTO scans (reader_id, badge_raw, badge_number, work_site_id, direction_rule, boot_id, monotonic_ns, utc_ms,
  error_bound_ms, clock_state, capture_lag_ms, direction, roster_entry_id, worker_id, previous_id, state)
  SELECT reader_id, badge_raw, badge_number, work_site_id, direction_rule, boot_id, monotonic_ns + 1, utc_ms, NULL,
  'unsynchronised', capture_lag_ms, direction, roster_entry_id, worker_id, id, 'waiting' FROM scans ORDER BY id DESC LIMIT 1;
  UPDATE scan_counts SET scans = scans + 1 WHERE state = 'waiting'`;

test("the scrub sees an index of waiting scans that lost a write", () => {
  using directory = temporaryDirectory();
  {
    using core = preparedCore(storeSettings(directory.path), rosterOf(1));
    recordId(core, draftOf(1, 0));
  }
  missedBy(join(directory.path, "badged.sqlite"), "scans_waiting", copy);
  expect(isFound(directory.path)).toBe(true);
});

test("and the index from which scans get their time: one that is missing there would wait for ever", () => {
  using directory = temporaryDirectory();
  {
    using core = preparedCore(storeSettings(directory.path), rosterOf(1));
    recordId(core, draftOf(1, 0));
  }
  missedBy(join(directory.path, "badged.sqlite"), "scans_undated", copy);
  expect(isFound(directory.path)).toBe(true);
});

test("and the index of doubts: a scan in doubt that is missing there is never looked for", () => {
  using directory = temporaryDirectory();
  {
    using core = preparedCore(storeSettings(directory.path), rosterOf(1));
    recordId(core, draftOf(1, 0));
  }
  missedBy(
    join(directory.path, "badged.sqlite"),
    "scans_doubt_open",
    `INSERT INTO attempts (trace_id, scans, started_at, ended_at, outcome) VALUES ('t', 1, 1, 2, 'timed-out');
    UPDATE scans SET doubt_since = 2, doubt_attempt_id = 1, attempt_id = 1`,
  );
  expect(isFound(directory.path)).toBe(true);
});

test("and the roster's index: a badge that is missing there is a stranger's", () => {
  using directory = temporaryDirectory();
  {
    using core = preparedCore(storeSettings(directory.path), rosterOf(1));
    recordId(core, draftOf(1, 0));
  }
  missedBy(
    join(directory.path, "badged.sqlite"),
    "roster_in_force",
    `INSERT INTO workers (id, ssin) VALUES (2, '90000000002');
    INSERT INTO roster_entries (badge, worker_id, employer_kind, employer_number) VALUES ('B2', 2, 'enterprise-number', '1')`,
  );
  {
    using core = openCore(storeSettings(directory.path));
    expect(recordOne(core, draftOf(2, 10)).kind).toBe("unknown-badge");
  }
  expect(isFound(directory.path)).toBe(true);
});
