import { describe, expect, test } from "vitest";
import { type MonotonicNs, monotonicNs, wallMs } from "../base/time.ts";
import { dueScan } from "../testing/memory-queue.ts";
import { callMaxScans } from "./call-size.ts";
import {
  type ForwarderAction,
  type ForwarderInput,
  type ForwarderState,
  initialState,
  type Now,
  rejoinSpreadMs,
  resolveMaxScans,
  step,
} from "./forwarder.ts";
import type { AttemptOutcome, Claim } from "./queue.ts";
import type { CallOutcome } from "./upstream.ts";

const noon = 1_780_000_000_000;
const half = (): number => 0.5;
const now = (ms: number, wall = noon + ms): Now => ({
  monotonicNs: monotonicNs(BigInt(ms + 1_000) * 1_000_000n) as MonotonicNs,
  wallMs: wallMs(wall),
});

/** Feeds inputs one after the other, each at its moment in milliseconds. */
function play(
  inputs: readonly (readonly [atMs: number, input: ForwarderInput])[],
  settings = { callIntervalMs: 1_000 },
  from: ForwarderState = initialState(settings),
): { readonly state: ForwarderState; readonly last: readonly ForwarderAction[] } {
  let state = from;
  let last: readonly ForwarderAction[] = [];
  for (const [atMs, input] of inputs) {
    const next = step(state, input, now(atMs), half);
    state = next.state;
    last = next.actions;
  }
  return { state, last };
}

const claim: Claim = {
  attemptId: 4,
  scans: [1, 2].map((scanId) => dueScan({ scanId, worker: scanId, utcMs: wallMs(noon) })),
};
const looked = (found: Claim | null, resolved = 0, lookAgainMs: number | null = null): ForwarderInput => ({
  kind: "looked",
  claim: found,
  resolved,
  traceId: "trace",
  lookAgainMs,
  oldestDoubt: null,
  isStale: false,
});
const report = (outcome: AttemptOutcome, httpStatus: number | null = null) =>
  ({ outcome, httpStatus, relatedTraceId: null, detail: "" }) as const;
const created = { kind: "created", registrationId: "1", validity: "pending", remarks: [] } as const;
const answered: CallOutcome = { kind: "answered", items: [created, created], report: report("answered", 200) };
const refusedConnection: CallOutcome = { kind: "not-processed", retryAfterMs: null, report: report("not-connected") };
const ended = (outcome: CallOutcome): ForwarderInput => ({ kind: "ended", outcome });
const broken: ForwarderInput = { kind: "store-failed", error: new Error("disk full") };
const kinds = (actions: readonly ForwarderAction[]): readonly string[] =>
  actions.filter((action) => action.kind !== "log").map((action) => action.kind);

const toIdle = [
  [0, { kind: "started" }],
  [0, { kind: "recovered", scans: 0 }],
  [0, looked(null)],
] as const;
const toCalling = [...toIdle, [10, { kind: "woken" }], [10, looked(claim)]] as const;

