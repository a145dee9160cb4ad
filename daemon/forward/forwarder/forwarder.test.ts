import { describe, expect, test } from "vitest";
import { type MonotonicNs, monotonicNs, wallMs } from "../../base/time.ts";
import { dueScan } from "../../testing/memory-queue.ts";
import { openWindow } from "../../testing/receipt-windows.ts";
import { callMaxScans } from "../call-size.ts";
import type { AttemptOutcome, Claim } from "../queue.ts";
import type { CallOutcome } from "../upstream.ts";
import { aheadMaxMs, rejoinSpreadMs } from "./call-step.ts";
import { step } from "./forwarder.ts";
import {
  type ForwarderAction,
  type ForwarderInput,
  type ForwarderState,
  initialState,
  type Now,
  type Outgoing,
} from "./forwarder-state.ts";
import { resolveMaxScans } from "./moves.ts";
import { heldBackRestMaxMs } from "./next-call.ts";

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
const outgoing = (found: Claim): Outgoing => ({ claim: found, traceId: "trace", window: openWindow });
type Looked = Extract<ForwarderInput, { kind: "looked" }>;
const looked = (found: Claim | null, besides: Partial<Looked> = {}): Looked => ({
  kind: "looked",
  found: found === null ? null : outgoing(found),
  resolved: 0,
  lookAgainMs: null,
  oldestDoubt: null,
  ...besides,
});
const report = (outcome: AttemptOutcome, httpStatus: number | null = null) =>
  ({ outcome, httpStatus, relatedTraceId: null, detail: "" }) as const;
const created = { kind: "created", registrationId: "1", validity: "pending", remarks: [] } as const;
const answered: CallOutcome = { kind: "answered", items: [created, created], report: report("answered", 200) };
const refusedConnection: CallOutcome = { kind: "not-processed", retryAfterMs: null, report: report("not-connected") };
const ended = (outcome: CallOutcome, isAheadStale = false): ForwarderInput => ({
  kind: "ended",
  outcome,
  isAheadStale,
});
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
    ["starting", [], 0, { kind: "rested" }, "starting", []],
    ["starting", [[0, broken]], 1, { kind: "rested" }, "starting", ["recover"]],
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
  const full = [...toIdle, [10, { kind: "polled" }], [11, looked(null, { resolved: resolveMaxScans })]] as const;
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

