import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BadgedError } from "../base/errors.ts";
import {
  at,
  claimRequest,
  draftOf,
  openCore,
  preparedCore,
  recordId,
  recordingLog,
  registerDue,
  rosterOf,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";

const frameBytes = 24 + 4096;

let directory: TemporaryDirectory;
let storeId: string;

beforeEach(() => {
  directory = temporaryDirectory();
  const file = join(directory.path, "badged.sqlite");
  using core = preparedCore(storeSettings(directory.path), rosterOf(1, 2, 3));
  storeId = core.storeId();
  for (const worker of [1, 2]) recordId(core, draftOf(worker, worker));
  recordId(core, draftOf(9, 3));
  core.checkpoint();
  expect(registerDue(core, at(100))).toEqual([1, 2]);
  for (const minutes of [200, 210, 220]) recordId(core, draftOf(3, minutes));
  // As a SIGKILL leaves them, with a bad sector in the first commit after the checkpoint.
  const [database, wal] = [readFileSync(file), readFileSync(`${file}-wal`)];
  core[Symbol.dispose]();
  wal.fill(0xa5, 32 + 2 * frameBytes + 500, 32 + 2 * frameBytes + 600);
  writeFileSync(file, database);
  writeFileSync(`${file}-wal`, wal, { mode: 0o600 });
});

afterEach(() => directory[Symbol.dispose]());

test("what a lost call may have registered is in open doubt, and is searched for before it is sent again", () => {
  const log = recordingLog();
  using core = openCore(storeSettings(directory.path), log);
  expect(log.lines.map(({ message }) => message)).toEqual([
    "the write-ahead log is damaged, the scans recorded last may be lost",
    "scans that are not settled may have been sent by a call that was lost, and are in doubt",
  ]);
  core.recoverInterrupted(at(500));
  for (const scanId of [1, 2]) {
    expect(core.show(scanId)).toMatchObject({ state: "waiting", doubt: { outcome: "interrupted" } });
  }
  expect(core.claim(claimRequest({ now: at(500), doubts: { kind: "hold" } })).claim).toBeNull();
  const seek = claimRequest({ now: at(500), doubts: { kind: "seek", endedBefore: at(500) } });
  expect(core.claim(seek).claim?.scans.map(({ scanId }) => scanId)).toEqual([1, 2]);
  expect(core.show(3)).toMatchObject({ state: "unknown-badge", doubt: { outcome: "interrupted" } });
});

test("the numbers of lost scans are given again under another store's name", () => {
  using core = openCore(storeSettings(directory.path));
  expect(core.storeId()).not.toBe(storeId);
  expect(recordId(core, draftOf(1, 900))).toBe(4);
});

test("a command beside leaves the damaged log to the daemon, which keeps a copy", () => {
  const kept = (): readonly string[] => readdirSync(directory.path).filter((name) => /corrupt-.*-wal$/.test(name));
  expect(() => openCore(storeSettings(directory.path, { mode: "visitor" }))).toThrow(BadgedError);
  expect(kept()).toEqual([]);
  openCore(storeSettings(directory.path))[Symbol.dispose]();
  expect(kept()).toHaveLength(1);
  openCore(storeSettings(directory.path, { mode: "visitor" }))[Symbol.dispose]();
});
