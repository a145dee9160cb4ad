import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, test } from "vitest";
import { silentLog } from "../base/log.ts";
import { wallMs } from "../base/time.ts";
import { ManualTime } from "../testing/manual-time.ts";
import {
  dayMs,
  entryOf,
  noon,
  preparedCore,
  rosterOf,
  storeSettings,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import { quietMs } from "./checkpoint.ts";
import { Store } from "./store.ts";
import type { StoreCore } from "./store-core.ts";

const workers = Array.from({ length: 300 }, (_, index) => index + 1);
const numbers = workers.map((worker) => entryOf(worker).ssin);

/** How many of the national numbers stand in the files of a store, be it where SQLite no longer looks. */
function numbersIn(directory: string): number {
  const bytes = readdirSync(directory).map((name) => readFileSync(join(directory, name), "latin1"));
  return numbers.filter((number) => bytes.some((each) => each.includes(number))).length;
}

function eraseAll(core: StoreCore): void {
  core.replaceRoster([entryOf(1000)], "others", noon);
  while (core.eraseSlice(wallMs(noon + 100 * dayMs)).more) {
    // Slice by slice.
  }
}

test("a national number that was erased is in no file of the store, nor in the log behind its end", () => {
  using directory = temporaryDirectory();
  using core = preparedCore(storeSettings(directory.path), rosterOf(...workers));
  while (!core.lengthenLog()) {
    // Slice by slice.
  }
  expect(numbersIn(directory.path)).toBe(workers.length);
  eraseAll(core);
  core.checkpoint();
  expect(numbersIn(directory.path)).toBe(workers.length);
  expect(core.forgetErased()).toBe(true);
  expect(numbersIn(directory.path)).toBe(0);
});

test("the clean-up at night takes it out once nobody badges", async () => {
  using directory = temporaryDirectory();
  const time = new ManualTime(noon);
  await using store = await Store.open(storeSettings(directory.path), { time, log: silentLog });
  await store.replaceRoster(rosterOf(...workers), "fixture");
  await store.replaceRoster([entryOf(1000)], "others");
  expect(await store.maintain(wallMs(noon + 100 * dayMs))).toMatchObject({ workers: workers.length });
  expect(numbersIn(directory.path)).toBe(workers.length);
  await time.advance(quietMs);
  // Answered after what was asked before it.
  await store.summary();
  expect(numbersIn(directory.path)).toBe(0);
});

test("who reads from the log, or writes, is not waited for", () => {
  using directory = temporaryDirectory();
  using core = preparedCore(storeSettings(directory.path), rosterOf(...workers));
  const reader = new Sqlite(join(directory.path, "badged.sqlite"));
  reader.exec("BEGIN");
  expect(reader.prepare("SELECT count(*) FROM workers").pluck().get()).toBe(workers.length);
  eraseAll(core);
  expect(core.forgetErased()).toBe(false);
  expect(reader.prepare("SELECT count(*) FROM workers").pluck().get()).toBe(workers.length);
  reader.exec("COMMIT");
  reader.exec("BEGIN IMMEDIATE");
  expect(core.forgetErased()).toBe(false);
  reader.close();
  expect(core.forgetErased()).toBe(true);
  expect(numbersIn(directory.path)).toBe(0);
});
