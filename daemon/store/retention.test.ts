import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { WallMs } from "../base/time.ts";
import { monotonicNs, wallMs } from "../base/time.ts";
import type { QuorumResult } from "../clock/quorum.ts";
import { nsPerMs, utcNsOfWall } from "../clock/utc.ts";
import {
  at,
  claimRequest,
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
import { erasedWorker, releasableMinMs } from "./left-workers.ts";
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
  const total = { scans: 0, rosterEntries: 0, workers: 0, attempts: 0, parted: 0 };
  for (;;) {
    const { more, ...slice } = core.eraseSlice(now);
    for (const kind of ["scans", "rosterEntries", "workers", "attempts", "parted"] as const) total[kind] += slice[kind];
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

test.each([
  ["of the same badge", 1],
  ["of another badge, which the roster learnt later,", 7],
])(
  "a double %s that was stored while the box's own clock was years ahead goes in its time, and its worker with it",
  (_name, badge) => {
    const bootId = "ahead";
    const since = (minutes: number) => monotonicNs(BigInt(minutes * minuteMs) * nsPerMs);
    core.clock.seeBoot(bootId, { atNs: since(0), sleptMs: 0 });
    const ahead = (worker: number, minutes: number) =>
      recordId(core, draftOf(worker, minutes + 3650 * 1440, { bootId, monotonicNs: since(minutes), undated: true }));
    const [scanId, doubleId] = [ahead(1, 1), ahead(badge, 1.5)];
    const result: QuorumResult = {
      kind: "quorum",
      thetaNs: utcNsOfWall(noon),
      boundNs: nsPerMs,
      verdicts: new Map(),
      warnings: [],
    };
    core.clock.recordSynchronisation({ syncId: "s", bootId, atNs: since(5), ppm: 15, sources: [], result }, true, noon);
    const rates = { synchronisedPpm: 15, holdoverPpm: 100 };
    core.dating.dateSlice({ presentBootId: bootId, rates, builtAt: utcNsOfWall(at(-100_000)) }, 0);
    core.replaceRoster([...rosterOf(1, 2, 3), entryOf(7, { ssin: entryOf(1).ssin })], "learnt", at(6));
    core.resolveUnknown(200);
    expect(core.show(doubleId)).toMatchObject({ state: "double", settledAt: at(1.5) });
    expect(registerDue(core, at(10))).toEqual([scanId]);
    recordId(core, draftOf(2, 20));
    core.replaceRoster(rosterOf(2, 3), "left", at(30));
    expect(maintain(later)).toMatchObject({ scans: 2, workers: 1 });
    expect(count("workers")).toBe(2);
  },
);

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

describe("a scan that nobody released", () => {
  const longAfter: WallMs = wallMs(at(1) + releasableMinMs + 1);
  const reason = `not his employer; ${erasedWorker}`;

  function refuse(): number {
    const scanId = recordId(core, draftOf(1, 0));
    const { claim } = core.claim(claimRequest({ now: at(1) }));
    const report = { outcome: "answered", httpStatus: 200, relatedTraceId: null, detail: "", endedAt: at(1) } as const;
    core.settle(claim?.attemptId ?? 0, report, [{ kind: "refused", scanId, reason: "not his employer" }]);
    recordId(core, draftOf(2, 10));
    return scanId;
  }

  test("stays, and loses the number of a worker who left once nobody did for long enough, with its reason", () => {
    const scanId = refuse();
    core.replaceRoster(rosterOf(2, 3), "left", at(2));
    expect(maintain(wallMs(longAfter - 1))).toMatchObject({ parted: 0, workers: 0 });
    expect(core.show(scanId)).toMatchObject({ reason: "not his employer", workerReference: "R1" });
    expect(maintain(longAfter)).toMatchObject({ parted: 1, rosterEntries: 1, workers: 1, scans: 0 });
    expect(core.show(scanId)).toMatchObject({ state: "refused", reason, workerReference: null, direction: "in" });
    expect(count("workers")).toBe(2);
    expect(maintain(longAfter)).toMatchObject({ parted: 0, rosterEntries: 0, workers: 0 });
    expect(core.release(scanId, longAfter)).toEqual({ kind: "no-holder" });
  });

  test("goes all the same once his badge is in the roster again and a person says that it is he", () => {
    const scanId = refuse();
    core.replaceRoster(rosterOf(2, 3), "left", at(2));
    maintain(longAfter);
    core.replaceRoster(rosterOf(1, 2, 3), "back", longAfter);
    expect(core.release(scanId, longAfter)).toEqual({ kind: "other-holder" });
    expect(core.release(scanId, longAfter, { samePerson: true })).toEqual({ kind: "released" });
    expect(core.show(scanId)).toMatchObject({ state: "waiting", reason: null, workerReference: "R1" });
  });

  test("keeps a worker whom the roster names, also on another line, and one that a webhook has not passed", () => {
    const scanId = refuse();
    core.replaceRoster([entryOf(1, { declarationOfWorks: "1Y1003SQ5VSSZ" }), ...rosterOf(2, 3)], "corrected", at(2));
    expect(maintain(longAfter)).toMatchObject({ parted: 0, rosterEntries: 0 });
    core.advanceWebhook("erp", scanId - 1, null);
    core.replaceRoster(rosterOf(2, 3), "left", at(3));
    expect(maintain(longAfter)).toMatchObject({ parted: 0, workers: 0 });
    core.advanceWebhook("erp", scanId, null);
    expect(maintain(longAfter)).toMatchObject({ parted: 1, workers: 1 });
  });

  test("and that waits keeps its worker for ever: it can be registered yet", () => {
    recordId(core, draftOf(1, 0));
    core.replaceRoster(rosterOf(2, 3), "left", at(2));
    expect(maintain(longAfter)).toMatchObject({ parted: 0, workers: 0 });
  });
});
