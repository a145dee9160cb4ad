import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { exitCode, exitCodeOf, messageOf } from "../base/errors.ts";
import {
  at,
  draftOf,
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
import { schemaVersion } from "./schema.ts";

/** A copy of the store that is put back, older than what the service holds. */

let directory: TemporaryDirectory;
let file: string;
let copy: string;
let log: RecordingLog;

beforeEach(() => {
  directory = temporaryDirectory();
  file = join(directory.path, "badged.sqlite");
  copy = join(directory.path, "copy");
  log = recordingLog();
});
afterEach(() => directory[Symbol.dispose]());

/** systemd starts the daemon again after any other failure: this one waits for a person. */
function refusal(): { readonly told: string; readonly code: number } {
  try {
    openCore(storeSettings(directory.path), log)[Symbol.dispose]();
  } catch (error) {
    return { told: messageOf(error), code: exitCodeOf(error) };
  }
  throw new Error("the copy was taken over");
}

const messages = (): readonly string[] => log.lines.map(({ message }) => message);

/** Two scans, of which the first is registered; then a copy; then the second is registered too, and a third recorded. */
async function copied(way: "vacuum" | "backup"): Promise<string> {
  using core = preparedCore(storeSettings(directory.path), rosterOf(1, 2, 3));
  recordId(core, draftOf(1, 0));
  registerDue(core, at(1));
  recordId(core, draftOf(2, 2));
  const db = new Sqlite(file);
  if (way === "vacuum") db.prepare("VACUUM INTO ?").run(copy);
  else await db.backup(copy);
  db.close();
  registerDue(core, at(3));
  recordId(core, draftOf(3, 4));
  return core.storeId();
}

/** What the directory holds of the database, but for what every opening leaves there. */
function parts(): readonly string[] {
  return readdirSync(directory.path)
    .filter((name) => name.startsWith("badged.sqlite") && !/-wal$|-shm$|\.reserve$|\.schema-pages$/.test(name))
    .sort();
}

function moveStoreAway(): void {
  for (const name of readdirSync(directory.path).filter((each) => each.startsWith("badged.sqlite")))
    renameSync(join(directory.path, name), join(directory.path, `away-${name}`));
}

function expectDoubt(before: string): void {
  {
    using core = openCore(storeSettings(directory.path), log);
    expect(core.storeId()).not.toBe(before);
    expect(core.show(1)).toMatchObject({ state: "registered", doubt: null });
    expect(core.show(2)).toMatchObject({ state: "waiting", doubt: { outcome: "interrupted" } });
    expect(core.show(2)?.doubt?.detail).toContain("since the copy was made");
    expect(core.show(3)).toBe(null);
  }
  expect(log.lines.find(({ message }) => message.startsWith("a copy was taken over"))?.fields).toMatchObject({
    count: 1,
  });
  expect(parts()).toEqual(["badged.sqlite", "badged.sqlite.of-copy"]);
  const after = log.lines.length;
  using again = openCore(storeSettings(directory.path), log);
  expect(again.rows()).toBe(2);
  expect(log.lines.length).toBe(after);
}

test.each(["vacuum", "backup"] as const)("by %s is the store, and what waits in it is in doubt", async (way) => {
  const before = await copied(way);
  moveStoreAway();
  renameSync(copy, `${file}.restored`);
  expectDoubt(before);
});

test("that lies in the place of the store itself is known by its header, and a log of the other one is not its own", async () => {
  const before = await copied("vacuum");
  writeFileSync(`${file}-wal`, "what the store had not yet taken in");
  renameSync(copy, file);

  {
    using core = openCore(storeSettings(directory.path), log);
    expect(core.storeId()).not.toBe(before);
    expect(core.show(2)).toMatchObject({ state: "waiting", doubt: { outcome: "interrupted" } });
  }
  expect(messages()).toContain("a write-ahead log without its database was set aside");
  expect(messages()).not.toContain("the database was damaged, set aside and replaced");
});

test("is not taken over while there is a store, which goes on", async () => {
  const before = await copied("vacuum");
  renameSync(copy, `${file}.restored`);
  using core = openCore(storeSettings(directory.path), log);
  expect(core.storeId()).toBe(before);
  expect(core.rows()).toBe(3);
  expect(messages().at(-1)).toContain("was not taken over, for there is a store");
  expect(parts()).toEqual(["badged.sqlite", "badged.sqlite.restored"]);
});

test("that is damaged stays where it is, and no empty store takes its place", async () => {
  await copied("vacuum");
  moveStoreAway();
  const bytes = readFileSync(copy).fill(0x5a, 4096, 3 * 4096);
  writeFileSync(`${file}.restored`, bytes);
  expect(refusal()).toEqual({ told: expect.stringContaining("restored is damaged"), code: exitCode.configuration });
  expect(readFileSync(`${file}.restored`).equals(bytes)).toBe(true);
  expect(existsSync(file)).toBe(false);
});

test("of a newer badged is refused", async () => {
  await copied("vacuum");
  moveStoreAway();
  const db = new Sqlite(copy);
  db.pragma(`user_version = ${schemaVersion + 1}`);
  db.close();
  renameSync(copy, `${file}.restored`);
  expect(() => openCore(storeSettings(directory.path), log)).toThrow("newer than this badged's");
  expect(existsSync(file)).toBe(false);
});

test("that was refused is as it was", async () => {
  await copied("vacuum");
  moveStoreAway();
  const db = new Sqlite(copy);
  db.pragma(`user_version = ${schemaVersion + 1}`);
  db.close();
  const bytes = readFileSync(copy);
  renameSync(copy, file);
  expect(() => openCore(storeSettings(directory.path), log)).toThrow("newer than this badged's");
  expect(readFileSync(`${file}.restored`).equals(bytes)).toBe(true);
  expect(parts()).toEqual(["badged.sqlite.restored"]);
});

test("is no file of nothing, which a copy that found no room leaves", () => {
  writeFileSync(`${file}.restored`, "");
  expect(() => openCore(storeSettings(directory.path), log)).toThrow("badged.sqlite.restored is damaged");
  expect(readFileSync(`${file}.restored`)).toHaveLength(0);
});

test.each(["-wal", "-journal"])("takes nothing from the %s that another one left", async (suffix) => {
  const before = await copied("vacuum");
  moveStoreAway();
  const other = new Sqlite(join(directory.path, "other"));
  other.pragma(`journal_mode = ${suffix === "-wal" ? "WAL" : "DELETE"}`);
  other.exec("CREATE TABLE mine (row TEXT)");
  other.pragma("cache_size = 1");
  other.exec(
    "BEGIN; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 400) INSERT INTO mine SELECT hex(randomblob(500)) FROM n",
  );
  if (suffix === "-wal") other.exec("COMMIT");
  copyFileSync(join(directory.path, `other${suffix}`), `${file}.restored${suffix}`);
  other.close();
  renameSync(copy, `${file}.restored`);
  expectDoubt(before);
});

test("in the place of the store is not made a store by who only looks", async () => {
  const before = await copied("vacuum");
  moveStoreAway();
  renameSync(copy, file);
  expect(() => openCore(storeSettings(directory.path, { mode: "visitor" }), log)).toThrow("has not been taken over");
  expectDoubt(before);
});

test("in the place of the store beside another one is left to a person", async () => {
  await copied("vacuum");
  moveStoreAway();
  copyFileSync(copy, `${file}.restored`);
  renameSync(copy, file);
  expect(refusal()).toEqual({
    told: expect.stringContaining("two copies were put back"),
    code: exitCode.configuration,
  });
  expect(parts()).toEqual(["badged.sqlite", "badged.sqlite.restored"]);
});
