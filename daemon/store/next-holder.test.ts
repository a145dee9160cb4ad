import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { utcText } from "../base/system-time.ts";
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
  rosterOf,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import { HandedOn } from "./handed-on.ts";
import type { StoreCore } from "./store-core.ts";

/** noon is 2026-05-28T20:26:40Z. */
let directory: TemporaryDirectory;
let core: StoreCore;

beforeEach(() => {
  directory = temporaryDirectory();
  core = preparedCore(storeSettings(directory.path), rosterOf(1));
});

afterEach(() => {
  core[Symbol.dispose]();
  directory[Symbol.dispose]();
});

const dayMinutes = dayMs / minuteMs;

test("a scan of an unknown badge never becomes the registration of who got the badge days later", () => {
  const scanId = recordId(core, draftOf(7, 0));
  // Three days later the badge is handed to somebody whose line says since when he has it.
  core.replaceRoster([entryOf(1), entryOf(7, { validFrom: "2026-05-31" })], "new holder", at(3 * dayMinutes));
  core.resolveUnknown(200);
  const { claim } = core.claim(claimRequest({ now: at(3 * dayMinutes) }));
  expect(claim?.scans.map(({ ssin, utcMs }) => [ssin, utcText(utcMs)]) ?? []).toEqual([]);
  expect(core.show(scanId)?.state).toBe("unknown-badge");
});

test("nor by the new holder's own first scan", () => {
  const scanId = recordId(core, draftOf(7, 0));
  core.replaceRoster([entryOf(1), entryOf(7, { validFrom: "2026-05-31" })], "new holder", at(3 * dayMinutes));
  recordId(core, draftOf(7, 3 * dayMinutes));
  expect(core.show(scanId)?.state).toBe("unknown-badge");
});

test("the removed holder's scan after he left does not become the next holder's", () => {
  core.replaceRoster([], "left", noon);
  const scanId = recordId(core, draftOf(1, 10));
  core.replaceRoster(
    [entryOf(1, { ssin: "91000000001", reference: "next", validFrom: "2026-06-05" })],
    "next",
    at(8 * dayMinutes),
  );
  core.resolveUnknown(200);
  expect(core.show(scanId)?.workerReference).toBeNull();
});

test.each([
  ["another worker's: it may be of him who did not give it back", {}, "unknown-badge"],
  ["another worker's, with the day since when he has it", { validFrom: "2026-05-28" }, "waiting"],
  ["the same worker's, whose number is corrected", { reference: entryOf(1).reference }, "waiting"],
  ["the same worker's, whose line was missing for a while", { ssin: entryOf(1).ssin }, "waiting"],
])("a scan made while nobody held the badge, which is then %s", (_what, change, state) => {
  core.replaceRoster([entryOf(2)], "gone", noon);
  const scanId = recordId(core, draftOf(1, 10));
  const next = entryOf(1, { ssin: "91000000001", reference: "next", validFrom: null, ...change });
  core.replaceRoster([next, entryOf(2)], "next", at(20));
  core.resolveUnknown(200);
  expect(core.show(scanId)?.state).toBe(state);
  // Nor by his own first scan.
  recordId(core, draftOf(1, 30));
  expect(core.show(scanId)?.state).toBe(state);
});

test("who lost a badge that had been another's, and gets it back, is the last who held it", () => {
  const next = entryOf(1, { ssin: "91000000001", reference: "next" });
  core.replaceRoster([next], "handed on", noon);
  core.replaceRoster([], "left out by mistake", at(10));
  const scanId = recordId(core, draftOf(1, 20));
  core.replaceRoster([next], "put back", at(30));
  expect(core.resolveUnknown(200)).toEqual({ resolved: 1, anothers: 0, more: false });
  expect(core.show(scanId)).toMatchObject({ state: "waiting", workerReference: "next" });
});

test("on the day it was given to him, and until the last, a badge that the roster learns later is its holder's", () => {
  // 22:30 in Belgium on the 28th, which is the 28th in UTC too, and half past midnight on the 29th, which is the 28th there.
  const [evening, night] = [recordId(core, draftOf(7, 4)), recordId(core, draftOf(7, 124))];
  core.replaceRoster([entryOf(7, { validFrom: "2026-05-29", validUntil: "2026-05-29" })], "holder", at(dayMinutes));
  core.resolveUnknown(200);
  expect([evening, night].map((id) => core.show(id)?.state)).toEqual(["unknown-badge", "waiting"]);
});

/** What the nightly clean-up does, `days` later. */
function cleanUp(days: number): void {
  while (core.eraseSlice(at(days * dayMinutes)).more);
}

