import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { WallMs } from "../base/time.ts";
import { wallMs } from "../base/time.ts";
import {
  at,
  dayMs,
  draftOf,
  entryOf,
  minuteMs,
  noon,
  preparedCore,
  recordId,
  registerDue,
  rosterOf,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import { type ErasedSlice, eraseSliceRows } from "./retention.ts";
import type { StoreCore } from "./store-core.ts";

let directory: TemporaryDirectory;
let core: StoreCore;

beforeEach(() => {
  directory = temporaryDirectory();
  core = preparedCore(storeSettings(directory.path), rosterOf(1, 2, 3));
});

afterEach(() => {
  core[Symbol.dispose]();
  directory[Symbol.dispose]();
});

const later: WallMs = wallMs(noon + 8 * dayMs);

function maintain(now: WallMs): Omit<ErasedSlice, "more"> {
  const total = { scans: 0, rosterEntries: 0, workers: 0, attempts: 0 };
  for (;;) {
    const { more, ...slice } = core.eraseSlice(now);
    for (const kind of ["scans", "rosterEntries", "workers", "attempts"] as const) total[kind] += slice[kind];
    if (!more) return total;
  }
}

function count(table: string): unknown {
  const db = new Sqlite(join(directory.path, "badged.sqlite"));
  try {
    return db.prepare(`SELECT count(*) FROM ${table}`).pluck().get();
  } finally {
    db.close();
  }
}

test("settled scans are erased after their time, unsent ones and the newest never", () => {
  const [registeredId, doubleId] = [recordId(core, draftOf(1, 0)), recordId(core, draftOf(1, 0.5))];
  registerDue(core, at(1));
  const unknown = recordId(core, draftOf(9, 2));
  const waiting = recordId(core, draftOf(2, 3));
  expect(maintain(wallMs(at(1) + 7 * dayMs)).scans).toBe(1);
  expect(maintain(later).scans).toBe(1);
  expect([registeredId, doubleId, unknown, waiting].map((id) => core.show(id)?.state)).toEqual([
    undefined,
    undefined,
    "unknown-badge",
    "waiting",
  ]);
  expect(core.rows()).toBe(2);
});

test("an id is never given twice, even when all scans could be erased", () => {
  const first = recordId(core, draftOf(1, 0));
  registerDue(core, at(1));
  maintain(later);
  expect(recordId(core, draftOf(1, 20 * 24 * 60))).toBe(first + 1);
});

test("scans that a toggle may still need are kept however short the time is set", () => {
  core[Symbol.dispose]();
  core = preparedCore(storeSettings(directory.path, { keepSettledMs: minuteMs }), rosterOf(1, 2, 3));
  recordId(core, draftOf(1, 0));
  recordId(core, draftOf(2, 0));
  registerDue(core, at(1));
  expect(maintain(wallMs(at(0) + dayMs)).scans).toBe(0);
  expect(maintain(wallMs(at(2) + dayMs)).scans).toBe(1);
});

test("a scan waits for the slowest webhook, until that one is no longer configured", () => {
  for (const minutes of [0, 10, 20]) recordId(core, draftOf(1, minutes));
  for (const minutes of [1, 11, 21]) registerDue(core, at(minutes));
  core.advanceWebhook("erp", 3, null);
  core.advanceWebhook("old", 1, null);
  expect(maintain(later).scans).toBe(1);
  core.retainWebhooks(["erp"]);
  expect(maintain(later).scans).toBe(1);
});

test("more than a slice is erased in several", () => {
  const scans = eraseSliceRows + 100;
  core.record(Array.from({ length: scans }, () => draftOf(1, 0)));
  const first = core.eraseSlice(later);
  expect(first).toMatchObject({ scans: eraseSliceRows, more: true });
  expect(maintain(later).scans).toBe(scans - eraseSliceRows - 2);
});

test("superseded entries and workers are erased once no scan refers to them, not before", () => {
  recordId(core, draftOf(1, 0));
  recordId(core, draftOf(2, 0));
  core.replaceRoster([entryOf(2), entryOf(4)], "others", noon);
  expect(maintain(noon)).toMatchObject({ rosterEntries: 1, workers: 1 });
  expect(count("workers")).toBe(3);
  registerDue(core, at(1));
  expect(maintain(later)).toMatchObject({ scans: 1, rosterEntries: 1, workers: 1 });
  expect([count("workers"), count("roster_entries")]).toEqual([2, 2]);
});

test("what a webhook skipped is forgotten with its scan", () => {
  core.record([draftOf(1, 0), draftOf(2, 1)]);
  for (const scanId of [1, 2]) core.advanceWebhook("erp", scanId, { scanId, reason: "410 Gone" });
  registerDue(core, at(2));
  maintain(later);
  expect(count("webhook_skips")).toBe(1);
});

test("calls are erased with the scans they carried", () => {
  recordId(core, draftOf(1, 0));
  recordId(core, draftOf(2, 0));
  registerDue(core, at(1));
  recordId(core, draftOf(2, 10));
  registerDue(core, at(11));
  maintain(later);
  expect([count("scans"), count("attempts")]).toEqual([1, 1]);
});
