import { closeSync, openSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { silentLog } from "../base/log.ts";
import { systemTime } from "../base/system-time.ts";
import type { RosterStore } from "../scan/roster.ts";
import { rosterFileMaxBytes } from "../scan/roster-file.ts";
import { Store } from "../store/store.ts";
import {
  draftOf,
  recordingLog,
  site,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import { importRosterAtStart, rosterLater } from "./roster-at-start.ts";

let directory: TemporaryDirectory;
let file: string;
beforeEach(() => {
  directory = temporaryDirectory();
  file = join(directory.path, "roster.csv");
});
afterEach(() => directory[Symbol.dispose]());

/** Of each import how many badges it had, and what the log was told. */
async function startedWith(
  text: string,
  failure: Error | null = null,
): Promise<{ readonly imports: readonly number[]; readonly said: string; readonly outcome: string }> {
  writeFileSync(file, text);
  const imports: number[] = [];
  const change = { added: 0, changed: 0, removed: 0, unchanged: 0, handedOn: 0 };
  const store: RosterStore = {
    planRoster: async () => change,
    replaceRoster: async (entries) => {
      if (failure !== null) throw failure;
      imports.push(entries.length);
      return change;
    },
    rosterFingerprint: async () => "another one",
  };
  const log = recordingLog();
  const outcome = await importRosterAtStart({ file, badgeForm: "hex" }, store, log);
  return { imports, outcome, said: JSON.stringify(log.lines) };
}

test("a roster is imported when its file is another one", async () => {
  const { imports } = await startedWith("badge,ssin,employer\n010063E9AE,93051822361,0566988259\n");
  expect(imports).toEqual([1]);
});

test.each([
  ["a header alone", "badge,ssin,employer\n"],
  ["nothing at all", ""],
  ["a wrong row", "badge,ssin,employer\n010063E9AE,1,0566988259\n"],
])("%s takes nobody out: the roster in force stays, and the log says so", async (_name, text) => {
  const { imports, said } = await startedWith(text);
  expect(imports).toEqual([]);
  expect(said).toContain("the one in force stays");
});

test("a file that no memory holds is not read: the roster in force stays, and badged starts", async () => {
  writeFileSync(file, "badge,ssin,employer\n");
  truncateSync(file, 3_000_000_000);
  const log = recordingLog();
  const store: RosterStore = {
    planRoster: () => Promise.reject(new Error("not asked for")),
    replaceRoster: () => Promise.reject(new Error("not asked for")),
    rosterFingerprint: async () => "another one",
  };
  expect(await importRosterAtStart({ file, badgeForm: "hex" }, store, log)).toBe("settled");
  truncateSync(file, rosterFileMaxBytes + 1);
  expect(await importRosterAtStart({ file, badgeForm: "hex" }, store, log)).toBe("settled");
  const message = "roster unreadable, the one in force stays";
  expect(log.lines).toMatchObject([
    { message, fields: { detail: "it has 3000 MB, and a roster has at most 16: see that it is the right file" } },
    { message, fields: { detail: "it has 17 MB, and a roster has at most 16: see that it is the right file" } },
  ]);
});

test("a roster that its disk does not give is tried again at night", async () => {
  // The first page of a process's memory: the system itself answers EIO.
  const log = recordingLog();
  const store: RosterStore = {
    planRoster: () => Promise.reject(new Error("not asked for")),
    replaceRoster: () => Promise.reject(new Error("not asked for")),
    rosterFingerprint: async () => "another one",
  };
  expect(await importRosterAtStart({ file: "/proc/self/mem", badgeForm: "hex" }, store, log)).toBe("later");
  expect(log.lines).toMatchObject([{ fields: { detail: expect.stringContaining("EIO") } }]);
});

test("a full disk keeps the new roster out, and not badged from starting", async () => {
  const roster = "badge,ssin,employer\n010063E9AE,93051822361,0566988259\n";
  const { imports, said, outcome } = await startedWith(roster, new Error("database or disk is full"));
  expect(imports).toEqual([]);
  expect(outcome).toBe("later");
  expect(said).toContain("the one in force stays");
  expect(said).toContain("disk is full");
});

describe("while badged runs", () => {
  const inForce = { rosterFingerprint: async () => "in force" };

  test("a roster that found no room is tried after each clean-up until it is in, and one that was settled is not", async () => {
    const outcomes: ("settled" | "later")[] = ["later", "settled", "later"];
    const again = async (): Promise<"settled" | "later"> => outcomes.shift() ?? "later";
    const waiting = rosterLater("later", again, inForce, silentLog);
    for (let night = 0; night < 4; night += 1) await waiting.maintain();
    expect(outcomes).toEqual(["later"]);
    await rosterLater("settled", again, inForce, silentLog).maintain();
    expect(outcomes).toEqual(["later"]);
  });

  test("a database that opens again and cannot be asked is told of, and stops nobody", async () => {
    const log = recordingLog();
    const rosterFingerprint = (): Promise<string | null> => Promise.reject(new Error("disk I/O error"));
    await rosterLater("settled", async () => "settled", { rosterFingerprint }, log).reopened();
    expect(log.lines).toMatchObject([{ fields: { detail: "disk I/O error" } }]);
  });

  test.each([
    ["at once, where the store tells of it", true],
    ["by the next clean-up, where it does not", false],
  ])("a roster that is lost with a damaged database is in force again %s", async (_name, isTold) => {
    writeFileSync(file, "badge,ssin,employer\n0063E9AE,85073003328,0566988259\n");
    const told = Promise.withResolvers<void>();
    const reopened = async (): Promise<void> => (isTold ? later.reopened() : undefined);
    const onReopened = (): void => void reopened().then(told.resolve, told.reject);
    const ports = { time: systemTime, log: recordingLog(), onReopened };
    await using store = await Store.open(storeSettings(directory.path), ports);
    const workSiteId = await store.internWorkSite(site);
    const again = () => importRosterAtStart({ file, badgeForm: "hex" }, store, silentLog);
    const later = rosterLater(await again(), again, store, silentLog);
    const scan = (minutes: number) =>
      store.record({ ...draftOf(1, minutes, { workSiteId }), badge: { raw: "0063E9AE", number: "0063E9AE" } });
    expect((await scan(0)).kind).toBe("recorded");

    loseTheRoster();
    await scan(100);
    await told.promise;
    if (!isTold) {
      expect((await scan(200)).kind).toBe("unknown-badge");
      await later.maintain();
    }
    expect((await scan(300)).kind).toBe("recorded");
    expect(ports.log.lines.map(({ message }) => message)).toContain("the database was damaged, set aside and replaced");
  });
});

/** Damages the one page of the roster. */
function loseTheRoster(): void {
  const database = join(directory.path, "badged.sqlite");
  const db = new Sqlite(database);
  const page = db.prepare<[], number>("SELECT pageno FROM dbstat WHERE name = 'roster_entries'").pluck().get() ?? 1;
  // A commit of another process empties the cache of the store's connection, which sees the damage then.
  db.exec("UPDATE store SET checkpoints = checkpoints + 1");
  db.pragma("wal_checkpoint(TRUNCATE)");
  db.close();
  const descriptor = openSync(database, "r+");
  writeSync(descriptor, Buffer.alloc(4096, 0xa5), 0, 4096, (page - 1) * 4096);
  closeSync(descriptor);
}
