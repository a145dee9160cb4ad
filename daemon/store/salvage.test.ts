import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { seededRandom } from "../base/random.ts";
import type { ArchivedScan } from "../scan/archive.ts";
import {
  at,
  claimSome,
  draftOf,
  noon,
  openCore,
  preparedCore,
  type RecordingLog,
  recordId,
  recordingLog,
  registerDue,
  rosterOf,
  site,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import { wholeCheckMaxBytes } from "./integrity.ts";
import type { StoreCore } from "./store-core.ts";

/** Damaged databases: set aside, salvaged, started anew, and never a loop. */

const pageBytes = 4096;
const scansStored = 600;
const replaced = "the database was damaged, set aside and replaced";

let directory: TemporaryDirectory;
let file: string;
let log: RecordingLog;

beforeEach(() => {
  directory = temporaryDirectory();
  file = join(directory.path, "badged.sqlite");
  log = recordingLog();
});

afterEach(() => directory[Symbol.dispose]());

const setAside = (): readonly string[] => readdirSync(directory.path).filter((name) => name.includes(".corrupt-"));

function scansOf(core: StoreCore): readonly ArchivedScan[] {
  const filter = { states: [], readerId: null, from: null, to: null, doubtfulOnly: false, limit: 10_000 } as const;
  return core.list(filter);
}

/** Scans in every state but a double's, closed, all of it in the database file. */
function fill(): readonly ArchivedScan[] {
  using core = preparedCore(storeSettings(directory.path), rosterOf(1, 2, 3));
  core.record(Array.from({ length: scansStored - 100 }, (_, index) => draftOf(1 + (index % 3), index * 10)));
  for (let round = 0; round < 50; round += 1) registerDue(core, at(6000 + round));
  claimSome(core);
  core.recoverInterrupted(at(7000));
  claimSome(core, { limit: 2 });
  core.record(Array.from({ length: 100 }, (_, index) => draftOf(50 + index, 8000 + index * 10)));
  return scansOf(core);
}

function damage(offset: number, bytes: Buffer): void {
  const descriptor = openSync(file, "r+");
  writeSync(descriptor, bytes, 0, bytes.length, offset);
  closeSync(descriptor);
}

function noise(length: number): Buffer {
  const random = seededRandom(length);
  return Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
}

/** The pages of a table or index, by what SQLite itself says. */
function pagesOf(name: string): readonly number[] {
  const db = new Sqlite(file, { readonly: true });
  try {
    return db.prepare<[string], number>("SELECT pageno FROM dbstat WHERE name = ? ORDER BY pageno").pluck().all(name);
  } finally {
    db.close();
  }
}

const offsetOf = (page: number | undefined): number => ((page ?? 1) - 1) * pageBytes;

/** Opens the damaged store, records in it, and opens it once more, which must find nothing wrong any more. */
function reopen(): readonly ArchivedScan[] {
  let scans: readonly ArchivedScan[];
  {
    using core = openCore(storeSettings(directory.path), log);
    scans = scansOf(core);
    const workSiteId = core.internWorkSite(site);
    expect(core.record([draftOf(1, 90_000, { workSiteId })])[0]?.kind).not.toBe("not-recorded");
    expect(core.summary().rows).toBe(scans.length + 1);
    while (core.scrubSlice() === "more");
  }
  const found = setAside().length;
  using again = openCore(storeSettings(directory.path), log);
  expect(again.rows()).toBe(scans.length + 1);
  expect(setAside().length).toBe(found);
  return scans;
}

const stampsOf = (scans: readonly ArchivedScan[]): ReadonlyMap<number, unknown> =>
  new Map(scans.map((scan) => [scan.scanId, scan.stamp]));

/** Every scan that was carried over is one that was there, with the stamp it had. */
function expectNothingInvented(before: readonly ArchivedScan[], after: readonly ArchivedScan[]): void {
  const stamps = stampsOf(before);
  for (const scan of after) expect(scan.stamp).toEqual(stamps.get(scan.scanId));
}

describe("everything is carried over when", () => {
  test.each<[string, () => void]>([
    ["the first bytes are not SQLite's", () => damage(0, noise(16))],
    ["the whole header is noise", () => damage(0, noise(100))],
    ["the whole first page is noise", () => damage(0, noise(pageBytes))],
    ["the version for writing is flipped", () => damage(18, Buffer.from([0xf2]))],
    ["the version for reading is flipped", () => damage(19, Buffer.from([0xf2]))],
    ["the page size is flipped", () => damage(16, Buffer.from([0x20, 0]))],
    ["an index of waiting scans is noise", () => damage(offsetOf(pagesOf("scans_waiting")[0]), noise(pageBytes))],
    ["the counts are noise", () => damage(offsetOf(pagesOf("scan_counts")[0]), noise(pageBytes))],
  ])("%s", (_what, hurt) => {
    const before = fill();
    hurt();
    expect(reopen()).toEqual(before);
    expect(setAside()).toHaveLength(1);
    expect(log.lines.filter((line) => line.message === replaced)).toHaveLength(1);
    expect(log.lines.find((line) => line.message === replaced)?.fields).toMatchObject({
      setAside: join(directory.path, setAside()[0] ?? ""),
      salvaged: { scans: { kept: scansStored, refused: 0, gaps: 0 } },
    });
  });
});

describe("what reads is carried over when", () => {
  test.each<[string, () => void]>([
    ["a page of scans is noise", () => damage(offsetOf(pagesOf("scans")[5]), noise(pageBytes))],
    ["several pages of scans are zero", () => damage(offsetOf(pagesOf("scans")[5]), Buffer.alloc(3 * pageBytes))],
    ["the end is cut off", () => truncateSync(file, statSync(file).size - 3 * pageBytes)],
    ["the end is cut off in the middle of a page", () => truncateSync(file, statSync(file).size - 3 * pageBytes - 100)],
  ])("%s", (_what, hurt) => {
    const before = fill();
    hurt();
    const after = reopen();
    expect(setAside()).toHaveLength(1);
    expect(after.length).toBeGreaterThan(scansStored / 2);
    expect(after.length).toBeLessThan(scansStored);
    expectNothingInvented(before, after);
  });

  test("half of the file is gone", () => {
    const before = fill();
    truncateSync(file, Math.floor(statSync(file).size / pageBytes / 2) * pageBytes);
    expectNothingInvented(before, reopen());
    expect(setAside()).toHaveLength(1);
  });
});

describe("a new store is started when", () => {
  test.each<[string, () => void]>([
    ["the file is empty", () => truncateSync(file, 0)],
    ["the file is noise", () => writeFileSync(file, noise(20 * pageBytes))],
    ["the file is shorter than a header", () => truncateSync(file, 50)],
  ])("%s", (_what, hurt) => {
    fill();
    hurt();
    expect(reopen()).toEqual([]);
    expect(setAside()).toHaveLength(1);
  });
});

describe("the write-ahead log", () => {
  /** A store that was killed with commits in its log alone: its files as a power cut would leave them. */
  function killed(): void {
    const core = preparedCore(storeSettings(directory.path), rosterOf(1, 2, 3));
    core.checkpoint();
    for (let index = 0; index < 20; index += 1) recordId(core, draftOf(1, index * 10));
    const files = ["", "-wal"].map((suffix) => [suffix, readFileSync(file + suffix)] as const);
    core[Symbol.dispose]();
    for (const [suffix, bytes] of files) writeFileSync(file + suffix, bytes);
  }

  test("holds what was acknowledged", () => {
    killed();
    expect(reopen()).toHaveLength(20);
    expect(setAside()).toEqual([]);
  });

  test.each<[string, (wal: Buffer) => Buffer, number]>([
    ["noise", (wal) => noise(wal.length), 0],
    ["damaged in its header", (wal) => Buffer.concat([noise(32), wal.subarray(32)]), 0],
    ["damaged in the middle", (wal) => wal.fill(0xa5, wal.length / 2, wal.length / 2 + 100), 1],
  ])("is copied aside when it is %s, and the store opens", (_what, hurt, atLeast) => {
    killed();
    writeFileSync(`${file}-wal`, hurt(readFileSync(`${file}-wal`)));
    expect(reopen().length).toBeGreaterThanOrEqual(atLeast);
    expect(setAside()).toEqual([expect.stringMatching(/-wal$/)]);
    expect(log.lines.map((line) => line.message)).toContain(
      "the write-ahead log is damaged, the scans recorded last may be lost",
    );
  });
});

describe("what a scan has lost decides its state", () => {
  test("without its worker it is an unknown badge, and is sent once the roster is imported anew", () => {
    fill();
    damage(offsetOf(pagesOf("workers")[0]), noise(pageBytes));
    using core = openCore(storeSettings(directory.path), log);
    expect(core.summary().byState).toMatchObject({ sending: 0, waiting: 0 });
    expect(core.rosterFingerprint()).toBeNull();
    const direction = core.show(scansStored - 101)?.direction;
    expect(direction).not.toBeNull();
    core.recoverInterrupted(at(9000));
    core.replaceRoster(rosterOf(1, 2, 3), "anew", noon);
    while (core.resolveUnknown(200).more);
    expect(core.show(scansStored - 101)).toMatchObject({ state: "waiting", direction });
  });

  test("without its place of work it is withheld, and cannot be released", () => {
    const before = fill();
    damage(offsetOf(pagesOf("work_sites")[0]), noise(pageBytes));
    using core = openCore(storeSettings(directory.path), log);
    const unsent = before.filter((scan) => ["waiting", "sending", "unknown-badge"].includes(scan.state));
    expect(core.summary().byState.withheld).toBe(unsent.length);
    expect(core.release(unsent[0]?.scanId ?? 0, at(1))).toEqual({ kind: "not-releasable", state: "withheld" });
  });

  test.each([
    ["workers", "unknown-badge"],
    ["roster_entries", "unknown-badge"],
    ["work_sites", "withheld"],
  ])("under way, and without its row of %s, its doubt is open", (table, state) => {
    using first = preparedCore(storeSettings(directory.path), rosterOf(1, 2, 3));
    const scanId = recordId(first, draftOf(1, 0));
    claimSome(first);
    first[Symbol.dispose]();
    damage(offsetOf(pagesOf(table)[0]), noise(pageBytes));
    using core = openCore(storeSettings(directory.path), log);
    expect(core.show(scanId)).toMatchObject({ state, doubt: { outcome: "interrupted" } });
    core.recoverInterrupted(at(100));
    const workSiteId = core.internWorkSite(site);
    core.replaceRoster(rosterOf(1, 2, 3), "anew", noon);
    while (core.resolveUnknown(200).more);
    const later = recordId(core, draftOf(2, 200, { workSiteId }));
    const held = claimSome(core, { now: at(300), doubts: { kind: "hold" } });
    expect(held.scans.map((scan) => scan.scanId)).toEqual([later]);
    if (state === "unknown-badge") expect(core.backlog().oldestDoubt).not.toBeNull();
  });

  test("under way in a call that is over, it waits in open doubt, and others go on", () => {
    using first = preparedCore(storeSettings(directory.path), rosterOf(1, 2, 3));
    const scanId = recordId(first, draftOf(1, 0));
    const { attemptId } = claimSome(first);
    first[Symbol.dispose]();
    // The page of scans missed the write that settled it.
    const db = new Sqlite(file);
    db.prepare("UPDATE attempts SET outcome = 'answered', ended_at = ? WHERE id = ?").run(noon, attemptId);
    db.close();
    damage(offsetOf(pagesOf("scans_sending")[0]), noise(pageBytes));
    using core = openCore(storeSettings(directory.path), log);
    expect(core.show(scanId)).toMatchObject({ state: "waiting", doubt: { outcome: "answered" } });
    expect(core.recoverInterrupted(at(100))).toBe(0);
    const seek = { kind: "seek", endedBefore: at(100) } as const;
    expect(claimSome(core, { now: at(100), doubts: seek }).scans.map((scan) => scan.scanId)).toEqual([scanId]);
  });

  test("without the record of its call the doubt stays", () => {
    const doubtful = fill().filter((scan) => scan.doubt !== null);
    damage(offsetOf(pagesOf("attempts")[0]), noise(pageBytes));
    using core = openCore(storeSettings(directory.path), log);
    expect(doubtful.length).toBeGreaterThan(0);
    for (const { scanId } of doubtful) expect(core.show(scanId)?.doubt?.outcome).toBe("interrupted");
  });

  test("a store that lost scans has another id, for their numbers may be given again", () => {
    fill();
    const id = ((): string => {
      using core = openCore(storeSettings(directory.path), log);
      return core.storeId();
    })();
    damage(offsetOf(pagesOf("scans").at(-1)), noise(pageBytes));
    using core = openCore(storeSettings(directory.path), log);
    expect(core.storeId()).not.toBe(id);
  });

  test("the toggle goes on where it was", () => {
    fill();
    const before = ((): unknown => {
      using core = openCore(storeSettings(directory.path), log);
      return core.list({ states: ["waiting"], readerId: null, from: null, to: null, doubtfulOnly: false, limit: 3 });
    })() as readonly ArchivedScan[];
    const last = before.find((scan) => scan.badgeNumber === "B1");
    damage(0, noise(100));
    using core = openCore(storeSettings(directory.path), log);
    const [outcome] = core.record([draftOf(1, 5100)]);
    expect(outcome).toMatchObject({ direction: last?.direction === "in" ? "out" : "in" });
  });
});

test("a large database is not read whole at start, and its damage is found by the scrub", () => {
  {
    using core = preparedCore(storeSettings(directory.path), rosterOf(1, 2, 3));
    for (let index = 0; core.summary().databaseBytes < 2 * wholeCheckMaxBytes; index += 1) {
      core.record(Array.from({ length: 500 }, (_, each) => draftOf(1 + (each % 3), index * 5000 + each * 10)));
    }
  }
  const pages = pagesOf("scans");
  damage(offsetOf(pages[Math.floor(pages.length / 2)]), noise(pageBytes));
  using core = openCore(storeSettings(directory.path), log);
  expect(log.lines).toEqual([]);
  const scrubAll = (): void => {
    while (core.scrubSlice() === "more");
  };
  expect(scrubAll).toThrow(/malformed/);
});

test.each([-2, 5])("counts of scans that are wrong by %i are put right by the scrub, and claims go on", (by) => {
  {
    using first = preparedCore(storeSettings(directory.path), rosterOf(1, 2, 3));
    for (const worker of [1, 2, 3]) recordId(first, draftOf(worker, worker));
  }
  const db = new Sqlite(file);
  db.exec(`UPDATE scan_counts SET scans = scans + ${by} WHERE state = 'waiting'`);
  db.close();
  using core = openCore(storeSettings(directory.path), log);
  const steps = [];
  for (let step = core.scrubSlice(); ; step = core.scrubSlice()) {
    steps.push(step);
    if (step !== "more") break;
  }
  expect(steps.at(-1)).toBe("recounted");
  expect(core.scrubSlice()).toBe("read");
  expect(claimSome(core).scans).toHaveLength(3);
  expect(core.summary().byState).toMatchObject({ waiting: 0, sending: 3 });
  expect(setAside()).toEqual([]);
});
