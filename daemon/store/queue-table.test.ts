import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { AttemptReport } from "../forward/queue.ts";
import { windowAfter } from "../testing/receipt-windows.ts";
import {
  at,
  claimRequest,
  claimSome,
  draftOf,
  noon,
  openCore,
  preparedCore,
  recordId,
  registered,
  rosterOf,
  site,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import { packSettlements } from "./call-pack.ts";
import { claimWalkRows, putOffMaxMs } from "./claim-choice.ts";
import { lostPlace } from "./lost-reference.ts";
import type { StoreCore } from "./store-core.ts";

/** What the queue does beyond the contract that `store.test.ts` runs on it. */

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

const report: AttemptReport = {
  outcome: "answered",
  httpStatus: 200,
  relatedTraceId: null,
  detail: "",
  endedAt: at(1000),
};

test("a due scan carries what the service needs, from the roster and the place", () => {
  recordId(core, draftOf(1, 0));
  expect(claimSome(core).scans).toEqual([
    {
      scanId: 1,
      workerId: 1,
      ssin: "90000000001",
      employer: { kind: "enterprise-number", number: "0566988259" },
      direction: "in",
      utcMs: noon,
      place: { kind: "coordinates", latitude: 51.05, longitude: 3.72 },
      declarationOfWorks: "1Y1003SQ5VSSZ",
      errorBoundMs: 2.5,
    },
  ]);
});

test("a scan that a person released is not judged again when its call leaves", () => {
  const scanId = recordId(core, draftOf(1, 0));
  expect(core.claim(claimRequest({ window: windowAfter(at(1)) })).claim).toBeNull();
  core.release(scanId, at(2));
  expect(claimSome(core).scans[0]).not.toHaveProperty("errorBoundMs");
});

test("more late scans than a claim looks at are withheld in steps, and those behind them are found", () => {
  const late = claimWalkRows + 5;
  for (let index = 0; index < late; index += 1005) {
    core.record(Array.from({ length: Math.min(1005, late - index) }, (_, each) => draftOf(1, (index + each) * 2)));
  }
  const fresh = recordId(core, draftOf(2, late * 2));
  const request = claimRequest({ window: windowAfter(at(late * 2 - 1)) });
  expect(core.claim(request)).toEqual({ claim: null, withheld: claimWalkRows, again: true });
  const step = core.claim(request);
  expect(step).toMatchObject({ withheld: 5, again: false });
  expect(step.claim?.scans.map((scan) => scan.scanId)).toEqual([fresh]);
  expect(core.show(1)).toMatchObject({
    state: "withheld",
    reason: expect.stringMatching(/^receipt would be \d+ s after the badge, \d+ s are allowed; no call failed/),
    settledAt: at(1000),
  });
});

test("more scans than a claim looks at, all behind one that is put off, do not keep another worker's away", () => {
  const held = claimWalkRows + 5;
  for (let index = 0; index < held; index += 1005) {
    core.record(Array.from({ length: Math.min(1005, held - index) }, (_, each) => draftOf(1, (index + each) * 2)));
  }
  const { attemptId, scans } = claimSome(core);
  core.settle(attemptId, report, [{ kind: "again", scanId: scans[0]?.scanId ?? 0, notBefore: at(5) }]);
  const other = recordId(core, draftOf(2, held * 2));
  expect(core.claim(claimRequest({ now: noon })).claim?.scans.map((scan) => scan.scanId)).toEqual([other]);
});

test("a scan put off before the clock was set back does not wait for the clock to catch up", () => {
  const scanId = recordId(core, draftOf(1, 0));
  const { attemptId } = claimSome(core);
  core.settle(attemptId, report, [{ kind: "again", scanId, notBefore: at(5000) }]);
  const justWithin = (at(5000) - putOffMaxMs) as typeof noon;
  expect(core.claim(claimRequest({ now: justWithin })).claim).toBeNull();
  expect(claimSome(core, { now: (justWithin - 1) as typeof noon }).scans).toHaveLength(1);
});

test("a fraction of a millisecond is put off to the next whole one", () => {
  const scanId = recordId(core, draftOf(1, 0));
  const { attemptId } = claimSome(core);
  core.settle(attemptId, report, [{ kind: "again", scanId, notBefore: (noon + 0.5) as typeof noon }]);
  expect(core.claim(claimRequest({ now: noon })).claim).toBeNull();
  expect(claimSome(core, { now: (noon + 1) as typeof noon }).scans).toHaveLength(1);
});

test("remarks and validity are kept with the registration", () => {
  const scanId = recordId(core, draftOf(1, 0));
  const { attemptId } = claimSome(core);
  const remarks = [{ code: 32, text: "late" }];
  core.settle(attemptId, report, [{ kind: "registered", scanId, registrationId: "x", validity: "valid", remarks }]);
  expect(core.show(scanId)).toMatchObject({
    state: "registered",
    registrationId: "x",
    settledAt: at(1000),
    attempts: 1,
  });
  expect(core.summary().lastRegisteredAt).toBe(at(1000));
});

test("the doubt of an interrupted call says so", () => {
  const scanId = recordId(core, draftOf(1, 0));
  const { attemptId } = claimSome(core);
  core.recoverInterrupted(at(1001));
  expect(core.show(scanId)?.doubt).toEqual({
    attemptId,
    outcome: "interrupted",
    detail: "badged stopped while the call was under way",
    endedAt: at(1001),
    searched: null,
  });
  expect(core.summary().doubtful).toBe(1);
});

test("settling a call that recovery has closed changes nothing: its scans are in doubt, and searched for", () => {
  const scanId = recordId(core, draftOf(1, 0));
  const { attemptId } = claimSome(core);
  core.recoverInterrupted(at(1001));
  core.settle(attemptId, report, [registered(scanId)]);
  expect(core.show(scanId)).toMatchObject({ state: "waiting", doubt: { outcome: "interrupted" } });
});

test("a backlog counts what is on its way", () => {
  recordId(core, draftOf(1, 5));
  recordId(core, draftOf(2, 6));
  claimSome(core, { limit: 1 });
  expect(core.backlog()).toEqual({ waiting: 2, oldestUtcMs: at(6), oldestDoubt: null });
});

/** As salvage leaves it. */
function loseThePlaces(): void {
  core[Symbol.dispose]();
  const db = new Sqlite(join(directory.path, "badged.sqlite"));
  db.exec("UPDATE work_sites SET content = NULL");
  db.close();
  core = openCore(storeSettings(directory.path));
}

test("a scan whose place of work was lost is kept back with that reason, and holds up nobody", () => {
  const lost = [recordId(core, draftOf(1, 0)), recordId(core, draftOf(2, 1))];
  loseThePlaces();
  const workSiteId = core.internWorkSite(site);
  const fine = recordId(core, draftOf(3, 2, { workSiteId }));
  expect(core.claim(claimRequest())).toEqual({ claim: null, withheld: 2, again: true });
  expect(claimSome(core).scans.map(({ scanId }) => scanId)).toEqual([fine]);
  for (const scanId of lost) expect(core.show(scanId)).toMatchObject({ state: "withheld", reason: lostPlace });
  expect(core.summary().byState).toMatchObject({ waiting: 0, sending: 1, withheld: 2 });
});

test("what is written of the call before stands when a scan of the next cannot be sent", () => {
  const [first, lost] = [recordId(core, draftOf(1, 0)), recordId(core, draftOf(2, 1))];
  const { attemptId } = claimSome(core, { limit: 1 });
  loseThePlaces();
  const step = core.settleAndClaimPacked(attemptId, report, packSettlements([registered(first)]), claimRequest());
  expect(step).toEqual({ claim: null, withheld: 1, again: true, settled: "settled" });
  expect(core.show(first)).toMatchObject({ state: "registered" });
  expect(core.show(lost)).toMatchObject({ state: "withheld", reason: lostPlace });
});

test("a scan that is left behind in a call that has ended waits again, in doubt", () => {
  const scanId = recordId(core, draftOf(1, 0));
  const { attemptId } = claimSome(core);
  const db = new Sqlite(join(directory.path, "badged.sqlite"));
  db.prepare("UPDATE attempts SET outcome = 'answered', ended_at = ? WHERE id = ?").run(noon, attemptId);
  db.close();
  expect(core.recoverInterrupted(at(100))).toBe(1);
  expect(core.show(scanId)).toMatchObject({ state: "waiting" });
  expect(core.backlog().oldestDoubt).toBe(at(100));
  expect(core.summary().byState).toMatchObject({ waiting: 1, sending: 0 });
});

test("whatever old pages say of a call and of the counts, its scans wait again, in doubt", () => {
  const [first, second] = [recordId(core, draftOf(1, 0)), recordId(core, draftOf(2, 1))];
  const { attemptId } = claimSome(core);
  const db = new Sqlite(join(directory.path, "badged.sqlite"));
  db.pragma("foreign_keys = OFF");
  db.prepare("DELETE FROM attempts WHERE id = ?").run(attemptId);
  db.exec(
    "UPDATE scan_counts SET scans = 0 WHERE state = 'sending'; UPDATE scan_counts SET scans = 2 WHERE state = 'waiting'",
  );
  db.close();
  expect(core.recoverInterrupted(at(100))).toBe(2);
  for (const scanId of [first, second]) {
    expect(core.show(scanId)).toMatchObject({ state: "waiting", doubt: { outcome: "interrupted" } });
  }
  expect(core.summary().byState).toMatchObject({ waiting: 2, sending: 0 });
  expect(core.recoverInterrupted(at(101))).toBe(0);
});
