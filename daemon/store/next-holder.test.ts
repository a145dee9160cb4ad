import { afterEach, beforeEach, expect, test } from "vitest";
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

test("on the day it was given to him, and until the last, a badge that the roster learns later is its holder's", () => {
  // 22:30 in Belgium on the 28th, which is the 28th in UTC too, and half past midnight on the 29th, which is the 28th there.
  const [evening, night] = [recordId(core, draftOf(7, 4)), recordId(core, draftOf(7, 124))];
  core.replaceRoster([entryOf(7, { validFrom: "2026-05-29", validUntil: "2026-05-29" })], "holder", at(dayMinutes));
  core.resolveUnknown(200);
  expect([evening, night].map((id) => core.show(id)?.state)).toEqual(["unknown-badge", "waiting"]);
});
