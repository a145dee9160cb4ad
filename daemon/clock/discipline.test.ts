import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type MonotonicNs, monotonicNs } from "../base/time.ts";
import { type Anchor, boundAt, utcAt } from "./anchor.ts";
import {
  anchorOf,
  type DisciplineInput,
  type DisciplineState,
  missedPollsMax,
  ppmOf,
  stepDiscipline,
  trustedBoundMaxNs,
} from "./discipline.ts";
import { magnitude, nsPerMs, nsPerSecond } from "./utc.ts";

const rates = { synchronisedPpm: 15, holdoverPpm: 100 };
/** 2026-03-14T12:00:00Z, far from the end of any month. */
const theta = 1_773_489_600n * nsPerSecond;

function seconds(value: number): MonotonicNs {
  return monotonicNs(BigInt(Math.round(value * 1e9)));
}

function anchor(atSeconds: number, offMs = 0, boundMs = 5, basis: Anchor["basis"] = "quorum"): Anchor {
  const atNs = seconds(atSeconds);
  return {
    syncId: `boot/${atSeconds}`,
    bootId: "boot",
    basis,
    atNs,
    thetaNs: theta + BigInt(Math.round(offMs * 1e6)),
    boundNs: BigInt(boundMs) * nsPerMs,
    oldestSampleNs: atNs,
    leapAnnounced: false,
  };
}

const old = anchor(0);
const fresh = anchor(100);
const far = anchor(100, 500);
const service = anchor(100, 0, 1500, "service");
const wide = anchor(0, 0, 1995);

const states = {
  unsynchronised: { kind: "unsynchronised" },
  synchronised: { kind: "synchronised", anchor: old, missedPolls: 0 },
  missedTwo: { kind: "synchronised", anchor: old, missedPolls: missedPollsMax - 1 },
  holdover: { kind: "holdover", anchor: old },
  onService: { kind: "holdover", anchor: anchor(0, 0, 1500, "service") },
  tooWide: { kind: "untrusted", why: "bound-too-wide", anchor: wide },
  contradicted: { kind: "untrusted", why: "contradicted", anchor: old, rival: anchor(50, 500) },
  suspended: { kind: "untrusted", why: "suspended" },
  againstItself: {
    kind: "untrusted",
    why: "contradicted",
    anchor: anchor(0, 0, 1500, "service"),
    rival: anchor(50, 60_000, 1500, "service"),
  },
} as const satisfies Record<string, DisciplineState>;

const quorum: DisciplineInput = { kind: "quorum", anchor: fresh };
const otherQuorum: DisciplineInput = { kind: "quorum", anchor: far };
const thirdQuorum: DisciplineInput = { kind: "quorum", anchor: anchor(100, -900) };
const wideQuorum = { kind: "quorum", anchor: anchor(100, 0, 300) } as const satisfies DisciplineInput;
const serviceSays: DisciplineInput = { kind: "service", anchor: service };
const rivalSays = {
  kind: "service-rival",
  anchor: anchor(100, 60_000, 1500, "service"),
} as const satisfies DisciplineInput;
const nearRival: DisciplineInput = { kind: "service-rival", anchor: anchor(100, 2_900, 1500, "service") };
const missed: DisciplineInput = { kind: "missed-poll" };
const overdue: DisciplineInput = { kind: "polls-overdue" };
const suspended: DisciplineInput = { kind: "suspended" };

const synchronisedOn = (held: Anchor): DisciplineState => ({ kind: "synchronised", anchor: held, missedPolls: 0 });

