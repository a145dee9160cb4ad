import { afterEach, beforeEach, expect, test } from "vitest";
import {
  draftOf,
  noon,
  openCore,
  preparedCore,
  recordId,
  rosterOf,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import type { StoreCore } from "./store-core.ts";
import { webhookMaxScans } from "./webhook-table.ts";

let directory: TemporaryDirectory;
let core: StoreCore;

beforeEach(() => {
  directory = temporaryDirectory();
  core = preparedCore(storeSettings(directory.path), rosterOf(1, 2));
});

afterEach(() => {
  core[Symbol.dispose]();
  directory[Symbol.dispose]();
});

const idsOf = (target: string, limit = 100): readonly number[] =>
  core.webhookScans(target, limit).map((scan) => scan.scanId);

test("a target gets every scan in the order stored, without a national number", () => {
  core.record([draftOf(1, 0), draftOf(9, 1)]);
  expect(core.webhookScans("erp", 100)).toEqual([
    {
      scanId: 1,
      readerId: "gate",
      badgeNumber: "B1",
      workerReference: "R1",
      direction: "in",
      utcMs: noon,
      errorBoundMs: 2.5,
      state: "waiting",
    },
    expect.objectContaining({ scanId: 2, workerReference: null, direction: null, state: "unknown-badge" }),
  ]);
});

test("each target has a cursor of its own, which survives and never moves back", () => {
  core.record([draftOf(1, 0), draftOf(2, 1), draftOf(1, 10)]);
  core.advanceWebhook("erp", 2, null);
  core.advanceWebhook("erp", 1, null);
  core[Symbol.dispose]();
  core = openCore(storeSettings(directory.path));
  expect(idsOf("erp")).toEqual([3]);
  expect(idsOf("planning")).toEqual([1, 2, 3]);
});

test("a skipped scan is passed", () => {
  recordId(core, draftOf(1, 0));
  core.advanceWebhook("erp", 1, { scanId: 1, reason: "410 Gone" });
  expect(idsOf("erp")).toEqual([]);
  expect(core.webhookSkips(1)).toEqual([{ target: "erp", reason: "410 Gone" }]);
  expect(core.webhookSkips(2)).toEqual([]);
});

test("no more scans are handed out than asked, nor than the limit", () => {
  core.record(Array.from({ length: webhookMaxScans + 1 }, (_, index) => draftOf(1, index * 2)));
  expect(idsOf("erp", 2)).toEqual([1, 2]);
  expect(idsOf("erp", 1_000_000)).toHaveLength(webhookMaxScans);
});
