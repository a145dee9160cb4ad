import { expect, test } from "vitest";
import type { LiveAnchorer, LiveEvidence } from "../supervisor/live-status.ts";
import { evidenceLines } from "./status-evidence.ts";

const witness: LiveAnchorer = {
  type: "witness",
  name: "witness.example",
  anchoredAgoMs: 120_000,
  size: 900,
  failure: null,
};
const well: LiveEvidence = {
  epoch: 1,
  size: 905,
  waiting: 5,
  checkpointSize: 900,
  failingForMs: null,
  anchorers: [witness, { ...witness, type: "rfc3161", name: "tsa.example", anchoredAgoMs: null }],
};

const capitals = /[A-Z]{2}/;

test("a log that is well says so without a capital", () => {
  const lines = evidenceLines(well);
  expect(lines).toEqual([
    "evidence  900 records written and signed; 5 more with the next",
    "witness   witness.example: anchored 2 min ago",
    "timestamp tsa.example: not asked yet",
  ]);
  expect(lines.join()).not.toMatch(capitals);
  expect(evidenceLines({ ...well, checkpointSize: 1, waiting: 0 })[0]).toBe("evidence  1 record written and signed");
});

test("a log of which nobody else knows says what that means", () => {
  expect(evidenceLines({ ...well, anchorers: [] })[1]).toContain("nobody else bounds its time");
});

test("what somebody should look at stands in capitals, with the reason", () => {
  expect(evidenceLines(null)[0]).toMatch(/NO LOG IS KEPT/);
  expect(evidenceLines({ ...well, failingForMs: 300_000 })[0]).toMatch(/NOTHING WRITTEN for 5 min: 5 wait in memory/);
  const [, refused] = evidenceLines({ ...well, anchorers: [{ ...witness, failure: "the box is not known to it" }] });
  expect(refused).toMatch(/^witness {3}witness\.example: NOT ANCHORED, the last time 2 min ago: the box is not known/);
  const [, never] = evidenceLines({ ...well, anchorers: [{ ...witness, anchoredAgoMs: null, failure: "timed-out" }] });
  expect(never).toMatch(/NOT ANCHORED since badged started: timed-out$/);
});

test("a later epoch is told: an inspector will ask for its reason", () => {
  expect(evidenceLines({ ...well, epoch: 2 })[0]).toContain("in the log's epoch 2");
});
