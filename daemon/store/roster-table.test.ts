import { afterEach, beforeEach, expect, test } from "vitest";
import { BadgedError } from "../base/errors.ts";
import {
  claimSome,
  draftOf,
  entryOf,
  noon,
  openCore,
  preparedCore,
  recordId,
  recordOne,
  rosterOf,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import { rosterMaxBadges } from "./roster-table.ts";
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

const corrected = [entryOf(1), entryOf(2, { reference: "R2-new" }), entryOf(4)];

test("a plan says what would change and writes nothing", () => {
  const change = { added: 1, changed: 1, removed: 1, unchanged: 1, handedOn: 0 };
  expect(core.planRoster(corrected)).toEqual(change);
  expect(core.planRoster(corrected)).toEqual(change);
  expect(core.summary().rosterBadges).toBe(3);
});

test("a replacement does what the plan said, and keeps the fingerprint", () => {
  const planned = core.planRoster(corrected);
  expect(core.replaceRoster(corrected, "second", noon)).toEqual(planned);
  expect(core.planRoster(corrected)).toEqual({ added: 0, changed: 0, removed: 0, unchanged: 3, handedOn: 0 });
  expect(core.rosterFingerprint()).toBe("second");
});

test("there is no fingerprint before the first import", () => {
  using fresh = temporaryDirectory();
  using other = openCore(storeSettings(fresh.path));
  expect(other.rosterFingerprint()).toBeNull();
});

test("a stored scan keeps the entry that was in force when it was made", () => {
  recordId(core, draftOf(2, 0));
  core.replaceRoster([entryOf(2, { employer: { kind: "foreign-vat", number: "NL1" }, reference: "new" })], "2", noon);
  expect(core.show(1)?.workerReference).toBe("R2");
  expect(claimSome(core).scans[0]?.employer).toEqual({ kind: "enterprise-number", number: "0566988259" });
});

test("a removed badge is unknown from then on", () => {
  core.replaceRoster(rosterOf(1), "fewer", noon);
  expect(recordOne(core, draftOf(2, 0)).kind).toBe("unknown-badge");
});

test("a badge that comes back is known again, of the same worker", () => {
  const first = recordOne(core, draftOf(2, 0));
  core.replaceRoster(rosterOf(1), "fewer", noon);
  core.replaceRoster(rosterOf(1, 2), "back", noon);
  expect(first).toMatchObject({ direction: "in" });
  expect(recordOne(core, draftOf(2, 10))).toMatchObject({ direction: "out" });
});

test.each<[string, () => readonly ReturnType<typeof entryOf>[]]>([
  ["a badge that is there twice", () => [entryOf(1), entryOf(1)]],
  ["more badges than the limit", () => Array.from({ length: rosterMaxBadges + 1 }, (_, index) => entryOf(index))],
])("%s is refused and nothing is written", (_what, make) => {
  expect(() => core.replaceRoster(make(), "bad", noon)).toThrow(BadgedError);
  expect(core.rosterFingerprint()).toBe("fixture");
  expect(core.summary().rosterBadges).toBe(3);
});

test("a roster at the limit is taken whole", () => {
  const entries = Array.from({ length: rosterMaxBadges }, (_, index) => entryOf(index));
  expect(core.replaceRoster(entries, "large", noon)).toMatchObject({ added: rosterMaxBadges - 3 });
});

test("the same place of work has the same id", () => {
  const place = { kind: "coordinates", latitude: 51.05, longitude: 3.72 } as const;
  expect(core.internWorkSite({ place, declarationOfWorks: "1Y1003SQ5VSSZ" })).toBe(1);
  expect(
    core.internWorkSite({
      declarationOfWorks: "1Y1003SQ5VSSZ",
      place: { longitude: 3.72, latitude: 51.05, kind: "coordinates" },
    }),
  ).toBe(1);
  expect(core.internWorkSite({ place, declarationOfWorks: null })).toBe(2);
});

test("how a worker works and his Limosa reference are kept, compared, and go with his scan", () => {
  const posted = entryOf(2, { kind: "posted", limosa: "L-2026/0017" });
  const self = entryOf(3, { kind: "self-employed" });
  const roster = [entryOf(1), posted, self];
  expect(core.replaceRoster(roster, "kinds", noon)).toMatchObject({ changed: 2, unchanged: 1 });
  expect(core.planRoster(roster)).toMatchObject({ changed: 0, unchanged: 3 });
  expect(core.planRoster([entryOf(1), entryOf(2, { kind: "posted" }), self])).toMatchObject({ changed: 1 });
  recordOne(core, draftOf(2, 0));
  recordOne(core, draftOf(1, 1));
  const scans = claimSome(core).scans;
  expect(scans.map(({ limosa }) => limosa).toSorted()).toEqual(["L-2026/0017", undefined]);
});
