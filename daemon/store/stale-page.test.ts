import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, test } from "vitest";
import type { Log } from "../base/log.ts";
import { wallMs } from "../base/time.ts";
import {
  at,
  claimRequest,
  draftOf,
  noon,
  openCore,
  preparedCore,
  recordId,
  recordingLog,
  registerDue,
  rosterOf,
  storeSettings,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import { replaceDamaged } from "./database.ts";
import { StoreCore } from "./store-core.ts";

const pageBytes = 4096;

function pagesOf(file: string, name: string): readonly number[] {
  const db = new Sqlite(file, { readonly: true });
  try {
    return db.prepare<[string], number>("SELECT pageno FROM dbstat WHERE name = ? ORDER BY pageno").pluck().all(name);
  } finally {
    db.close();
  }
}

function readPage(file: string, page: number): Buffer {
  const bytes = Buffer.alloc(pageBytes);
  const descriptor = openSync(file, "r");
  readSync(descriptor, bytes, 0, pageBytes, (page - 1) * pageBytes);
  closeSync(descriptor);
  return bytes;
}

function writePage(file: string, page: number, bytes: Buffer): void {
  const descriptor = openSync(file, "r+");
  writeSync(descriptor, bytes, 0, pageBytes, (page - 1) * pageBytes);
  closeSync(descriptor);
}

/** The scrub, and what the keeper does when it finds damage. */
function scrubbed(core: StoreCore, directory: string, log: Log): StoreCore {
  try {
    while (core.scrubSlice() === "more");
    return core;
  } catch (error) {
    core[Symbol.dispose]();
    return new StoreCore(replaceDamaged(directory, String(error), { log, now: at(100) }), storeSettings(directory));
  }
}

test("a registered scan whose page missed its last writes is not sent again as if it never had been", () => {
  using directory = temporaryDirectory();
  const file = join(directory.path, "badged.sqlite");
  let scanId: number;
  {
    using core = preparedCore(storeSettings(directory.path), rosterOf(1, 2, 3));
    scanId = recordId(core, draftOf(1, 0));
  }
  const pages = pagesOf(file, "scans");
  const old = pages.map((page) => [page, readPage(file, page)] as const);
  {
    using core = openCore(storeSettings(directory.path));
    expect(registerDue(core, at(1))).toEqual([scanId]);
  }
  // The card lost the last writes to the table's page, and to nothing else.
  for (const [page, bytes] of old) writePage(file, page, bytes);

  const log = recordingLog();
  using core = scrubbed(openCore(storeSettings(directory.path), log), directory.path, log);
  core.recoverInterrupted(wallMs(noon + 1));
  // The registration is known: it is followed under this very number.
  expect(core.followUps.counts().followed).toBe(1);
  const seeks = core.claim(claimRequest({ doubts: { kind: "hold" } }));
  const shown = core.show(scanId);
  // Either it is registered, or in doubt and held for a search; never handed out unmarked.
  expect({
    handedOut: seeks.claim?.scans.map((scan) => scan.scanId) ?? [],
    doubt: shown?.doubt !== null || shown.state === "registered",
  }).toEqual({
    handedOut: [],
    doubt: true,
  });
});
