import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  at,
  claimSome,
  draftOf,
  preparedCore,
  recordId,
  registerDue,
  rosterOf,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import type { StoreCore } from "./store-core.ts";

/** What the database itself refuses, whatever code or hand asks it to. */

let directory: TemporaryDirectory;
let core: StoreCore;
let db: Sqlite.Database;

beforeEach(() => {
  directory = temporaryDirectory();
  core = preparedCore(storeSettings(directory.path), rosterOf(1, 2));
  db = new Sqlite(join(directory.path, "badged.sqlite"));
});

afterEach(() => {
  db.close();
  core[Symbol.dispose]();
  directory[Symbol.dispose]();
});

const stampColumns = [
  "id",
  "reader_id",
  "badge_raw",
  "badge_number",
  "work_site_id",
  "direction_rule",
  "boot_id",
  "monotonic_ns",
  "utc_ms",
  "error_bound_ms",
  "clock_state",
  "capture_lag_ms",
];

test.each(stampColumns)("%s of a stored scan is final", (column) => {
  recordId(core, draftOf(1, 0));
  expect(() => db.exec(`UPDATE scans SET ${column} = ${column}`)).toThrow("the stamp of a scan is final");
});

test("a direction is decided once", () => {
  recordId(core, draftOf(1, 0));
  expect(() => db.exec("UPDATE scans SET direction = 'out'")).toThrow("final once decided");
  expect(() => db.exec("UPDATE scans SET direction = NULL")).toThrow("final once decided");
});

test("an unsent scan cannot be deleted", () => {
  recordId(core, draftOf(1, 0));
  recordId(core, draftOf(9, 1));
  recordId(core, draftOf(2, 2));
  for (const id of [1, 2]) expect(() => db.exec(`DELETE FROM scans WHERE id = ${id}`)).toThrow("never deleted");
});

test("the newest scan cannot be deleted, so that no id is given twice", () => {
  recordId(core, draftOf(1, 0));
  registerDue(core, at(1));
  expect(() => db.exec("DELETE FROM scans")).toThrow("the newest scan is never deleted");
});

test.each([
  ["waiting", "registered"],
  ["waiting", "refused"],
  ["waiting", "unknown-badge"],
  ["waiting", "double"],
])("a scan does not go from %s to %s", (_from, to) => {
  recordId(core, draftOf(1, 0));
  expect(() => db.exec(`UPDATE scans SET state = '${to}', settled_at = 1`)).toThrow("no such change of state");
});

test("a registered scan never waits again", () => {
  recordId(core, draftOf(1, 0));
  registerDue(core, at(1));
  expect(() => db.exec("UPDATE scans SET state = 'waiting'")).toThrow("no such change of state");
});

test("a doubt stays once raised", () => {
  recordId(core, draftOf(1, 0));
  claimSome(core);
  core.recoverInterrupted(at(2));
  expect(() => db.exec("UPDATE scans SET doubt_attempt_id = NULL")).toThrow("a doubt stays");
});

test("a roster entry in force cannot be deleted", () => {
  expect(() => db.exec("DELETE FROM roster_entries")).toThrow("in force is never deleted");
});

test.each(["dated_how", "dated_utc_ms", "dated_error_ms", "dated_state", "dated_sync_id"])(
  "%s of a scan that has its time is final",
  (column) => {
    recordId(core, draftOf(1, 0));
    expect(() => db.exec(`UPDATE scans SET ${column} = ${column}`)).toThrow("proven once");
  },
);

test("the synchronisation a stamp rests on is final", () => {
  recordId(core, draftOf(1, 0));
  expect(() => db.exec("UPDATE scans SET sync_id = 'another'")).toThrow("the stamp of a scan is final");
});

test("the history of the clock is never rewritten", () => {
  db.exec("INSERT INTO clock_events (boot_id, at_ns, recorded_at, kind, content) VALUES ('b', 1, 1, 'step', '{}')");
  db.exec(
    "INSERT INTO clock_syncs (sync_id, boot_id, at_ns, recorded_at, trusted, content) VALUES ('s', 'b', 1, 1, 0, '{}')",
  );
  for (const table of ["clock_events", "clock_syncs"]) {
    expect(() => db.exec(`UPDATE ${table} SET at_ns = 2`)).toThrow("never rewritten");
  }
});
