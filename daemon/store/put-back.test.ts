import { readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ManualTime } from "../testing/manual-time.ts";
import {
  draftOf,
  noon,
  openCore,
  preparedCore,
  type RecordingLog,
  recordingLog,
  rosterOf,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import { DatabaseFiles } from "./database-files.ts";
import { packDrafts, unpackOutcomes } from "./draft-pack.ts";
import { putBack } from "./put-back.ts";
import { putBackAgainMs, StoreKeeper } from "./store-keeper.ts";
import type { StoreSettings } from "./store-settings.ts";

const told = "the database was taken from its place while it was open, and put back";
const notNow =
  "the database was taken from its place while it is open, and cannot be put back: a restart would lose it";

let directory: TemporaryDirectory;
let settings: StoreSettings;
let log: RecordingLog;

beforeEach(() => {
  directory = temporaryDirectory();
  settings = storeSettings(directory.path);
  log = recordingLog();
  using core = preparedCore(settings, rosterOf(1));
  core.record([draftOf(1, 0)]);
});

afterEach(() => {
  rmSync(away(), { recursive: true, force: true });
  directory[Symbol.dispose]();
});

const file = (): string => join(directory.path, "badged.sqlite");
const away = (): string => `${directory.path}-away`;
const copy = (): string => join(directory.path, "copy");

/** As somebody makes one to put it back. */
function makeCopy(): void {
  const db = new Sqlite(file(), { readonly: true });
  db.prepare("VACUUM INTO ?").run(copy());
  db.close();
}

function recordAt(keeper: StoreKeeper, minutes: number): string | undefined {
  return unpackOutcomes(keeper.record(packDrafts([draftOf(1, minutes)])))[0]?.kind;
}

const messages = (): readonly string[] => log.lines.map(({ message }) => message);

test.each<[what: string, take: () => void, setAside: number]>([
  ["deleted", () => ["", "-wal", "-shm"].map((suffix) => rmSync(file() + suffix)), 0],
  ["deleted and leaves its log behind", () => rmSync(file()), 0],
  ["robbed of its log", () => rmSync(`${file()}-wal`), 1],
  ["robbed of the memory that it shares", () => rmSync(`${file()}-shm`), 1],
  ["replaced by an older copy", () => renameSync(copy(), file()), 1],
  ["moved away with its folder", () => renameSync(directory.path, away()), 0],
])("a database that is %s while it is open is put back, with all that was accepted", (_what, take, setAside) => {
  makeCopy();
  {
    using keeper = new StoreKeeper(settings, log, new ManualTime());
    expect(recordAt(keeper, 10)).toBe("recorded");
    const { storeId } = keeper.gauges();
    take();
    expect(recordAt(keeper, 20)).toBe("recorded");
    expect(recordAt(keeper, 30)).toBe("recorded");
    expect(keeper.gauges()).toMatchObject({ rows: 4, storeId });
  }
  expect(messages().filter((message) => message === told)).toHaveLength(1);
  expect(readdirSync(directory.path).filter((name) => /\.corrupt-[^-]+$/.test(name))).toHaveLength(setAside);
  using again = new StoreKeeper(settings, log, new ManualTime());
  expect(again.gauges().rows).toBe(4);
});

test.each<[when: string, goBack: (files: DatabaseFiles) => void]>([
  ["had its place", () => {}],
  ["was finished, and had none", ({ file: inPlace }) => renameSync(inPlace, `${inPlace}.new`)],
])("a daemon that is killed when what it put back %s finds its own store at the next start", (_when, goBack) => {
  const core = openCore(settings);
  const id = core.storeId();
  ["", "-wal", "-shm"].map((suffix) => rmSync(file() + suffix));
  putBack(core, directory.path, { log, now: noon });
  goBack(new DatabaseFiles(directory.path));
  using again = new StoreKeeper(settings, log, new ManualTime());
  expect(again.gauges()).toMatchObject({ rows: 1, storeId: id });
  expect(messages()).toEqual([told]);
});

test("another store that takes its place is left as it is, and what was open is beside it at the end", () => {
  const other = `${directory.path}-other`;
  const time = new ManualTime();
  try {
    preparedCore(storeSettings(other), rosterOf(2))[Symbol.dispose]();
    {
      using keeper = new StoreKeeper(settings, log, time);
      renameSync(directory.path, away());
      renameSync(other, directory.path);
      expect(recordAt(keeper, 10)).toBe("recorded");
      expect(recordAt(keeper, 20)).toBe("recorded");
      expect(messages()).toEqual([expect.stringMatching(/^another store stands in the place/)]);
    }
    const [beside] = readdirSync(directory.path).filter((name) => /\.corrupt-[^-]+$/.test(name));
    expect(log.lines.at(-1)).toMatchObject({ fields: { beside: join(directory.path, beside ?? "") } });
    const left = new Sqlite(join(directory.path, beside ?? ""), { readonly: true });
    expect(left.prepare("SELECT count(*) FROM scans").pluck().get()).toBe(3);
    left.close();
    using again = new StoreKeeper(settings, log, time);
    expect(again.gauges().rows).toBe(0);
  } finally {
    rmSync(other, { recursive: true, force: true });
  }
});

test("nothing is accepted into a database that was taken from its place and cannot be put back", () => {
  using keeper = new StoreKeeper(settings, log, new ManualTime());
  renameSync(directory.path, away());
  writeFileSync(directory.path, "");
  expect(recordAt(keeper, 10)).toBe("not-recorded");
  rmSync(directory.path);
  renameSync(away(), directory.path);
  expect(recordAt(keeper, 20)).toBe("recorded");
  expect(messages()).not.toContain(told);
});

test("where it cannot be put back that is told, and tried again after a while", async () => {
  const time = new ManualTime();
  using keeper = new StoreKeeper(settings, log, time);
  renameSync(directory.path, away());
  writeFileSync(directory.path, "");
  expect([10, 20, 30].map((minutes) => recordAt(keeper, minutes))).toEqual(Array(3).fill("not-recorded"));
  expect(messages()).toEqual([notNow]);
  rmSync(directory.path);
  expect(recordAt(keeper, 40)).toBe("not-recorded");
  await time.advance(putBackAgainMs);
  expect(recordAt(keeper, 50)).toBe("recorded");
  expect(messages()).toEqual([notNow, told]);
});

test("one that could not be put back is when the daemon ends", () => {
  {
    using keeper = new StoreKeeper(settings, log, new ManualTime());
    renameSync(directory.path, away());
    writeFileSync(directory.path, "");
    expect(recordAt(keeper, 10)).toBe("not-recorded");
    rmSync(directory.path);
  }
  expect(messages()).toEqual([notNow, told]);
  using again = new StoreKeeper(settings, log, new ManualTime());
  expect(again.gauges().rows).toBe(1);
});

test("a visitor puts nothing back", () => {
  using keeper = new StoreKeeper({ ...settings, mode: "visitor" }, log, new ManualTime());
  rmSync(file());
  expect(keeper.call("core", "summary", [1])).toMatchObject({ rows: 1 });
  expect(readdirSync(directory.path)).not.toContain("badged.sqlite");
});
