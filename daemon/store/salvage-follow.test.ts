import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, test } from "vitest";
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
  temporaryDirectory,
} from "../testing/store-fixture.ts";

test("a pending registration is followed on when the page with its following is lost", () => {
  using directory = temporaryDirectory();
  const file = join(directory.path, "badged.sqlite");
  {
    using core = preparedCore(storeSettings(directory.path), rosterOf(1));
    recordId(core, draftOf(1, 0));
    registerDue(core, at(1));
    expect(core.followUps.counts().followed).toBe(1);
  }
  const db = new Sqlite(file, { readonly: true });
  const page = db.prepare<[], number>("SELECT pageno FROM dbstat WHERE name = 'follow_ups'").pluck().get() ?? 0;
  db.close();
  const descriptor = openSync(file, "r+");
  writeSync(descriptor, Buffer.alloc(4096, 0xa5), 0, 4096, (page - 1) * 4096);
  closeSync(descriptor);
  const log = recordingLog();
  using core = openCore(storeSettings(directory.path), log);
  expect(log.lines.map((line) => line.message)).toContain("the database was damaged, set aside and replaced");
  expect(core.summary().byState.registered).toBe(1);
  expect(core.followUps.counts().followed).toBe(1);
});