describe("a backlog that is sent without a pace", () => {
  const unpaced = { callIntervalMs: 0 };
  const full = (attemptId: number): Claim => ({
    attemptId,
    scans: Array.from({ length: callMaxScans }, (_, worker) =>
      dueScan({ scanId: attemptId * 1_000 + worker, worker, utcMs: wallMs(noon) }),
    ),
  });
  const registered: CallOutcome = {
    kind: "answered",
    items: Array.from({ length: callMaxScans }, () => created),
    report: report("answered", 200),
  };
  const done = (ahead: Claim | null): ForwarderInput => ({
    kind: "beside-done",
    ahead: ahead === null ? null : outgoing(ahead),
  });
  const toQuick = [
    [0, { kind: "recovered", scans: 0 }],
    [0, looked(full(1))],
    [10, ended(registered)],
    [12, { kind: "settled" }],
    [14, looked(full(2))],
  ] as const;
  const toAhead = [...toQuick, [15, done(full(3))]] as const;
  const unsentOf = (claim: Claim): object => ({
    attemptId: claim.attemptId,
    report: { outcome: "interrupted" },
    settlements: claim.scans.map(({ scanId }) => ({ kind: "again", scanId })),
  });

  test("claims the next call beside one, which leaves as soon as that went through, its outcomes written beside it", () => {
    expect(play(toQuick, unpaced).last).toMatchObject([
      { kind: "beside", written: null, request: { limit: callMaxScans } },
      { kind: "call", outgoing: { claim: { attemptId: 2 } } },
    ]);
    expect(play([...toAhead, [20, ended(registered)]], unpaced).last).toMatchObject([
      { kind: "log" },
      { kind: "beside", written: { attemptId: 2 }, request: { limit: callMaxScans } },
      { kind: "call", outgoing: { claim: { attemptId: 3 } } },
    ]);
  });

  test("ends with a call that is not full: its outcomes are written, and the queue is looked at again", () => {
    const few: Claim = { attemptId: 3, scans: full(3).scans.slice(0, 2) };
    const lastCall = play([...toQuick, [15, done(few)], [20, ended(registered)]], unpaced);
    expect(lastCall.last.slice(1)).toMatchObject([
      { kind: "beside", written: { attemptId: 2 }, request: null },
      { kind: "call", outgoing: { claim: few } },
    ]);
    const { state, last } = play(
      [
        [25, done(null)],
        [30, ended(answered)],
      ],
      unpaced,
      lastCall.state,
    );
    expect(last.slice(1)).toMatchObject([{ kind: "settle", written: { attemptId: 3 } }]);
    expect(kinds(step(state, { kind: "settled" }, now(31), half).actions)).toEqual(["look"]);
  });

  test.each<[string, ForwarderInput]>([
    ["failed", ended(refusedConnection)],
    ["went through too late for it", ended(registered, true)],
  ])("gives back unsent what was claimed beside a call that %s, before anything else is claimed", (_, end) => {
    const { state, last } = play([...toAhead, [20, end]], unpaced);
    expect(kinds(last)).toEqual(["settle"]);
    expect(last.at(-1)).toMatchObject({ written: { attemptId: 2 } });
    const given = step(state, { kind: "settled" }, now(21), half);
    expect(given.actions).toMatchObject([{ kind: "settle", written: unsentOf(full(3)) }]);
    expect(kinds(step(given.state, { kind: "settled" }, now(22), half).actions)).not.toContain("call");
  });

  test("and so does an order to stop", () => {
    const { state } = play([...toAhead, [16, { kind: "stop" }], [20, ended(registered)]], unpaced);
    const given = step(state, { kind: "settled" }, now(21), half);
    expect(given.actions).toMatchObject([{ kind: "settle", written: unsentOf(full(3)) }]);
    expect(step(given.state, { kind: "settled" }, now(22), half).state.phase.kind).toBe("stopped");
  });

  test("outcomes that could not be written beside a call are written behind it, first", () => {
    const { state, last } = play(
      [...toAhead, [20, ended(registered)], [21, { kind: "beside-failed", error: new Error("disk full") }]],
      unpaced,
    );
    expect(last).toMatchObject([{ kind: "log", line: { fields: { operation: "settle" } } }]);
    const behind = step(state, ended(registered), now(30), half);
    expect(behind.actions.slice(1)).toMatchObject([{ kind: "settle", written: { attemptId: 2 } }]);
    const { actions } = step(behind.state, { kind: "settled" }, now(31), half);
    expect(actions).toMatchObject([{ kind: "settle", written: { attemptId: 3 } }]);
  });

  const before = toQuick.slice(0, 4);
  const slow = aheadMaxMs + 1;
  const afterSlow = [
    ...toQuick.slice(0, 2),
    [slow, ended(registered)],
    [slow, { kind: "settled" }],
    [slow, looked(full(2))],
  ] as const;
  const paced = [...before, [20, { kind: "rested" }], [20, looked(full(2))]] as const;
  const learning = looked(full(2), { resolved: resolveMaxScans });
  const inDoubt = looked(full(2), { oldestDoubt: wallMs(noon) });

  test.each<[string, number, readonly (readonly [number, ForwarderInput])[]]>([
    ["with a pace", 1, paced],
    ["after a slow call", 0, afterSlow],
    ["while a scan is in doubt", 0, [...before, [14, inDoubt]]],
    ["when the roster is to be looked at", 0, [...before, [14, learning]]],
    ["when it is not full", 0, [...before, [14, looked(claim)]]],
  ])("a call claims nothing beside it %s", (_, callIntervalMs, inputs) => {
    expect(kinds(play(inputs, { callIntervalMs }).last)).toEqual(["call"]);
  });
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
  expect(look).toMatchObject({ kind: "look", request: { limit: callMaxScans, now: noon } });
});

test("a look that was throttled keeps calls away as well, a minute at most", () => {
  const { state } = play([...toIdle, [10, { kind: "throttled", forMs: 5_000 }]]);
  expect(step(state, { kind: "woken" }, now(20), half).actions).toEqual([{ kind: "rest", delayMs: 4_990 }]);
  const long = step(state, { kind: "throttled", forMs: 3_600_000 }, now(20), half).state;
  expect(step(long, { kind: "woken" }, now(20), half).actions).toEqual([{ kind: "rest", delayMs: 60_000 }]);
  const none = step(state, { kind: "throttled", forMs: -1 }, now(20), half).state;
  expect(step(none, { kind: "woken" }, now(20), half).actions).toEqual([{ kind: "rest", delayMs: 4_990 }]);
});

