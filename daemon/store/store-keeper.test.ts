import { closeSync, openSync, readdirSync, writeSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { present } from "../base/assert.ts";
import { ManualTime } from "../testing/manual-time.ts";
import {
  claimRequest,
  draftOf,
  preparedCore,
  type RecordingLog,
  recordingLog,
  rosterOf,
  site,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import { type PackedStep, unpackClaim } from "./call-pack.ts";
import { packDrafts, unpackOutcomes } from "./draft-pack.ts";
import { wholeCheckMaxBytes } from "./integrity.ts";
import { replacementsMax, StoreKeeper } from "./store-keeper.ts";

const pageBytes = 4096;
const replaced = "the database was damaged, set aside and replaced";

let directory: TemporaryDirectory;
let log: RecordingLog;

beforeEach(() => {
  directory = temporaryDirectory();
  log = recordingLog();
  using core = preparedCore(storeSettings(directory.path), rosterOf(1, 2, 3));
  // More than a connection keeps in its cache, so that damage on the disk is seen.
  for (let index = 0; core.summary().databaseBytes < 3 * wholeCheckMaxBytes; index += 1) {
    core.record(Array.from({ length: 500 }, (_, each) => draftOf(1 + (each % 3), index * 5000 + each * 10)));
  }
});

afterEach(() => directory[Symbol.dispose]());

/** Damages a page of scans while the store is open: a late one, which a look through all has driven out of its cache. */
function damageWhileOpen(): void {
  const file = join(directory.path, "badged.sqlite");
  const db = new Sqlite(file, { readonly: true });
  const pages = db
    .prepare<[], number>("SELECT pageno FROM dbstat WHERE name = 'scans' AND pagetype = 'leaf' ORDER BY pageno")
    .pluck()
    .all();
  db.close();
  const page = pages[Math.floor((pages.length * 7) / 8)] ?? 1;
  const descriptor = openSync(file, "r+");
  writeSync(descriptor, Buffer.alloc(pageBytes, 0xa5), 0, pageBytes, (page - 1) * pageBytes);
  closeSync(descriptor);
}

/** Looks through all scans for one that is not there. */
function readAll(keeper: StoreKeeper): void {
  const filter = { states: [], readerId: "nobody", from: null, to: null, doubtfulOnly: false, limit: 1 } as const;
  expect(keeper.call("core", "list", [filter])).toEqual([]);
}

const setAside = (): readonly string[] => readdirSync(directory.path).filter((name) => name.includes(".corrupt-"));

test("damage that shows while running is set aside and salvaged, and the call that met it is answered", () => {
  using keeper = new StoreKeeper(storeSettings(directory.path), log, new ManualTime());
  const rows = keeper.gauges().rows;
  const { storeId, opening } = keeper.gauges();
  damageWhileOpen();
  readAll(keeper);
  expect(log.lines.map((line) => line.message)).toEqual([replaced]);
  expect(setAside()).toHaveLength(1);
  expect(keeper.gauges().rows).toBeGreaterThan(rows - 100);
  expect(keeper.gauges().rows).toBeLessThan(rows);
  expect(keeper.gauges().storeId).not.toBe(storeId);
  expect(keeper.gauges().opening).not.toBe(opening);
  const [outcome] = unpackOutcomes(keeper.record(packDrafts([draftOf(1, 1e6)])));
  expect(outcome?.kind).toBe("recorded");
});

test("a disk that damages one database after the other ends in refusals, not in a loop", () => {
  using keeper = new StoreKeeper(storeSettings(directory.path), log, new ManualTime());
  for (let round = 0; round < replacementsMax; round += 1) {
    damageWhileOpen();
    readAll(keeper);
  }
  damageWhileOpen();
  expect(() => readAll(keeper)).toThrow(expect.objectContaining({ code: "corrupt" }));
  expect(setAside()).toHaveLength(replacementsMax);
});

test("a visitor leaves the damage to the daemon", () => {
  using keeper = new StoreKeeper(storeSettings(directory.path, { mode: "visitor" }), log, new ManualTime());
  damageWhileOpen();
  expect(() => readAll(keeper)).toThrow(expect.objectContaining({ code: "corrupt" }));
  expect(setAside()).toEqual([]);
});

/** Damages the one page of the places of work, which no statement has read yet. */
function loseThePlaces(): void {
  const file = join(directory.path, "badged.sqlite");
  const db = new Sqlite(file);
  const page =
    db.prepare<[], number>("SELECT rootpage FROM sqlite_schema WHERE name = 'work_sites'").pluck().get() ?? 1;
  db.exec("UPDATE store SET checkpoints = checkpoints + 1");
  db.pragma("wal_checkpoint(TRUNCATE)");
  db.close();
  const descriptor = openSync(file, "r+");
  writeSync(descriptor, Buffer.alloc(pageBytes, 0xa5), 0, pageBytes, (page - 1) * pageBytes);
  closeSync(descriptor);
}

test("readers go on with their places of work when the page that held them is lost", () => {
  using keeper = new StoreKeeper(storeSettings(directory.path), log, new ManualTime());
  const workSiteId = keeper.call("core", "internWorkSite", [site]) as number;
  const other = keeper.call("core", "internWorkSite", [{ ...site, declarationOfWorks: "1Y1003SQ5VSSX" }]) as number;
  loseThePlaces();
  keeper.call("core", "claimPacked", [claimRequest({ limit: 1 })]);
  expect(log.lines.map(({ message }) => message)).toContain(replaced);
  const drafts = [draftOf(1, 2_000_000, { workSiteId }), draftOf(2, 2_000_000, { workSiteId: other })];
  const outcomes = unpackOutcomes(keeper.record(packDrafts(drafts)));
  expect(outcomes.map(({ kind }) => kind)).toEqual(["recorded", "recorded"]);
  const { claim } = keeper.call("core", "claimPacked", [claimRequest()]) as PackedStep;
  const claimed = unpackClaim(present(claim, "what was recorded is due")).scans;
  expect(claimed.map(({ place }) => place)).toEqual([site.place, site.place]);
  expect(claimed[1]?.declarationOfWorks).toBe("1Y1003SQ5VSSX");
});

test("damage that shows only when the store prepares its work is set aside and salvaged at start", () => {
  const file = join(directory.path, "badged.sqlite");
  const db = new Sqlite(file, { readonly: true });
  const page =
    db.prepare<[], number>("SELECT rootpage FROM sqlite_schema WHERE name = 'remarks_once'").pluck().get() ?? 1;
  const scans = db.prepare<[], number>("SELECT count(*) FROM scans").pluck().get();
  db.close();
  const descriptor = openSync(file, "r+");
  writeSync(descriptor, Buffer.alloc(pageBytes, 0xa5), 0, pageBytes, (page - 1) * pageBytes);
  closeSync(descriptor);
  {
    using keeper = new StoreKeeper(storeSettings(directory.path), log, new ManualTime());
    expect(keeper.gauges().rows).toBe(scans);
  }
  expect(log.lines.map(({ message }) => message)).toEqual([replaced]);
  new StoreKeeper(storeSettings(directory.path), log, new ManualTime())[Symbol.dispose]();
  expect(setAside()).toHaveLength(1);
});