test("a scan that may be another's does not become his who holds the badge once the one before is erased", () => {
  core.replaceRoster([], "gone", noon);
  const scanId = recordId(core, draftOf(1, 10));
  const next = entryOf(1, { ssin: "91000000001", reference: "next" });
  core.replaceRoster([next], "next", at(20));
  expect(core.resolveUnknown(200)).toMatchObject({ anothers: 1 });
  expect(core.show(scanId)?.reason).toMatch(/who held the badge before.*valid_from/);
  cleanUp(1);
  core.replaceRoster([next, entryOf(2)], "somebody else came", at(dayMinutes + 1));
  expect(core.resolveUnknown(200)).toMatchObject({ resolved: 0, anothers: 1 });
  recordId(core, draftOf(1, dayMinutes + 2));
  expect(core.show(scanId)?.state).toBe("unknown-badge");
  core.replaceRoster([{ ...next, validFrom: "2026-05-28" }], "dated", at(dayMinutes + 3));
  expect(core.resolveUnknown(200)).toMatchObject({ resolved: 1 });
  expect(core.show(scanId)).toMatchObject({ state: "waiting", workerReference: "next", reason: null });
});

test("who was left out by mistake gets his scan all the same where an older line of his is erased meanwhile", () => {
  // His scan keeps the line that was in force for it, and the older one goes.
  core.replaceRoster([entryOf(1, { declarationOfWorks: "1Y1003SQ5VSSZ" })], "another declaration", at(1));
  recordId(core, draftOf(1, 2));
  core.replaceRoster([], "left out", at(10));
  const scanId = recordId(core, draftOf(1, 20));
  cleanUp(1);
  core.replaceRoster(rosterOf(1), "put back", at(dayMinutes + 1));
  expect(core.resolveUnknown(200)).toMatchObject({ resolved: 1, anothers: 0 });
  expect(core.show(scanId)?.state).toBe("waiting");
});

test("nor where he gets the badge only after the clean-up", () => {
  core.replaceRoster([], "gone", noon);
  const scanId = recordId(core, draftOf(1, 10));
  cleanUp(1);
  core.replaceRoster([entryOf(1, { ssin: "91000000001", reference: "next" })], "next", at(8 * dayMinutes));
  core.resolveUnknown(200);
  expect(core.show(scanId)?.state).toBe("unknown-badge");
});

test.each([
  ["another holds it, from a day that nobody says", { reference: "next" }, 1],
  ["his line says since when", { reference: "next", validFrom: "2026-06-05" }, 0],
  ["the reference is the same, and the number was corrected", {}, 0],
  ["he who had it has it back", { ssin: entryOf(1).ssin }, 0],
])("who imports a roster is told of badges whose scans stay unknown: %s", (_how, changed, handedOn) => {
  core.replaceRoster([], "gone", noon);
  const next = [entryOf(1, { ssin: "91000000001", ...changed })];
  expect(core.planRoster(next).handedOn).toBe(0);
  recordId(core, draftOf(1, 10));
  expect(core.planRoster(next).handedOn).toBe(handedOn);
  core.replaceRoster(next, "next", at(20));
  core.resolveUnknown(200);
  expect(core.planRoster(next).handedOn).toBe(handedOn);
  expect(core.summary().byState["unknown-badge"]).toBe(handedOn === 0 && !("validFrom" in changed) ? 0 : 1);
});

test("of a badge with many unknown scans the oldest tells, whatever was badged once the roster was handed on", () => {
  core.replaceRoster([], "gone", noon);
  recordId(core, draftOf(1, 10));
  const next = [entryOf(1, { ssin: "91000000001", reference: "next" })];
  core.replaceRoster(next, "next", at(20));
  core.resolveUnknown(200);
  cleanUp(1);
  core.replaceRoster([], "nobody", at(dayMinutes));
  recordId(core, draftOf(1, dayMinutes + 10));
  expect(core.planRoster(next).handedOn).toBe(1);
});

test("badges are looked up before a roster is written, while scans can still be recorded", () => {
  const count = HandedOn.prototype.count;
  const spy = vi.spyOn(HandedOn.prototype, "count").mockImplementation(function (this: HandedOn, ...asked) {
    const gate = new Sqlite(join(directory.path, "badged.sqlite"), { timeout: 0 });
    try {
      gate.exec("BEGIN IMMEDIATE; ROLLBACK");
    } finally {
      gate.close();
    }
    return count.apply(this, asked);
  });
  try {
    core.replaceRoster([], "gone", noon);
    expect(spy).toHaveBeenCalledOnce();
  } finally {
    spy.mockRestore();
  }
});
