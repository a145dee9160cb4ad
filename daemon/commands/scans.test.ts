import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { writeSite } from "../testing/campaign/site.ts";
import { fictionalSsin } from "../testing/fictional-worker.ts";
import {
  draftOf,
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