test("a look that was throttled while the queue was asked keeps the call that it claimed back, without doubt", () => {
  const { state, last } = play([
    [0, { kind: "recovered", scans: 0 }],
    [1, { kind: "throttled", forMs: 60_000 }],
    [2, looked(claim)],
  ]);
  const settlements = claim.scans.map(({ scanId }) => ({ kind: "again", scanId, notBefore: null }));
  expect(last).toMatchObject([{ kind: "settle", written: { report: { outcome: "interrupted" }, settlements } }]);
  expect(step(state, { kind: "settled" }, now(3), half).actions).toEqual([{ kind: "rest", delayMs: 60_000 - 2 }]);
  const seeking = {
    ...state,
    phase: { kind: "looking", doubts: { kind: "seek", endedBefore: wallMs(noon) } },
  } as const;
  expect(kinds(step(seeking, looked(claim), now(3), half).actions)).toEqual(["settle"]);
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
    const { actions, state: after } = step(state, { kind: "hastened" }, now(40), half);
    expect([actions, after.nextCallNs]).toEqual([[], state.nextCallNs]);
  });

  test("ends nothing that the service asked for", () => {
    const unavailable = report("server-error", 503);
    const state = inBackoff({ kind: "ambiguous", retryAfterMs: 600_000, report: unavailable });
    const { actions, state: after } = step(state, { kind: "hastened" }, now(40), half);
    expect(actions).toEqual([{ kind: "rest", delayMs: 600_000 - 20 }]);
    expect(after.phase.kind).toBe("resting");
    const quiet = step(inBackoff(refusedConnection), { kind: "throttled", forMs: 60_000 }, now(40), half).state;
    expect(step(quiet, { kind: "hastened" }, now(50), half).actions).toEqual([{ kind: "rest", delayMs: 60_000 - 10 }]);
  });

  test("ends the wait for a token, for which the service did not ask", () => {
    const state = inBackoff({ kind: "not-processed", retryAfterMs: 290_000, report: report("no-token") });
    expect(step(state, { kind: "rested" }, now(40), half).actions).toEqual([{ kind: "rest", delayMs: 290_000 - 20 }]);
    expect(kinds(step(state, { kind: "hastened" }, now(40), half).actions)).toEqual(["look"]);
  });

  /** A night without network, of calls that hang: the backoff has come to its longest. */
  const night = Array.from({ length: 12 }, (_, call) => call * 400_000).flatMap((atMs) => [
    [atMs, { kind: "rested" } as const] as const,
    [atMs, looked(claim)] as const,
    [atMs + 10_000, ended(refusedConnection)] as const,
    [atMs + 10_001, { kind: "settled" } as const] as const,
  ]);
  const morning = 12 * 400_000;
  const dawn = [
    [0, { kind: "recovered", scans: 0 }],
    ...night.slice(1),
    [morning, { kind: "rested" }],
    [morning, looked(claim)],
  ] as const;
  const restAfter = (...inputs: Parameters<typeof play>[0]): number =>
    play([...dawn, ...inputs]).last.reduce((sum, action) => (action.kind === "rest" ? action.delayMs : sum), 0);

  test("while a call hangs that left before ends the backoff after that call as well", () => {
    const failed = [morning + 10_000, ended(refusedConnection)] as const;
    const settled = [morning + 10_000, { kind: "settled" }] as const;
    expect(restAfter(failed, settled)).toBe(150_000);
    expect(restAfter([morning + 9_000, { kind: "hastened" }], failed, settled)).toBe(1_000);
    expect(restAfter(failed, [morning + 10_000, { kind: "hastened" }], settled)).toBe(0);
    const throttled: CallOutcome = { kind: "not-processed", retryAfterMs: null, report: report("throttled", 429) };
    expect(restAfter([morning + 9_000, { kind: "hastened" }], [morning + 10_000, ended(throttled)], settled)).toBe(
      150_000,
    );
  });

  test("says nothing of a call that leaves after it", () => {
    const next = [
      [morning + 10_000, ended(refusedConnection)],
      [morning + 10_000, { kind: "hastened" }],
      [morning + 10_000, { kind: "settled" }],
      [morning + 10_001, looked(claim)],
      [morning + 20_000, ended(refusedConnection)],
      [morning + 20_000, { kind: "settled" }],
    ] as const;
    expect(restAfter(...next)).toBe(150_000);
  });

  test("hastens nothing while all is well", () => {
    const { state } = play(toIdle);
    const { actions, state: after } = step(state, { kind: "hastened" }, now(10), half);
    expect([actions, after.nextCallNs]).toEqual([[], state.nextCallNs]);
  });
});