describe("each phase answers each input", () => {
  const toLooking = [...toIdle, [10, { kind: "woken" }]] as const;
  const toSettling = [...toCalling, [20, ended(answered)]] as const;
  const toRetrying = [...toSettling, [30, broken]] as const;
  const toResting = [...toSettling, [30, { kind: "settled" }]] as const;
  const toBackoff = [...toCalling, [20, ended(refusedConnection)], [30, { kind: "settled" }]] as const;

  test.each<
    [string, readonly (readonly [number, ForwarderInput])[], number, ForwarderInput, string, readonly string[]]
  >([
    ["starting", [], 0, { kind: "started" }, "starting", ["recover"]],
    ["starting", [], 0, { kind: "recovered", scans: 3 }, "looking", ["look"]],
    ["starting", [], 0, broken, "starting", ["rest"]],
    ["starting", [], 0, { kind: "rested" }, "starting", ["recover"]],
    ["starting", [], 0, { kind: "woken" }, "starting", []],
    ["starting", [], 0, { kind: "stop" }, "stopped", []],
    ["idle", toIdle, 10, { kind: "woken" }, "looking", ["look"]],
    ["idle", toIdle, 10, { kind: "polled" }, "looking", ["look"]],
    ["idle", toIdle, 10, { kind: "rested" }, "looking", ["look"]],
    ["idle", toIdle, 10, { kind: "stop" }, "stopped", []],
    ["looking", toLooking, 10, looked(claim), "calling", ["call"]],
    ["looking", toLooking, 10, looked(null), "idle", []],
    ["looking", toLooking, 10, { kind: "woken" }, "looking", []],
    ["looking", toLooking, 10, broken, "resting", ["rest"]],
    ["looking", toLooking, 10, { kind: "stop" }, "looking", []],
    ["calling", toCalling, 20, { kind: "woken" }, "calling", []],
    ["calling", toCalling, 20, { kind: "polled" }, "calling", []],
    ["calling", toCalling, 20, { kind: "stop" }, "calling", []],
    ["calling", toCalling, 20, ended(answered), "settling", ["settle"]],
    ["calling", toCalling, 20, ended(refusedConnection), "settling", ["settle"]],
    ["settling", toSettling, 30, { kind: "settled" }, "resting", ["rest"]],
    ["settling", toSettling, 30, { kind: "woken" }, "settling", []],
    ["settling", toSettling, 30, broken, "settling", ["rest"]],
    ["settling", toSettling, 30, { kind: "rested" }, "settling", []],
    ["settling", toSettling, 30, { kind: "stop" }, "settling", []],
    ["retrying", toRetrying, 2_000, { kind: "woken" }, "settling", []],
    ["retrying", toRetrying, 2_000, { kind: "polled" }, "settling", []],
    ["retrying", toRetrying, 2_000, { kind: "rested" }, "settling", ["settle"]],
    ["retrying", toRetrying, 2_000, { kind: "stop" }, "settling", ["settle"]],
    ["resting", toResting, 1_020, { kind: "rested" }, "looking", ["look"]],
    ["resting", toResting, 500, { kind: "rested" }, "resting", ["rest"]],
    ["resting", toResting, 500, { kind: "woken" }, "resting", []],
    ["resting", toResting, 500, { kind: "stop" }, "stopped", []],
    ["backing off", toBackoff, 40, { kind: "woken" }, "resting", []],
    ["backing off", toBackoff, 40, { kind: "polled" }, "resting", []],
    ["backing off", toBackoff, 2_000, { kind: "rested" }, "looking", ["look"]],
    ["stopped", [...toIdle, [5, { kind: "stop" }]], 10, { kind: "woken" }, "stopped", []],
    ["stopped", [...toIdle, [5, { kind: "stop" }]], 10, { kind: "rested" }, "stopped", []],
  ])("%s (%#): %j", (_, before, atMs, input, phase, actions) => {
    const { state, last } = play([...before, [atMs, input]]);
    expect(state.phase.kind).toBe(phase);
    expect(kinds(last)).toEqual(actions);
  });
});

test("a scan stored while the queue was answering is looked for again", () => {
  const { state, last } = play([...toIdle, [10, { kind: "woken" }], [11, { kind: "woken" }], [12, looked(null)]]);
  expect(state.phase.kind).toBe("looking");
  expect(kinds(last)).toEqual(["look"]);
});

test("a first look, and each poll, asks for scans whose badge was learnt; waking alone does not", () => {
  const resolveOf = (inputs: Parameters<typeof play>[0]): unknown =>
    play(inputs).last.flatMap((action) => (action.kind === "look" ? [action.resolve] : []));
  expect(resolveOf([[0, { kind: "recovered", scans: 0 }]])).toEqual([resolveMaxScans]);
  expect(resolveOf([...toIdle, [10, { kind: "woken" }]])).toEqual([0]);
  expect(resolveOf([...toIdle, [10, { kind: "polled" }]])).toEqual([resolveMaxScans]);
  const full = [...toIdle, [10, { kind: "polled" }], [11, looked(null, resolveMaxScans)]] as const;
  expect(resolveOf(full)).toEqual([resolveMaxScans]);
});

test("nothing is claimed before the outcomes of a call are written, however often that fails", () => {
  let { state } = play([...toCalling, [20, ended(answered)]]);
  for (let atMs = 1_000; atMs < 1_000_000; atMs += 1_000) {
    for (const input of [broken, { kind: "woken" }, { kind: "polled" }, { kind: "rested" }] as const) {
      const next = step(state, input, now(atMs), half);
      expect(next.actions.filter((action) => action.kind === "look" || action.kind === "call")).toEqual([]);
      state = next.state;
    }
  }
  expect(kinds(step(state, { kind: "settled" }, now(2_000_000), half).actions)).toEqual(["look"]);
});

describe("pace", () => {
  const delays = (actions: readonly ForwarderAction[]): readonly number[] =>
    actions.flatMap((action) => (action.kind === "rest" ? [action.delayMs] : []));

  test("the next call waits for the interval, counted from the end of the last", () => {
    expect(delays(play([...toCalling, [20, ended(answered)], [220, { kind: "settled" }]]).last)).toEqual([800]);
  });

  test("after a failure it waits for the backoff, with a Retry-After for that", () => {
    const throttled: CallOutcome = { kind: "not-processed", retryAfterMs: 90_000, report: report("throttled", 429) };
    expect(delays(play([...toCalling, [20, ended(throttled)], [20, { kind: "settled" }]]).last)).toEqual([90_000]);
  });

  test("the first full call after an outage waits a little longer, at random", () => {
    const single: Claim = { ...claim, scans: claim.scans.slice(0, 1) };
    const { last } = play([
      ...toCalling,
      [20, ended(refusedConnection)],
      [20, { kind: "settled" }],
      [5_000, { kind: "rested" }],
      [5_000, looked(single)],
      [5_010, ended({ ...answered, items: [created] })],
      [5_010, { kind: "settled" }],
    ]);
    expect(delays(last)).toEqual([1_000 + 0.5 * rejoinSpreadMs]);
  });

  test("the wall clock set back an hour delays nothing", () => {
    const { state } = play([...toCalling, [20, ended(answered)], [20, { kind: "settled" }]]);
    const next = step(state, { kind: "rested" }, now(1_020, noon - 3_600_000), half);
    expect(kinds(next.actions)).toEqual(["look"]);
  });
});