test.each<[keyof typeof states, string, DisciplineInput, DisciplineState]>([
  ["unsynchronised", "a quorum that agrees", quorum, synchronisedOn(fresh)],
  ["unsynchronised", "a missed poll", missed, states.unsynchronised],
  ["unsynchronised", "the service's clock", serviceSays, { kind: "holdover", anchor: service }],
  ["unsynchronised", "a suspend", suspended, states.unsynchronised],
  ["synchronised", "a quorum that agrees", quorum, synchronisedOn(fresh)],
  ["synchronised", "a wider quorum", wideQuorum, synchronisedOn(old)],
  [
    "synchronised",
    "a quorum 500 ms off",
    otherQuorum,
    { kind: "untrusted", why: "contradicted", anchor: old, rival: far },
  ],
  ["synchronised", "a missed poll", missed, { ...states.synchronised, missedPolls: 1 }],
  ["synchronised", "no poll for long", overdue, { kind: "holdover", anchor: old }],
  ["synchronised", "the service's clock", serviceSays, states.synchronised],
  ["synchronised", "a suspend", suspended, states.suspended],
  ["missedTwo", "a missed poll", missed, { kind: "holdover", anchor: old }],
  ["missedTwo", "a quorum that agrees", quorum, synchronisedOn(fresh)],
  ["holdover", "a quorum that agrees", quorum, synchronisedOn(fresh)],
  ["holdover", "a quorum 500 ms off", otherQuorum, { kind: "untrusted", why: "contradicted", anchor: old, rival: far }],
  ["holdover", "a missed poll", missed, states.holdover],
  ["holdover", "the service's clock", serviceSays, states.holdover],
  ["holdover", "a suspend", suspended, states.suspended],
  ["onService", "a quorum 500 ms off", otherQuorum, synchronisedOn(far)],
  ["onService", "the service's clock", serviceSays, { kind: "holdover", anchor: service }],
  [
    "onService",
    "an answer of the service a minute off",
    rivalSays,
    { kind: "untrusted", why: "contradicted", anchor: states.onService.anchor, rival: rivalSays.anchor },
  ],
  ["onService", "an answer of the service that both may err by", nearRival, states.onService],
  ["synchronised", "an answer of the service a minute off", rivalSays, states.synchronised],
  ["holdover", "an answer of the service a minute off", rivalSays, states.holdover],
  ["contradicted", "an answer of the service a minute off", rivalSays, states.contradicted],
  ["suspended", "an answer of the service a minute off", rivalSays, states.suspended],
  ["unsynchronised", "an answer of the service a minute off", rivalSays, states.unsynchronised],
  ["againstItself", "another answer that is off", rivalSays, { ...states.againstItself, rival: rivalSays.anchor }],
  ["againstItself", "the service's clock", serviceSays, { kind: "holdover", anchor: service }],
  ["againstItself", "a quorum that agrees", quorum, synchronisedOn(fresh)],
  ["againstItself", "a suspend", suspended, states.suspended],
  ["tooWide", "a quorum that agrees", quorum, synchronisedOn(fresh)],
  ["tooWide", "the service's clock", serviceSays, { kind: "holdover", anchor: service }],
  ["tooWide", "a missed poll", missed, states.tooWide],
  ["tooWide", "no poll for long", overdue, states.tooWide],
  ["contradicted", "a quorum 500 ms off", otherQuorum, synchronisedOn(far)],
  ["contradicted", "a quorum that agrees", quorum, synchronisedOn(fresh)],
  [
    "contradicted",
    "a quorum 900 ms off the other way",
    thirdQuorum,
    { ...states.contradicted, rival: anchor(100, -900) },
  ],
  ["contradicted", "the service's clock", serviceSays, states.contradicted],
  ["contradicted", "a missed poll", missed, states.contradicted],
  ["suspended", "a quorum that agrees", quorum, synchronisedOn(fresh)],
  ["suspended", "the service's clock", serviceSays, { kind: "holdover", anchor: service }],
  ["suspended", "a missed poll", missed, states.suspended],
])("%s on %s", (from, _, input, to) => {
  expect(stepDiscipline(states[from], input, seconds(100), rates).state).toEqual(to);
});

test.each([
  ["agrees with both, when no third quorum came", 0, 300, "holdover"],
  ["agrees with both, while a third may come", 0, 200, "untrusted"],
  ["may be out of the bound of one of them", 1_499, 300, "untrusted"],
] as const)("contradicted on the service's clock that %s", (_, offMs, atSeconds, kind) => {
  const input: DisciplineInput = { kind: "service", anchor: anchor(atSeconds, offMs, 1500, "service") };
  expect(stepDiscipline(states.contradicted, input, seconds(atSeconds), rates).state.kind).toBe(kind);
});

describe("the bound of two seconds", () => {
  test.each([
    [1995, 50, "holdover"],
    [1995, 50.01, "untrusted"],
    [2001, 0, "untrusted"],
  ])("± %i ms after %d s of holdover is %s", (boundMs, atSeconds, kind) => {
    const held: DisciplineState = { kind: "holdover", anchor: anchor(0, 0, boundMs) };
    const { state } = stepDiscipline(held, { kind: "tick" }, seconds(atSeconds), rates);
    expect(state.kind).toBe(kind);
    expect(boundAt(held.anchor, seconds(atSeconds), 100) > trustedBoundMaxNs).toBe(kind === "untrusted");
  });

  test("is asked for whatever comes in: a quorum this wide is not synchronised", () => {
    const { state } = stepDiscipline(
      states.unsynchronised,
      { kind: "quorum", anchor: anchor(0, 0, 2001) },
      seconds(0),
      rates,
    );
    expect(state).toMatchObject({ kind: "untrusted", why: "bound-too-wide" });
  });
});

