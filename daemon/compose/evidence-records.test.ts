import { expect, test } from "vitest";
import { present } from "../base/assert.ts";
import { monotonicNs, wallMs } from "../base/time.ts";
import { withInterval } from "../clock/stamp.ts";
import { findingOf } from "../outage/cause.ts";
import { exemptionOf } from "../outage/explanation.ts";
import { type Layers, nothingSeen } from "../outage/layers.ts";
import {
  initialWatch,
  type Moment,
  type OutageWindow,
  type Sample,
  step,
  type WatchState,
  type WindowChange,
} from "../outage/windows.ts";
import {
  clockEventRecord,
  isRecorded,
  recordMoment,
  sampleRecord,
  sampleText,
  synchronisationRecord,
  windowRecords,
} from "./evidence-records.ts";

const service = { cause: "service", exemption: "presumed", settledBy: [] } as const;

function moment(utcMs: number, errorBoundMs: number | null = 2.5): Moment {
  return { bootId: "boot", monotonicNs: monotonicNs(BigInt(utcMs) * 1_000_000n), utcMs: wallMs(utcMs), errorBoundMs };
}

function sample(atMs: number, changed: Partial<Sample> = {}): Sample {
  return {
    began: moment(atMs),
    at: moment(atMs),
    layers: nothingSeen,
    finding: null,
    isWhole: true,
    hasSlept: false,
    ...changed,
  };
}

function windowOf(changed: Partial<OutageWindow> = {}): OutageWindow {
  return {
    key: "boot/1",
    lastGood: moment(1000),
    firstBad: moment(2000),
    openedAt: moment(2500),
    segments: [{ from: moment(2000), finding: service, layers: { ...nothingSeen, service: "unreachable" } }],
    flaps: 0,
    gaps: [],
    end: null,
    ...changed,
  };
}

test("times are rounded so that what they claim stays true", () => {
  const stamp = withInterval({
    bootId: "boot",
    monotonicNs: monotonicNs(1_999_999n),
    captureLagMs: 0,
    how: "live",
    utcMs: wallMs(1000.5),
    errorBoundMs: 2.2,
    syncId: null,
    state: "synchronised",
  });
  expect(recordMoment(stamp)).toEqual({ boot: "boot", mono: 1, wall: 1000, err: 3, state: "synchronised" });
});

test("both ends of a window are widened by the bounds of their moments", () => {
  const closed = windowOf({ end: { lastBad: moment(9000), firstGood: moment(9500) } });
  expect(windowRecords({ kind: "closed", window: closed })).toMatchObject([
    { kind: "window", data: { id: "boot/1", change: "closed", start: [997, 2003], end: [8997, 9503] } },
  ]);
  const unproven = windowOf({ lastGood: null, firstBad: moment(2000, null) });
  expect(windowRecords({ kind: "opened", window: unproven })).toMatchObject([
    { data: { start: [null, null], end: null } },
  ]);
});

test("what the box itself did is told with the sample that nobody could take", () => {
  const layers = { ...nothingSeen, box: "crashed" } as const;
  const finding = { cause: "own-software", exemption: "not-exempt", settledBy: [] } as const;
  const window = windowOf({ segments: [{ from: moment(2000), finding, layers }] });
  expect(windowRecords({ kind: "closed", window }).map(({ kind }) => kind)).toEqual(["sample", "window"]);
});

const well: Layers = { ...nothingSeen, link: "up", lan: "ok", dns: "ok", anchors: "all", service: "ok", token: "ok" };
const seen = {
  well,
  refused: { ...well, service: "refuses-us" },
  cable: { ...well, link: "down", lan: "failed", dns: "unknown", anchors: "unknown", service: "unknown" },
  line: { ...well, dns: "failed", anchors: "none", service: "unreachable" },
} as const satisfies Record<string, Layers>;

function changesOf(looks: readonly (keyof typeof seen)[]): readonly WindowChange[] {
  let state: WatchState = initialWatch;
  const changes: WindowChange[] = [];
  for (const [index, name] of looks.entries()) {
    const next = step(state, sample(index * 5000, { layers: seen[name], finding: findingOf(seen[name]) }));
    state = next.state;
    changes.push(...next.changes);
  }
  return changes;
}

test.each([
  ["before it was known for a window", ["well", "refused", "line", "line", "line", "well"]],
  ["before it failed again", ["well", "line", "line", "line", "well", "cable", "refused", "line", "line", "well"]],
] as const)("the log names every cause of a window, also one that was seen only %s", (_, looks) => {
  const changes = changesOf(looks);
  const records = changes.flatMap(windowRecords).flatMap(({ kind, data }) => (kind === "window" ? [data] : []));
  const window = present(changes.at(-1), "it has ended").window;
  expect(new Set(records.map(({ cause }) => cause))).toEqual(
    new Set(window.segments.map(({ finding }) => finding.cause)),
  );
  expect(exemptionOf({ window, otherChannelWorked: false })).toBe("not-exempt");
  expect(records.map(({ exemption }) => exemption)).toContain("not-exempt");
});

test("in peace whole looks are recorded, and no others", () => {
  expect(isRecorded(sample(0), false, null)).toBe(true);
  expect(isRecorded(sample(0, { isWhole: false }), false, null)).toBe(false);
});

test("what fails is recorded until it is known for a window, then when it changes and every half a minute", () => {
  const failing = (atMs: number): Sample => sample(atMs, { finding: service });
  const last = { atNs: failing(0).at.monotonicNs, text: sampleText(failing(0)) };
  expect(isRecorded(failing(5000), false, last)).toBe(true);
  expect(isRecorded(failing(5000), true, last)).toBe(false);
  expect(isRecorded(failing(30_000), true, last)).toBe(true);
  expect(isRecorded({ ...failing(5000), layers: { ...nothingSeen, link: "down" } }, true, last)).toBe(true);
  expect(sampleRecord(failing(0)).data).toMatchObject({ cause: "service", whole: true });
});

test("a contradiction has no size, a step has one", () => {
  const since = { sinceNs: monotonicNs(0n), atNs: monotonicNs(1n) };
  expect(clockEventRecord({ kind: "contradiction", ...since }).data).toEqual({ kind: "contradiction", ms: null });
  expect(clockEventRecord({ kind: "step", ...since, byMs: -1500.4 }).data).toEqual({ kind: "step", ms: -1500 });
});

test("a synchronisation tells how far the system clock was behind", () => {
  const row = {
    syncId: "boot/1",
    bootId: "boot",
    atNs: monotonicNs(5_000_000n),
    ppm: 1,
    sources: [],
    result: { kind: "no-quorum", why: "too-few", usable: 0 },
  } as const;
  expect(synchronisationRecord(row as never, 0)).toBeNull();
  const result = { kind: "quorum", thetaNs: 1_000_000_000n, boundNs: 1_500n, verdicts: new Map(), warnings: [] };
  expect(synchronisationRecord({ ...row, result } as never, 1004)?.data).toEqual({
    id: "boot/1",
    offsetUs: 1000,
    boundUs: 2,
    servers: 0,
    falseTickers: 0,
  });
});
