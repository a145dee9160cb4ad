import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ScanFilter } from "../scan/archive.ts";
import { windowAfter } from "../testing/receipt-windows.ts";
import {
  at,
  claimRequest,
  claimSome,
  draftOf,
  entryOf,
  noon,
  preparedCore,
  recordId,
  recordOne,
  registerDue,
  rosterOf,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
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

const everything: ScanFilter = { states: [], readerId: null, from: null, to: null, doubtfulOnly: false, limit: 100 };

function refuse(worker: number, minutes: number): number {
  const scanId = recordId(core, draftOf(worker, minutes));
  const { attemptId, scans } = claimSome(core);
  core.settle(
    attemptId,
    { outcome: "answered", httpStatus: 200, relatedTraceId: null, detail: "", endedAt: at(minutes + 1) },
    scans.map((scan) => ({ kind: "refused", scanId: scan.scanId, reason: "ssin: unknown" })),
  );
  return scanId;
}

describe("list", () => {
  test.each<[string, Partial<ScanFilter>, readonly number[]]>([
    ["all, newest first", {}, [5, 4, 3, 2, 1]],
    ["a limit", { limit: 2 }, [5, 4]],
    ["one state", { states: ["unknown-badge"] }, [4]],
    ["several states", { states: ["unknown-badge", "registered"] }, [4, 1]],
    ["a reader", { readerId: "north" }, [3]],
    ["a span of time, both ends included", { from: at(10), to: at(20) }, [3, 2]],
    ["doubtful ones", { doubtfulOnly: true }, [2]],
  ])("%s", (_what, filter, expected) => {
    recordId(core, draftOf(1, 0));
    registerDue(core, at(5));
    recordId(core, draftOf(2, 10));
    claimSome(core);
    core.recoverInterrupted(at(15));
    recordId(core, draftOf(3, 20, { readerId: "north" }));
    recordId(core, draftOf(9, 30));
    recordId(core, draftOf(1, 40));
    expect(core.list({ ...everything, ...filter }).map((scan) => scan.scanId)).toEqual(expected);
  });
});

test("a list is as long as it was asked to be", () => {
  const count = 10_001;
  core.record(Array.from({ length: count }, (_, index) => draftOf(index, index)));
  expect(core.list({ ...everything, limit: count })).toHaveLength(count);
});

describe("release", () => {
  test("a refused scan waits again, its stamp and reference unchanged", () => {
    const scanId = refuse(1, 0);
    const before = core.show(scanId);
    expect(before).toMatchObject({ state: "refused", reason: "ssin: unknown" });
    expect(core.release(scanId, at(60))).toEqual({ kind: "released" });
    expect(core.show(scanId)).toEqual({ ...before, state: "waiting", reason: null, settledAt: null });
  });

  test("a withheld scan that was released is sent, however old", () => {
    const scanId = recordId(core, draftOf(1, 0));
    core.claim(claimRequest({ window: windowAfter(at(1)) }));
    core.release(scanId, at(60));
    expect(claimSome(core, { window: windowAfter(at(500)) }).scans.map((scan) => scan.scanId)).toEqual([scanId]);
  });

  test("a released scan is sent with the corrected SSIN, and is the past of the worker it now has", () => {
    const scanId = refuse(1, 0);
    core.replaceRoster([entryOf(1, { ssin: "91000000001" })], "corrected", noon);
    core.release(scanId, at(60));
    expect(claimSome(core).scans[0]?.ssin).toBe("91000000001");
    expect(recordOne(core, draftOf(1, 100))).toMatchObject({ direction: "out" });
  });

  test("without references a corrected number looks like the next holder's: a person has to say which it is", () => {
    core.replaceRoster([entryOf(1, { reference: null })], "no references", noon);
    const scanId = refuse(1, 0);
    core.replaceRoster([entryOf(1, { reference: null, ssin: "91000000001" })], "handed on, or corrected", noon);
    expect(core.release(scanId, at(60))).toEqual({ kind: "other-holder" });
    expect(core.show(scanId)).toMatchObject({ state: "refused" });
    expect(core.release(scanId, at(60), { samePerson: true })).toEqual({ kind: "released" });
    expect(claimSome(core).scans[0]?.ssin).toBe("91000000001");
  });

  test.each([
    ["another person's reference", { reference: "someone-else" }],
    ["a validity that begins later", { validFrom: "2099-01-01" }],
  ])("a badge that went to the next holder, told by %s, leaves the scan with its own", (_what, changed) => {
    const scanId = refuse(1, 0);
    core.replaceRoster([entryOf(1, { ssin: "91000000001", ...changed })], "next holder", noon);
    core.release(scanId, at(60));
    expect(claimSome(core).scans[0]?.ssin).toBe(entryOf(1).ssin);
  });

  test.each([
    ["waiting", () => recordId(core, draftOf(1, 0))],
    ["unknown-badge", () => recordId(core, draftOf(9, 0))],
    [
      "registered",
      () => {
        const scanId = recordId(core, draftOf(1, 0));
        registerDue(core, at(1));
        return scanId;
      },
    ],
  ])("a scan that is %s cannot be released", (state, make) => {
    expect(core.release(make(), at(60))).toEqual({ kind: "not-releasable", state });
  });

  test("a scan that is not there cannot be released", () => {
    expect(core.release(404, at(60))).toEqual({ kind: "no-such-scan" });
    expect(core.show(404)).toBeNull();
  });
});

test("the summary counts what is on disk", () => {
  core.record([draftOf(1, 0), draftOf(1, 0.5), draftOf(9, 1), draftOf(2, 2), draftOf(3, 3)]);
  registerDue(core, at(10));
  recordId(core, draftOf(1, 20));
  expect(core.summary()).toEqual({
    byState: { "unknown-badge": 1, double: 1, waiting: 1, sending: 0, registered: 3, refused: 0, withheld: 0 },
    doubtful: 0,
    rows: 6,
    maxScans: 100_000,
    oldestWaiting: at(20),
    lastRegisteredAt: at(10),
    databaseBytes: expect.any(Number),
    freeBytes: expect.any(Number),
    rosterBadges: 3,
    storeId: expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
});
