import { readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type WallMs, wallMs } from "../base/time.ts";
import {
  at,
  dayMs,
  draftOf,
  entryOf,
  noon,
  openCore,
  preparedCore,
  type RecordingLog,
  recordId,
  recordingLog,
  registerDue,
  rosterOf,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import { DatabaseFiles } from "./database-files.ts";
import { eraseSetAside, setAsideKeptMinMs } from "./set-aside.ts";

let directory: TemporaryDirectory;
let log: RecordingLog;
/** Of what is set aside at noon. */
let name: string;

beforeEach(() => {
  directory = temporaryDirectory();
  log = recordingLog();
  name = nameAt(noon);
});

afterEach(() => directory[Symbol.dispose]());

function nameAt(moment: WallMs): string {
  return new DatabaseFiles(directory.path).nameAside(moment).slice(directory.path.length + 1);
}

function put(...names: readonly string[]): void {
  for (const each of names) writeFileSync(join(directory.path, each), each);
}

function erase(now: WallMs, keepSettledMs: number = 7 * dayMs): Promise<void> {
  return eraseSetAside({ directory: directory.path, keepSettledMs }, now, log);
}

const files = (): readonly string[] => readdirSync(directory.path).toSorted();
const afterNoon = (ms: number): WallMs => wallMs(noon + ms);

test("a national number goes in its time from a database that was set aside as well", async () => {
  const file = join(directory.path, "badged.sqlite");
  {
    using core = preparedCore(storeSettings(directory.path), rosterOf(1, 2, 3));
    for (const worker of [2, 1, 3]) recordId(core, draftOf(worker, worker));
    registerDue(core, at(10));
    recordId(core, draftOf(3, 20));
  }
  truncateSync(file, readFileSync(file).length - 4096);
  const later = afterNoon(400 * dayMs);
  {
    using core = openCore(storeSettings(directory.path));
    core.replaceRoster(rosterOf(1, 3), "left", at(30));
    while (core.eraseSlice(later).more);
  }
  const holding = () => files().filter((each) => readFileSync(join(directory.path, each)).includes(entryOf(2).ssin));
  expect(holding()).toEqual([name]);
  await erase(later);
  expect(holding()).toEqual([]);
  expect(log.lines).toMatchObject([{ fields: { file: join(directory.path, name) } }]);
});

test("what was set aside is kept for 35 days, copies and logs alike, and nothing else ever goes", async () => {
  const aside = [name, `${name}-wal`, `${name}-2`, `${name}-3-wal`];
  const others = ["badged.sqlite", "badged.sqlite-wal", `${name}.zip`, "badged.sqlite.corrupt-copy", "last-summary"];
  put(...aside, ...others);
  await erase(afterNoon(setAsideKeptMinMs));
  expect(files()).toEqual([...aside, ...others].toSorted());
  await erase(afterNoon(setAsideKeptMinMs + 1));
  expect(files()).toEqual(others.toSorted());
  expect(log.lines).toHaveLength(aside.length);
});

test("it is kept for as long as settled scans where that is longer", async () => {
  put(name);
  await erase(afterNoon(90 * dayMs), 90 * dayMs);
  expect(files()).toEqual([name]);
  await erase(afterNoon(90 * dayMs + 1), 90 * dayMs);
  expect(files()).toEqual([]);
});

test("what a clock set aside that was years ahead goes 35 days after the truth was known, a database with its log", async () => {
  const ahead = nameAt(afterNoon(3650 * dayMs));
  put(ahead, `${ahead}-wal`);
  await erase(noon);
  expect(files()).toEqual([name, `${name}-wal`]);
  await erase(afterNoon(setAsideKeptMinMs + 1));
  expect(files()).toEqual([]);
});
