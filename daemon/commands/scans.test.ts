import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { writeSite } from "../testing/campaign/site.ts";
import { fictionalSsin } from "../testing/fictional-worker.ts";
import {
  draftOf,
  noon,
  preparedCore,
  recordId,
  rosterOf,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import { listScans, showScan } from "./scans.ts";

let directory: TemporaryDirectory;
let config: string;
beforeEach(() => {
  directory = temporaryDirectory();
  config = writeSite(directory.path, 1, "http://127.0.0.1:9").configuration;
});
afterEach(() => directory[Symbol.dispose]());

async function told(show: (terminal: { out: (line: string) => void }) => Promise<unknown>): Promise<string> {
  const lines: string[] = [];
  await show({ out: (line) => void lines.push(line) });
  return lines.join("\n");
}

const shown = (scanId: number, json: boolean): Promise<string> =>
  told(({ out }) => showScan(scanId, config, json, { out, err: () => {}, interactive: false }));

test("a scan that a webhook refused says so, without a national number in the receiver's words", async () => {
  using core = preparedCore(storeSettings(join(directory.path, "store")), rosterOf(1));
  recordId(core, draftOf(1, 0));
  core.advanceWebhook("payroll", 1, { scanId: 1, reason: `422 nobody has ${fictionalSsin(0)}` });
  expect(await shown(1, false)).toContain(
    "webhook      payroll refused it, and does not get it again: 422 nobody has [number removed]",
  );
  expect(JSON.parse(await shown(1, true))).toMatchObject({
    refusedBy: [{ webhook: "payroll", reason: "422 nobody has [number removed]" }],
  });
});

test("a time from the service's own clock is called so, as the status calls it", async () => {
  using core = preparedCore(storeSettings(join(directory.path, "store")), rosterOf(1));
  const { stamp } = draftOf(1, 0);
  const answered = {
    bootId: stamp.bootId,
    atNs: stamp.monotonicNs,
    thetaNs: 1n,
    boundNs: 1n,
    oldestSampleNs: stamp.monotonicNs,
    leapAnnounced: false,
  };
  core.clock.recordServiceTime({ anchor: { ...answered, syncId: "of-service", basis: "service" }, answers: [] }, noon);
  const scanOf = (state: "holdover" | "untrusted", syncId: string, worker: number): number =>
    recordId(core, { ...draftOf(worker, 0), stamp: { ...stamp, state, syncId } });
  const ids = [
    scanOf("holdover", "of-service", 1),
    scanOf("holdover", "gone", 2),
    scanOf("untrusted", "of-service", 3),
  ];
  const texts = await Promise.all(ids.map((id) => shown(id, false)));
  expect(texts.map((text) => /^clock +(.*);/m.exec(text)?.[1])).toEqual([
    "from the service's own clock, right to ± 2.5 ms",
    "holdover, right to ± 2.5 ms",
    "untrusted, right to ± 2.5 ms",
  ]);
});

test("a scan is shown where what its time rests on cannot be read", async () => {
  const settings = storeSettings(join(directory.path, "store"));
  let id = 0;
  {
    using core = preparedCore(settings, rosterOf(1));
    id = recordId(core, draftOf(1, 0));
  }
  const file = join(settings.directory, "badged.sqlite");
  const database = new Sqlite(file);
  database.pragma("wal_checkpoint(TRUNCATE)");
  const pageBytes = Number(database.pragma("page_size", { simple: true }));
  const roots = database
    .prepare<[], number>("SELECT rootpage FROM sqlite_schema WHERE tbl_name = 'clock_syncs' AND rootpage > 0")
    .pluck()
    .all();
  database.close();
  const disk = openSync(file, "r+");
  for (const root of roots) writeSync(disk, Buffer.alloc(pageBytes, 0xab), 0, pageBytes, (root - 1) * pageBytes);
  closeSync(disk);
  expect(await shown(id, false)).toMatch(/^clock +synchronised, right to/m);
  expect(JSON.parse(await shown(id, true))).toMatchObject({ clockBasis: null });
});

test("what the reader's settings do not understand is told from a badge that the roster does not know", async () => {
  using core = preparedCore(storeSettings(join(directory.path, "store")), rosterOf(1));
  const stranger = draftOf(9, 0);
  const failedRead = draftOf(9, 1);
  core.record([stranger, { ...failedRead, badge: { raw: "NOREAD", number: "?NOREAD" } }]);
  expect(await shown(1, false)).not.toContain("not understood");
  expect(await shown(2, false)).toContain("?NOREAD (sent as NOREAD); not understood with the reader's badge settings");
  const list = await told(({ out }) => listScans({ config, limit: 10 }, { out, err: () => {}, interactive: false }));
  expect(list.split("\n").filter((line) => line.includes("not understood"))).toEqual([
    expect.stringContaining("?NOREAD"),
  ]);
});
