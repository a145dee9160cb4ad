import { expect, test } from "vitest";
import { monotonicNs, wallMs } from "../../base/time.ts";
import type { ArchivedScan } from "../../scan/archive.ts";
import { type HeldRegistration, judge, type Presentation } from "./verdict.ts";

const presented: Presentation = { badge: "7E00", ssin: "s", accepted: true, between: { fromMs: 7_900, toMs: 8_100 } };
const held: HeldRegistration = { ssin: "s", registrationMs: 7_000, type: "IN" };
const scan: ArchivedScan = {
  scanId: 1,
  readerId: "gate",
  badgeRaw: "7E00",
  badgeNumber: "7E00",
  workerReference: null,
  direction: "in",
  state: "registered",
  stamp: {
    bootId: "b",
    monotonicNs: monotonicNs(1n),
    utcMs: wallMs(7_999),
    how: "live",
    errorBoundMs: 5,
    earliestMs: wallMs(7_994),
    latestMs: wallMs(8_004),
    syncId: null,
    state: "synchronised",
    captureLagMs: 0,
  },
  reason: null,
  registrationId: "9",
  settledAt: null,
  attempts: 1,
  doubt: null,
};
const doubt = { attemptId: 4, outcome: "timed-out", detail: "", endedAt: wallMs(0), searched: null };
const verdict = (p: Presentation[], s: ArchivedScan[], h: HeldRegistration[]): readonly string[] =>
  judge(p, s, h).broken;

test("one presentation, one scan, one registration", () => {
  expect(verdict([presented], [scan], [held])).toEqual([]);
});

test("not accepted and nowhere is no loss; not accepted and registered once is no harm", () => {
  expect(verdict([{ ...presented, accepted: false }], [], [])).toEqual([]);
  expect(verdict([{ ...presented, accepted: false }], [scan], [held])).toEqual([]);
});

test.each([
  ["before the badge was shown", 7_890, 7_899],
  ["after it was answered", 8_102, 8_110],
])("a stamp that proves a moment %s is outside its bound", (_, earliestMs, latestMs) => {
  const stamp = { ...scan.stamp, earliestMs: wallMs(earliestMs), latestMs: wallMs(latestMs) };
  expect(verdict([presented], [{ ...scan, stamp }], [held])).toContain("outside its bound: scan 1, live");
});

test("a stamp without a bound is outside it", () => {
  const stamp = { ...scan.stamp, earliestMs: null, latestMs: null };
  expect(verdict([presented], [{ ...scan, stamp }], [held])).toContain("outside its bound: scan 1, live");
});

test("a scan of an unknown time may stay kept back beside one of the same act, and not alone", () => {
  const stamp = { ...scan.stamp, how: "bracket" } as const;
  const kept: ArchivedScan = { ...scan, scanId: 2, state: "withheld", registrationId: null, stamp };
  expect(verdict([presented], [scan, kept], [held])).toEqual([]);
  expect(verdict([presented], [kept], [])).toContain("lost: 7E00 was accepted and is not in the store");
  expect(verdict([presented], [scan, { ...kept, stamp: scan.stamp }], [held])).not.toEqual([]);
});

test("two registrations are explained by a doubt, and by nothing else", () => {
  expect(verdict([presented], [{ ...scan, doubt }], [held, held])).toEqual([]);
  expect(verdict([presented], [scan], [held, held])).toEqual(["registered twice, unmarked: scan 1"]);
});

test.each([
  ["lost: 7E00 was accepted and is not in the store", [presented], [], []],
  ["lost: 7E00 was accepted and is not registered", [presented], [scan], []],
  ["stored twice: 7E00 has 2 scans that are no doubles", [presented], [scan, { ...scan, scanId: 2 }], [held]],
  ["unsettled: scan 1 ended as waiting", [presented], [{ ...scan, state: "waiting" as const }], [held]],
  [
    "altered: scan 1 is registered with another time or direction",
    [presented],
    [scan],
    [{ ...held, registrationMs: 8_000 }],
  ],
  [
    "altered: scan 1 is registered with another time or direction",
    [presented],
    [scan],
    [{ ...held, type: "OUT" as const }],
  ],
  ["invented: 7E00 is registered without a scan", [presented], [], [held]],
  ["invented: a registration of somebody who never badged", [presented], [scan], [held, { ...held, ssin: "t" }]],
] as const)("%s", (line, p, s, h) => {
  expect(verdict([...p], [...s], [...h])).toContain(line);
});