test("a bound is claimed in every state but these", () => {
  const unclaimed = Object.entries(states).filter(([, state]) => anchorOf(state) === null);
  expect(unclaimed.map(([name]) => name)).toEqual(["unsynchronised", "contradicted", "suspended", "againstItself"]);
});

test("a change is told once, with its reason", () => {
  const step = (name: keyof typeof states, input: DisciplineInput): unknown =>
    stepDiscipline(states[name], input, seconds(100), rates).change;
  expect(step("unsynchronised", quorum)).toEqual({ from: "unsynchronised", to: "synchronised", why: "quorum" });
  expect(step("missedTwo", missed)).toEqual({ from: "synchronised", to: "holdover", why: "polls-missed" });
  expect(step("synchronised", otherQuorum)).toEqual({ from: "synchronised", to: "untrusted", why: "contradicted" });
  expect(step("contradicted", suspended)).toEqual({ from: "untrusted", to: "untrusted", why: "suspended" });
  expect(step("unsynchronised", serviceSays)).toEqual({ from: "unsynchronised", to: "holdover", why: "service-clock" });
  expect(step("synchronised", quorum)).toBeNull();
  expect(step("synchronised", missed)).toBeNull();
});

describe("what contradicts", () => {
  const rival = anchor(50, 500);

  test.each<[string, DisciplineState, DisciplineInput, Anchor | null]>([
    ["the anchor", states.synchronised, otherQuorum, old],
    ["the anchor and its rival", states.contradicted, thirdQuorum, rival],
    ["the rival and agrees with the anchor", states.contradicted, quorum, rival],
    ["the anchor and agrees with the rival", states.contradicted, otherQuorum, null],
    ["nothing", states.synchronised, quorum, null],
    ["the service's clock, which proves nothing", states.onService, otherQuorum, null],
    ["the service's clock with an answer of its own", states.onService, rivalSays, states.onService.anchor],
    ["it anew", states.againstItself, rivalSays, null],
    ["a quorum with the service's clock", states.holdover, { ...rivalSays, kind: "service" }, null],
  ])("%s names the anchor before it", (_, from, input, contradicted) => {
    expect(stepDiscipline(from, input, seconds(100), rates).contradicted).toEqual(contradicted);
  });
});

test("once contradicted the fresh quorum is the anchor, however much narrower the held one is", () => {
  const { state } = stepDiscipline(states.contradicted, wideQuorum, seconds(100), rates);
  expect(state).toEqual(synchronisedOn(wideQuorum.anchor));
});

/** A box whose crystal is wrong by `ppm`, polled at odd moments, each quorum off by no more than it says. */
const polls = fc.array(
  fc.record({
    afterSeconds: fc.integer({ min: 1, max: 1100 }),
    offShare: fc.double({ min: -1, max: 1, noNaN: true }),
    boundMs: fc.integer({ min: 1, max: 400 }),
    answered: fc.boolean(),
  }),
  { minLength: 1, maxLength: 30 },
);

test("with a crystal as wrong as ρ allows, truthful quorums never contradict and the bound holds at every moment", () => {
  fc.assert(
    fc.property(polls, fc.integer({ min: -15, max: 15 }), (rounds, ppm) => {
      let state: DisciplineState = { kind: "unsynchronised" };
      let trueNs = 0n;
      for (const { afterSeconds, offShare, boundMs, answered } of rounds) {
        trueNs += BigInt(afterSeconds) * nsPerSecond;
        const nowNs = monotonicNs(trueNs + (trueNs * BigInt(ppm)) / 1_000_000n);
        const truth = theta + trueNs - nowNs;
        const boundNs = BigInt(boundMs) * nsPerMs;
        const off = BigInt(Math.trunc(Number(boundNs) * offShare));
        const input: DisciplineInput = answered
          ? {
              kind: "quorum",
              anchor: { ...anchor(0), atNs: nowNs, oldestSampleNs: nowNs, thetaNs: truth + off, boundNs },
            }
          : missed;
        // ρ is of true time and the crystal counts its own: 16 covers 15 ppm of either.
        state = stepDiscipline(state, input, nowNs, { synchronisedPpm: 16, holdoverPpm: 100 }).state;
        expect(state).not.toMatchObject({ why: "contradicted" });
        const held = anchorOf(state);
        if (held === null) continue;
        const wrongBy = magnitude(utcAt(held, nowNs) - (nowNs + truth));
        expect(wrongBy).toBeLessThanOrEqual(
          boundAt(held, nowNs, ppmOf(state, { synchronisedPpm: 16, holdoverPpm: 100 })),
        );
      }
    }),
  );
});