test("a look carries the limits in force", () => {
  const look = play([[0, { kind: "recovered", scans: 0 }]], { callIntervalMs: 0 }).last[0];
  expect(look).toMatchObject({ kind: "look", limit: callMaxScans, now: noon });
});

describe("an outage that is over", () => {
  const inBackoff = (outcome: CallOutcome) =>
    play([...toCalling, [20, ended(outcome)], [30, { kind: "settled" }]]).state;

  test("ends the backoff that it caused", () => {
    const { actions } = step(inBackoff(refusedConnection), { kind: "hastened" }, now(40), half);
    expect(kinds(actions)).toEqual(["look"]);
  });

  test.each(["throttled", "unauthorised"] as const)("does not end the one of a service that is %s", (outcome) => {
    const refused: CallOutcome = { kind: "not-processed", retryAfterMs: null, report: report(outcome, 429) };
    const state = inBackoff(refused);
    expect(step(state, { kind: "hastened" }, now(40), half)).toEqual({ state, actions: [] });
  });

  test("hastens nothing while all is well", () => {
    const { state } = play(toIdle);
    expect(step(state, { kind: "hastened" }, now(10), half)).toEqual({ state, actions: [] });
  });
});

test("scans that were judged too long ago do not leave, and wait again without doubt", () => {
  const stale = { ...looked(claim), isStale: true } as ForwarderInput;
  const { last } = play([...toIdle, [10, { kind: "woken" }], [5_000, stale]]);
  expect(last).toMatchObject([{ kind: "settle", written: { settlements: [{ kind: "again" }, { kind: "again" }] } }]);
});

test("a scan of the service's future is looked for again when it is none, and no sooner than somebody wakes", () => {
  const waiting = play([
    [0, { kind: "recovered", scans: 0 }],
    [1, looked(null, 0, 700)],
  ]);
  expect(waiting.last).toEqual([{ kind: "rest", delayMs: 700 }]);
  expect(kinds(step(waiting.state, { kind: "rested" }, now(701), half).actions)).toEqual(["look"]);
  expect(kinds(step(waiting.state, { kind: "woken" }, now(5), half).actions)).toEqual(["look"]);
});

test("after a failure the next look asks for one scan", () => {
  const { last } = play([
    ...toCalling,
    [20, ended(refusedConnection)],
    [20, { kind: "settled" }],
    [9_000, { kind: "rested" }],
  ]);
  expect(last[0]).toMatchObject({ kind: "look", limit: 1 });
});

test("scans claimed when the order to stop came go back without doubt", () => {
  const { state, last } = play([...toIdle, [10, { kind: "woken" }], [10, { kind: "stop" }], [11, looked(claim)]]);
  expect(last).toMatchObject([
    {
      kind: "settle",
      written: {
        report: { outcome: "interrupted" },
        settlements: [
          { kind: "again", scanId: 1 },
          { kind: "again", scanId: 2 },
        ],
      },
    },
  ]);
  expect(step(state, { kind: "settled" }, now(20), half).state.phase.kind).toBe("stopped");
});

test.each<[CallOutcome, "warn" | "error", string]>([
  [refusedConnection, "warn", "service not reachable, scans kept"],
  [{ ...refusedConnection, report: report("tls-failed") }, "warn", "service not reachable, scans kept"],
  [
    { ...refusedConnection, report: report("unauthorised", 401) },
    "error",
    "service refuses the credentials, scans kept",
  ],
  [{ ...refusedConnection, report: report("call-refused", 404) }, "error", "service refuses the call, scans kept"],
  [{ ...refusedConnection, report: report("throttled", 429) }, "warn", "service answered with an error, scans kept"],
])("%#: a failure is told in words of its own", (outcome, level, event) => {
  const lines = play([...toCalling, [20, ended(outcome)]]).last.flatMap((action) =>
    action.kind === "log" ? [action.line] : [],
  );
  expect(lines.at(-1)).toMatchObject({ level, event, fields: { count: 2, failedCalls: 1 } });
});

test("the end of an outage is told once", () => {
  const { state } = play([...toCalling, [20, ended(refusedConnection)], [20, { kind: "settled" }]]);
  const again = play(
    [
      [5_000, { kind: "rested" }],
      [5_000, looked(claim)],
      [5_010, ended(answered)],
    ],
    undefined,
    state,
  );
  const events = again.last.flatMap((action) => (action.kind === "log" ? [action.line.event] : []));
  expect(events).toEqual(["service reachable again", "scans registered"]);
});
