import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  at,
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
import type { StoreCore } from "./store-core.ts";

const frameBytes = 24 + 4096;

const pageBytes = 4096;

let directory: TemporaryDirectory;
let file: string;

/** As a SIGKILL or a power cut leaves the files of a store that is open. */
function killed(core: StoreCore, change: (wal: Buffer) => void = () => {}): void {
  const [database, wal] = [readFileSync(file), readFileSync(`${file}-wal`)];
  core[Symbol.dispose]();
  change(wal);
  writeFileSync(file, database);
  writeFileSync(`${file}-wal`, wal, { mode: 0o600 });
}

beforeEach(() => {
  directory = temporaryDirectory();
  file = join(directory.path, "badged.sqlite");
  const core = preparedCore(storeSettings(directory.path), rosterOf(1, 2, 3));
  for (const worker of [1, 2]) recordId(core, draftOf(worker, worker));
  core.checkpoint();
  registerDue(core, at(100));
  for (const minutes of [200, 210, 220, 230, 240, 250, 260, 270]) recordId(core, draftOf(3, minutes));
  // A bad sector in the first commit after the checkpoint.
  killed(core, (wal) => wal.fill(0xa5, 32 + 2 * frameBytes + 500, 32 + 2 * frameBytes + 600));
});

afterEach(() => directory[Symbol.dispose]());

test("a command beside the daemon that has gone on works", () => {
  using daemon = openCore(storeSettings(directory.path));
  recordId(daemon, draftOf(1, 900));
  expect(() => openCore(storeSettings(directory.path, { mode: "visitor" }))[Symbol.dispose]()).not.toThrow();
});

test("a log whose damage was dealt with is not damaged anew at the next start", () => {
  const daemon = openCore(storeSettings(directory.path));
  const storeId = daemon.storeId();
  const fresh = recordId(daemon, draftOf(1, 900));
  expect(daemon.show(fresh)?.doubt).toBeNull();
  killed(daemon);

  const log = recordingLog();
  using again = openCore(storeSettings(directory.path), log);
  // Nothing was lost this time: the new scan is there, was never in a call, and is no possible duplicate.
  expect(again.show(fresh)).toMatchObject({ state: "waiting", attempts: 0 });
  expect({
    lines: log.lines.map(({ message }) => message),
    doubt: again.show(fresh)?.doubt,
    sameStore: again.storeId() === storeId,
    copies: readdirSync(directory.path).filter((name) => /corrupt-.*-wal$/.test(name)).length,
  }).toEqual({ lines: [], doubt: null, sameStore: true, copies: 1 });
});

test.each([
  ["header", 1],
  ["one of its pages", 12],
])("where the database lost its %s as well, what may have been sent is in doubt all the same", (_, page) => {
  const database = readFileSync(file);
  writeFileSync(file, database.fill(0xa5, (page - 1) * pageBytes, (page - 1) * pageBytes + 200));
  using again = openCore(storeSettings(directory.path));
  for (const registered of [1, 2]) {
    expect(again.show(registered)).toMatchObject({ state: "waiting", doubt: { outcome: "interrupted" } });
  }
});
