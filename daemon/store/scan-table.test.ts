import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { DirectionRule, RecordOutcome } from "../scan/scan.ts";
import {
  type DraftChange,
  draftOf,
  inRule,
  openCore,
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

describe("directions", () => {
  test("a toggle alternates, per worker", () => {
    const batch = [draftOf(1, 0), draftOf(2, 1), draftOf(1, 10), draftOf(1, 20)];
    expect(core.record(batch)).toEqual([
      { kind: "recorded", scanId: 1, direction: "in" },
      { kind: "recorded", scanId: 2, direction: "in" },
      { kind: "recorded", scanId: 3, direction: "out" },
      { kind: "recorded", scanId: 4, direction: "in" },
    ]);
  });

  test("a reader for one direction has it", () => {
    expect(recordOne(core, draftOf(1, 0, { rule: outRule }))).toMatchObject({ direction: "out" });
  });

  test("the toggle goes on after the store was opened anew", () => {
    recordOne(core, draftOf(1, 0));
    core[Symbol.dispose]();
    core = openCore(storeSettings(directory.path));
    expect(recordOne(core, draftOf(1, 10))).toMatchObject({ direction: "out" });
  });
});

describe("doubles", () => {
  test.each<[string, number, DraftChange, DraftChange, string]>([
    ["soon after, at a toggle", 0.5, {}, {}, "double"],
    ["a limit later, at a toggle", 1, {}, {}, "recorded"],
    ["soon after, same direction", 0.5, { rule: inRule }, { rule: inRule }, "double"],
    ["soon after, other direction", 0.5, { rule: inRule }, { rule: outRule }, "recorded"],
  ])("a scan %s is kept as %s", (_when, minutes, first, second, kind) => {
    recordOne(core, draftOf(1, 0, first));
    expect(recordOne(core, draftOf(1, minutes, second)).kind).toBe(kind);
  });

  test("a double names its scan, is never due, and is no past for the next", () => {
    core.record([draftOf(1, 0), draftOf(1, 0.5)]);
    expect(core.show(2)).toMatchObject({ state: "double", reason: "double of scan 1", direction: null });
    expect(recordOne(core, draftOf(1, 1.2))).toMatchObject({ kind: "recorded", direction: "out" });
    expect(core.backlog().waiting).toBe(2);
  });

  test("a clock that went back makes no double", () => {
    recordOne(core, draftOf(1, 0, { bootId: "before" }));
    expect(recordOne(core, draftOf(1, -0.1, { bootId: "after" })).kind).toBe("recorded");
  });
});

describe("unknown badges", () => {
  test("an unknown badge is stored without direction and is not due", () => {
    expect(recordOne(core, draftOf(9, 0))).toEqual({ kind: "unknown-badge", scanId: 1 });
    expect(core.show(1)).toMatchObject({ state: "unknown-badge", direction: null, workerReference: null });
    expect(core.backlog().waiting).toBe(0);
  });

  test("the double rule goes by badge, and whoever tries again is told once more that his is not known", () => {
    core.record([draftOf(9, 0), draftOf(8, 0)]);
    expect(recordOne(core, draftOf(9, 0.5))).toEqual({ kind: "unknown-badge", scanId: 3 });
    expect(core.show(3)).toMatchObject({ state: "double", reason: "double of scan 1" });
  });

  test("in and out of a stranger moments apart are two acts", () => {
    recordOne(core, draftOf(9, 0, { rule: inRule }));
    expect(recordOne(core, draftOf(9, 0.5, { rule: outRule })).kind).toBe("unknown-badge");
  });
});

const presented = fc.record({
  worker: fc.constantFrom(1, 1, 2, 3, 8, 9),
  minutes: fc.double({ min: 0, max: 4, noNaN: true }),
  rule: fc.constantFrom<DirectionRule>({ kind: "toggle" }, inRule, outRule),
});

test("scans that come together are decided as they would be one by one", () => {
  fc.assert(
    fc.property(fc.array(presented, { minLength: 2, maxLength: 30 }), (all) => {
      const drafts = all.map(({ worker, minutes, rule }) => draftOf(worker, minutes, { rule }));
      const keep = (record: (core: StoreCore) => readonly RecordOutcome[]): unknown => {
        using place = temporaryDirectory();
        using one = preparedCore(storeSettings(place.path), rosterOf(1, 2, 3));
        return { outcomes: record(one), kept: drafts.map((_, index) => one.show(index + 1)), ...one.summary().byState };
      };
      const together = keep((one) => one.record(drafts));
      expect(together).toEqual(keep((one) => drafts.map((draft) => recordOne(one, draft))));
    }),
    { numRuns: 20 },
  );
});

describe("stamps", () => {
  test.each([0n, 9_007_199_254_740_993n, 9_223_372_036_854_775_807n])(
    "monotonic time %d is kept to the nanosecond",
    (ns) => {
      recordOne(core, draftOf(1, 0, { monotonicNs: ns }));
      expect(core.show(1)?.stamp.monotonicNs).toBe(ns);
    },
  );

  test("what was stored is what was stamped", () => {
    const draft = draftOf(1, 3, { readerId: "north" });
    recordOne(core, draft);
    expect(core.show(1)).toMatchObject({
      readerId: "north",
      badgeRaw: "raw-1",
      badgeNumber: "B1",
      workerReference: "R1",
      stamp: draft.stamp,
    });
  });

  test("a broken millisecond is cut, never moved forward", () => {
    const draft = draftOf(1, 0);
    recordOne(core, {
      ...draft,
      stamp: { ...draft.stamp, utcMs: (draft.stamp.utcMs + 0.9) as typeof draft.stamp.utcMs },
    });
    expect(core.show(1)?.stamp.utcMs).toBe(draft.stamp.utcMs);
  });
});

describe("failures", () => {
  test("a scan that cannot be stored takes none of its batch with it", () => {
    const batch = [1, 2, 3, 1].map((worker, index) =>
      draftOf(worker, index * 10, index === 2 ? { workSiteId: 404 } : {}),
    );
    expect(core.record(batch)).toMatchObject([
      { kind: "recorded", direction: "in" },
      { kind: "recorded", direction: "in" },
      { kind: "not-recorded", reason: "store-failed" },
      { kind: "recorded", direction: "out" },
    ]);
    expect(core.rows()).toBe(3);
  });

  test("badges that the roster does not know leave the last of the room to those that it knows", () => {
    core[Symbol.dispose]();
    core = openCore(storeSettings(directory.path, { maxScans: 20 }));
    // A device that is no reader: never the same twice, or always the same.
    const stream = Array.from({ length: 20 }, (_, index) => draftOf(100 + (index % 15), index));
    const outcomes = core.record([...stream, draftOf(1, 30), draftOf(100, 30), draftOf(2, 30)]);
    expect(outcomes.map(({ kind }) => kind)).toEqual([
      ...Array.from({ length: 18 }, () => "unknown-badge"),
      ...Array.from({ length: 2 }, () => "not-recorded"),
      "recorded",
      "not-recorded",
      "recorded",
    ]);
    expect(outcomes.at(-2)).toMatchObject({ reason: "limit-of-unknown", detail: expect.stringContaining("18 scans") });
    expect(core.rows()).toBe(20);
  });

  test("at the limit scans are refused, those before it in the same batch are kept, and old ones stay", () => {
    core[Symbol.dispose]();
    core = openCore(storeSettings(directory.path, { maxScans: 2 }));
    const outcomes = core.record([draftOf(1, 0), draftOf(2, 0), draftOf(3, 0)]);
    expect(outcomes.map((outcome) => outcome.kind)).toEqual(["recorded", "recorded", "not-recorded"]);
    expect(recordOne(core, draftOf(3, 1))).toMatchObject({ kind: "not-recorded", reason: "limit-reached" });
    expect(core.summary()).toMatchObject({ rows: 2, maxScans: 2, byState: { waiting: 2 } });
  });
});

test("a commit writes as few pages with many scans waiting as with few", () => {
  const framesOfCommit = (minutes: number): number => {
    core.checkpoint();
    const before = core.walFrames().frames;
    recordId(core, draftOf(1, minutes));
    return core.walFrames().frames - before;
  };
  const few = Math.max(...[1, 2, 3].map((step) => framesOfCommit(step * 10)));
  for (let index = 0; index < 40; index += 1) {
    core.record(Array.from({ length: 500 }, (_, each) => draftOf(2, (index * 500 + each) * 2)));
  }
  const many = [1, 2, 3].map((step) => framesOfCommit(100_000 + step * 10)).sort((a, b) => a - b)[1];
  expect(many).toBeLessThanOrEqual(few + 1);
});