test("calls that are held back one after the other are looked at anew after a rest, a short one for ever", () => {
  const heldBack = ended({ kind: "held-back", report: report("held-back", null) });
  const unpaced = { callIntervalMs: 0 };
  let { state } = play([[0, { kind: "recovered", scans: 0 }]], unpaced);
  const rests: number[] = [];
  for (let atMs = 1_000; atMs < 300_000; atMs += 10_000) {
    const inputs = [
      [atMs, looked(claim)],
      [atMs, heldBack],
      [atMs, { kind: "settled" }],
    ] as const;
    const round = play(inputs, unpaced, state);
    rests.push(...round.last.flatMap((action) => (action.kind === "rest" ? [action.delayMs] : [])));
    state = round.last.some(({ kind }) => kind === "rest")
      ? step(round.state, { kind: "rested" }, now(atMs + heldBackRestMaxMs), half).state
      : round.state;
    expect(state.phase.kind).toBe("looking");
  }
  expect(rests).toHaveLength(29);
  expect(rests.slice(0, 3)).toEqual([500, 1_000, 2_000]);
  expect(Math.max(...rests)).toBe(heldBackRestMaxMs);
  const through = play(
    [
      [400_000, looked(claim)],
      [400_000, ended(answered)],
      [400_000, { kind: "settled" }],
    ],
    unpaced,
    state,
  );
  const once = play(
    [
      [400_000, looked(claim)],
      [400_000, heldBack],
      [400_000, { kind: "settled" }],
    ],
    unpaced,
    through.state,
  );
  expect(kinds(once.last)).toEqual(["look"]);
});

describe("a claim of which no answer came", () => {
  const failedLook = [...toIdle, [10, { kind: "woken" }], [10, broken]] as const;

  test("has what it may have marked brought back before the next look", () => {
    const { state, last } = play([...failedLook, [2_000, { kind: "rested" }]]);
    expect(last).toMatchObject([{ kind: "recover" }]);
    expect(kinds(step(state, { kind: "recovered", scans: 2 }, now(2_001), half).actions)).toEqual(["look"]);
    const { last: again } = play(
      [
        [2_001, { kind: "recovered", scans: 2 }],
        [2_002, broken],
        [4_000, { kind: "rested" }],
      ],
      undefined,
      state,
    );
    expect(again).toMatchObject([{ kind: "recover" }]);
  });

  test("brings nothing back while the call before it is not written", () => {
    const full: Claim = {
      ...claim,
      scans: Array.from({ length: callMaxScans }, (_, scanId) =>
        dueScan({ scanId, worker: scanId, utcMs: wallMs(noon) }),
      ),
    };
    const through: CallOutcome = { ...answered, items: full.scans.map(() => created) };
    const settings = { callIntervalMs: 0 };
    const called = play(
      [
        [0, { kind: "recovered", scans: 0 }],
        [1, looked(full)],
        [2, ended(through)],
        [3, { kind: "settled" }],
        [4, looked(full)],
      ],
      settings,
    );
    expect(kinds(called.last)).toEqual(["beside", "call"]);
    const lost = play(
      [
        [5, { kind: "beside-failed", error: new Error("gone") }],
        [6, ended(through)],
      ],
      settings,
      called.state,
    );
    expect(kinds(lost.last)).toEqual(["settle"]);
    expect(kinds(step(lost.state, { kind: "settled" }, now(7), half).actions)).toEqual(["recover"]);
  });
});

test("a call that did not leave is looked at anew at once, and is neither a failure nor a doubt", () => {
  const heldBack: CallOutcome = { kind: "held-back", report: report("held-back", null) };
  const { state, last } = play([...toCalling, [20, ended(heldBack)]]);
  expect(last).toMatchObject([
    { kind: "log", line: { level: "info" } },
    {
      kind: "settle",
      written: { report: { outcome: "held-back" }, settlements: [{ kind: "again" }, { kind: "again" }] },
    },
  ]);
  expect(state).toMatchObject({ failures: 0, lastOutcome: null });
  expect(step(state, { kind: "settled" }, now(21), half).actions).toMatchObject([
    { kind: "look", request: { limit: callMaxScans } },
  ]);
});

test("a scan of the service's future is looked for again when it is none, and no sooner than somebody wakes", () => {
  const waiting = play([
    [0, { kind: "recovered", scans: 0 }],
    [1, looked(null, { lookAgainMs: 700 })],
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
  expect(last[0]).toMatchObject({ kind: "look", request: { limit: 1 } });
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
    "service refuses the credentials or what they may do, scans kept",
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
