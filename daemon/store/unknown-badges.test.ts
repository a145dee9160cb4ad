import { afterEach, beforeEach, expect, test } from "vitest";
import { badgeNumber } from "../scan/draft.ts";
import {
  at,
  claimSome,
  draftOf,
  entryOf,
  inRule,
  noon,
  outRule,
  preparedCore,
  recordId,
  recordOne,
  rosterOf,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import type { StoreCore } from "./store-core.ts";
import { resolveSliceRows } from "./unknown-badges.ts";
import { chainMaxSteps } from "./worker-chain.ts";

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

function resolveAll(): number {
  let resolved = 0;
  for (;;) {
    const slice = core.resolveUnknown(200);
    resolved += slice.resolved;
    if (!slice.more) return resolved;
  }
}

function learn(...workers: readonly number[]): void {
  core.replaceRoster(rosterOf(...workers), `learnt ${workers.join()}`, noon);
}

const directions = (...ids: readonly number[]): unknown[] => ids.map((id) => core.show(id)?.direction);

test("scans of a badge that the roster learns wait to be sent, with directions in their order", () => {
  const ids = [0, 10, 20].map((minutes) => recordId(core, draftOf(7, minutes)));
  learn(1, 7);
  expect(resolveAll()).toBe(3);
  expect(directions(...ids)).toEqual(["in", "out", "in"]);
  expect(core.summary().byState).toMatchObject({ waiting: 3, "unknown-badge": 0 });
});

test("the direction follows the worker's scan before it, not his last one", () => {
  const morning = recordId(core, draftOf(1, 0));
  const stranger = recordId(core, draftOf(7, 60));
  const evening = recordId(core, draftOf(1, 120));
  core.replaceRoster([entryOf(1), entryOf(7, { ssin: entryOf(1).ssin })], "second badge of worker 1", noon);
  resolveAll();
  expect(directions(morning, stranger, evening)).toEqual(["in", "out", "out"]);
  expect(recordOne(core, draftOf(7, 180))).toMatchObject({ direction: "in" });
});

test("a stranger who turns out to have badged moments before with another badge is a double", () => {
  recordId(core, draftOf(1, 0));
  const stranger = recordId(core, draftOf(7, 0.5));
  core.replaceRoster([entryOf(1), entryOf(7, { ssin: entryOf(1).ssin })], "second badge of worker 1", noon);
  resolveAll();
  expect(core.show(stranger)).toMatchObject({ state: "double", reason: "double of scan 1" });
});

test.each([
  ["on a toggle", undefined],
  ["at a reader for one direction", inRule],
])("of two badges of one worker, in turns within moments, one scan is kept: %s", (_, rule) => {
  const change = rule === undefined ? {} : { rule };
  const refused = recordId(core, draftOf(7, 0, change));
  const kept = recordId(core, draftOf(1, 40 / 60, change));
  const again = recordId(core, draftOf(7, 80 / 60, change));
  core.replaceRoster([entryOf(1), entryOf(7, { ssin: entryOf(1).ssin })], "second badge of worker 1", noon);
  resolveAll();
  expect([refused, kept, again].map((id) => core.show(id))).toMatchObject([
    { state: "double", reason: `double of scan ${kept}` },
    { state: "waiting", direction: "in" },
    { state: "double", reason: `double of scan ${kept}` },
  ]);
});

test.each([
  ["a minute or more before", 0, inRule],
  ["in the other direction", 0.5, outRule],
])("a stranger's scan %s one with his other badge is an act of its own", (_, minutes, rule) => {
  const stranger = recordId(core, draftOf(7, minutes, { rule }));
  recordId(core, draftOf(1, 1, { rule: inRule }));
  core.replaceRoster([entryOf(1), entryOf(7, { ssin: entryOf(1).ssin })], "second badge of worker 1", noon);
  resolveAll();
  expect(core.show(stranger)).toMatchObject({ state: "waiting" });
});

test.each([
  ["out", outRule, { state: "waiting", direction: "out" }],
  ["in", inRule, { state: "double", reason: "double of scan 1" }],
])("who says %s moments after a toggle is judged once he is known, as anybody else", (_, rule, expected) => {
  const ids = [recordId(core, draftOf(7, 0)), recordId(core, draftOf(7, 0.5, { rule }))];
  learn(7);
  resolveAll();
  expect(ids.map((id) => core.show(id))).toMatchObject([{ state: "waiting", direction: "in" }, expected]);
});

test("a stranger's scan is no double of a later one that the service refused: it can be sent, the other waits for a person", () => {
  const stranger = recordId(core, draftOf(7, 0));
  const refused = recordId(core, draftOf(1, 0.5));
  const { attemptId } = claimSome(core, { now: at(1) });
  const report = { outcome: "answered", httpStatus: 200, relatedTraceId: null, detail: "", endedAt: at(1) } as const;
  core.settle(attemptId, report, [{ kind: "refused", scanId: refused, reason: "not his employer" }]);
  core.replaceRoster([entryOf(1), entryOf(7, { ssin: entryOf(1).ssin })], "second badge of worker 1", noon);
  resolveAll();
  expect(core.show(stranger)).toMatchObject({ state: "waiting", direction: "in" });
});

test("a reader for one direction gives it", () => {
  const ids = [recordId(core, draftOf(7, 0, { rule: outRule })), recordId(core, draftOf(7, 10, { rule: inRule }))];
  learn(7);
  resolveAll();
  expect(directions(...ids)).toEqual(["out", "in"]);
});

test("a scan made right after the import decides on those before it, resolved or not", () => {
  const stranger = recordId(core, draftOf(7, 0));
  learn(7);
  expect(recordOne(core, draftOf(7, 10))).toMatchObject({ direction: "out" });
  expect(core.show(stranger)).toMatchObject({ state: "waiting", direction: "in" });
});

test("nothing is looked at again until the roster changes", () => {
  recordId(core, draftOf(7, 0));
  expect(resolveAll()).toBe(0);
  expect(core.resolveUnknown(1)).toEqual({ resolved: 0, anothers: 0, more: false });
  learn(1, 7);
  expect(resolveAll()).toBe(1);
});

test("more strangers than a slice looks at are all resolved, oldest first", () => {
  const strangers = resolveSliceRows + 10;
  core.record(Array.from({ length: strangers }, (_, index) => draftOf(1000 + index, index * 2)));
  learn(1000, 1000 + strangers - 1);
  const first = core.resolveUnknown(1);
  expect(first).toEqual({ resolved: 1, anothers: 0, more: true });
  expect(core.show(1)?.state).toBe("waiting");
  expect(resolveAll()).toBe(1);
  expect(core.show(strangers)?.state).toBe("waiting");
});

test("behind more of a worker's scans than are looked through, a toggle starts anew", () => {
  recordId(core, draftOf(1, 0));
  const stranger = recordId(core, draftOf(7, 60));
  core.record(Array.from({ length: chainMaxSteps + 1 }, (_, index) => draftOf(1, 120 + index * 2)));
  core.replaceRoster([entryOf(1), entryOf(7, { ssin: entryOf(1).ssin })], "second badge of worker 1", noon);
  resolveAll();
  expect(core.show(stranger)).toMatchObject({ state: "waiting", direction: "in" });
});

test("what the roster does not know stays unknown", () => {
  const stranger = recordId(core, draftOf(7, 0));
  learn(8);
  expect(resolveAll()).toBe(0);
  expect(core.show(stranger)?.state).toBe("unknown-badge");
});

test.each([
  ["decimal", "decimal", "010063E9AE", "hex"],
  ["hex", "hex", "4301515182", "decimal"],
] as const)(
  "scans that were read as %s are the worker's once the setting is corrected",
  (encoding, was, inRoster, form) => {
    const reading = { id: "gate", byteOrder: "msb" } as const;
    const raw = "010063E9AE";
    const number = badgeNumber(raw, { ...reading, encoding }, was);
    const ids = [0, 10].map((minutes) => recordId(core, { ...draftOf(7, minutes), badge: { raw, number } }));
    core.replaceRoster([entryOf(1, { badge: inRoster })], "corrected", noon);
    expect(resolveAll()).toBe(0);
    const corrected = [{ ...reading, encoding: "hex" }] as const;
    expect(core.rereadSlice(corrected, form, 0)).toEqual({ reread: 2, afterId: null });
    expect(core.rereadSlice(corrected, form, 0)).toEqual({ reread: 0, afterId: null });
    expect(resolveAll()).toBe(2);
    expect(directions(...ids)).toEqual(["in", "out"]);
  },
);

test("those of a reader that is gone, and of a worker, stay as they were read", () => {
  const known = recordId(core, draftOf(1, 0));
  const stranger = recordId(core, draftOf(7, 10));
  const another = { id: "another", encoding: "text", byteOrder: "msb" } as const;
  expect(core.rereadSlice([another], "text", 0)).toEqual({ reread: 0, afterId: null });
  expect([known, stranger].map((scanId) => core.show(scanId)?.badgeNumber)).toEqual(["B1", "B7"]);
});

test.each([
  ["of the reader that stands there now", "hex", [entryOf(1, { badge: "12345678" })], "unknown-badge"],
  ["although the roster knows it by now", "3D5D", [entryOf(7, { badge: "00BC614E" })], "waiting"],
] as const)("a badge that was understood is not read again by the setting %s", (_what, encoding, roster, state) => {
  const raw = "12345678";
  const number = badgeNumber(raw, { id: "gate", encoding: "decimal", byteOrder: "msb" }, "hex");
  const scanId = recordId(core, { ...draftOf(7, 0), badge: { raw, number } });
  core.replaceRoster(roster, "learnt", noon);
  core.rereadSlice([{ id: "gate", encoding, byteOrder: "msb" }], "hex", 0);
  resolveAll();
  expect(core.show(scanId)).toMatchObject({ badgeNumber: "00BC614E", state });
});
