import fc from "fast-check";
import { expect, test } from "vitest";
import { monotonicNs, wallMs } from "../base/time.ts";
import { withInterval } from "../clock/stamp.ts";
import type { RecordOutcome, ScanDraft } from "../scan/scan.ts";
import { packDrafts, packOutcomes, unpackDrafts, unpackOutcomes } from "./draft-pack.ts";

const direction = fc.constantFrom("in" as const, "out" as const);

const draft: fc.Arbitrary<ScanDraft> = fc.record({
  readerId: fc.string(),
  badge: fc.record({ raw: fc.string(), number: fc.string() }),
  rule: fc.oneof(
    fc.record({ kind: fc.constant("fixed" as const), direction }),
    fc.constant({ kind: "toggle" as const }),
  ),
  workSiteId: fc.nat(),
  stamp: fc
    .record({
      how: fc.constantFrom("live", "retroactive", "bracket"),
      syncId: fc.option(fc.string()),
      bootId: fc.uuid(),
      monotonicNs: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map(monotonicNs),
      utcMs: fc.integer().map(wallMs),
      errorBoundMs: fc.option(fc.double({ noNaN: true })),
      state: fc.constantFrom("unsynchronised", "synchronised", "holdover", "untrusted"),
      captureLagMs: fc.double({ noNaN: true }),
    })
    .map(withInterval),
});

const outcome: fc.Arbitrary<RecordOutcome> = fc.oneof(
  fc.record({ kind: fc.constant("recorded" as const), scanId: fc.nat(), direction }),
  fc.record({ kind: fc.constant("unknown-badge" as const), scanId: fc.nat() }),
  fc.record({ kind: fc.constant("double" as const), scanId: fc.nat(), ofScanId: fc.nat() }),
  fc.record({
    kind: fc.constant("not-recorded" as const),
    reason: fc.constantFrom(
      "disk-full" as const,
      "limit-reached" as const,
      "limit-of-unknown" as const,
      "store-failed" as const,
    ),
    detail: fc.string(),
  }),
);

test("drafts come out of the other thread as they went in", () => {
  fc.assert(
    fc.property(fc.array(draft), (drafts) => {
      expect(unpackDrafts(structuredClone(packDrafts(drafts)))).toEqual(drafts);
    }),
  );
});

test("outcomes come back as they were", () => {
  fc.assert(
    fc.property(fc.array(outcome), (outcomes) => {
      expect(unpackOutcomes(structuredClone(packOutcomes(outcomes)))).toEqual(outcomes);
    }),
  );
});
