import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { monotonicNs, wallMs } from "../base/time.ts";
import { type Finding, findingOf } from "./cause.ts";
import { type Layers, nothingSeen } from "./layers.ts";
import {
  failingSamplesMin,
  gapMs,
  initialWatch,
  type Moment,
  mergeMs,
  type Sample,
  step,
  type WatchState,
  type WindowChange,
} from "./windows.ts";

const noon = 1_780_000_000_000;

function at(seconds: number, bootId = "boot"): Moment {
  const monotonic = monotonicNs(BigInt(Math.round(seconds * 1e9)));
  return { bootId, monotonicNs: monotonic, utcMs: wallMs(noon + seconds * 1000), errorBoundMs: 5 };
}

const kinds = {
  good: { ...nothingSeen, service: "ok" },
  service: { ...nothingSeen, link: "up", lan: "ok", dns: "ok", anchors: "all", service: "unreachable" },
  own: { ...nothingSeen, link: "down", lan: "failed", service: "unreachable" },
} as const satisfies Record<string, Layers>;
type Kind = keyof typeof kinds;

function sample(seconds: number, kind: Kind, bootId?: string): Sample {
  return {
    began: at(seconds, bootId),
    at: at(seconds, bootId),
    layers: kinds[kind],
    finding: findingOf(kinds[kind]),
    isWhole: true,
    hasSlept: false,
  };
}

/** Samples 5 s apart, from `from` seconds on. */
function play(
  words: readonly Kind[],
  from: { readonly state: WatchState; readonly seconds: number } = { state: initialWatch, seconds: 0 },
): { readonly state: WatchState; readonly changes: readonly WindowChange[] } {
  let { state } = from;
  const changes: WindowChange[] = [];
  for (const [index, kind] of words.entries()) {
    const next = step(state, sample(from.seconds + index * 5, kind));
    state = next.state;
    changes.push(...next.changes);
  }
  return { state, changes };
}

test("two failing samples are no window, three are, dated from the first with the last good one beside it", () => {
  expect(play(["good", "service", "service", "good"]).changes).toEqual([]);
  const { changes } = play(["good", "good", "service", "service", "service"]);
  expect(changes).toHaveLength(1);
  expect(changes[0]).toMatchObject({
    kind: "opened",
    window: { lastGood: at(5), firstBad: at(10), openedAt: at(20), flaps: 0, gaps: [], end: null },
  });
});

test("it closes at the first good sample, with the last failing one beside it", () => {
  const { changes } = play(["good", "service", "service", "service", "service", "good"]);
  expect(changes.at(-1)).toMatchObject({ kind: "closed", window: { end: { lastBad: at(20), firstGood: at(25) } } });
});

test("a cause that changes midway splits it into segments, from the first two failing samples on as well", () => {
  const { changes } = play(["good", "own", "service", "service", "service", "own"]);
  expect(changes.map(({ kind }) => kind)).toEqual(["opened", "cause-changed", "cause-changed"]);
  expect(changes[0]?.window.segments.map(({ finding }) => finding.cause)).toEqual(["own-network"]);
  const causes = changes.at(-1)?.window.segments.map(({ from, finding }) => [from.utcMs, finding.cause]);
  expect(causes).toEqual([
    [at(5).utcMs, "own-network"],
    [at(10).utcMs, "service"],
    [at(25).utcMs, "own-network"],
  ]);
});

describe("flapping", () => {
  const ended = play(["good", "service", "service", "service", "good"]);

  test("failing again within two minutes belongs to the same window", () => {
    const { changes } = play(["service", "service", "service", "good"], { state: ended.state, seconds: 60 });
    expect(changes.map(({ kind }) => kind)).toEqual(["reopened", "closed"]);
    expect(changes.at(-1)?.window).toMatchObject({
      key: ended.changes[0]?.window.key,
      firstBad: at(5),
      flaps: 1,
      end: { firstGood: at(75) },
    });
  });

  test("failing again is another window where nobody watched whether the first one was over for long", () => {
    const suspected = play(["service"], { state: ended.state, seconds: 60 });
    const { changes } = play(["service", "service", "service"], { state: suspected.state, seconds: 3600 });
    expect(changes.map(({ kind }) => kind)).toEqual(["opened"]);
    expect(changes[0]?.window.key).not.toBe(ended.changes[0]?.window.key);
  });

  test("failing again later is another window", () => {
    const between = play(["good"], { state: ended.state, seconds: mergeMs / 1000 + 25 });
    const { changes } = play(["service", "service", "service"], { state: between.state, seconds: mergeMs / 1000 + 30 });
    expect(changes.map(({ kind }) => kind)).toEqual(["opened"]);
    expect(changes[0]?.window.key).not.toBe(ended.changes[0]?.window.key);
  });
});

describe("a gap in watching", () => {
  const gapS = gapMs / 1000 + 1;

  test("opens nothing: the count begins anew, and no good look stands beside it", () => {
    const { state } = play(["good", "service", "service"]);
    const after = play(["service", "service"], { state, seconds: 10 + gapS });
    expect(after.changes).toEqual([]);
    const third = play(["service"], { state: after.state, seconds: 10 + gapS + 10 });
    expect(third.changes[0]).toMatchObject({ kind: "opened", window: { lastGood: null, firstBad: at(10 + gapS) } });
  });

  test("is told in a window that lasts, and when it ends", () => {
    const { state } = play(["good", "service", "service", "service"]);
    const during = play(["service"], { state, seconds: 15 + gapS });
    expect(during.changes).toMatchObject([{ kind: "gap", window: { gaps: [{ from: at(15), to: at(15 + gapS) }] } }]);
    const ended = play(["good"], { state: during.state, seconds: 15 + 2 * gapS });
    expect(ended.changes).toMatchObject([{ kind: "closed", window: { gaps: [{}, { to: at(15 + 2 * gapS) }] } }]);
  });

  test("a sleep is one, however little monotonic time passed in it", () => {
    const slept = (seconds: number, kind: Kind): Sample => ({ ...sample(seconds, kind), hasSlept: true });
    const { state } = play(["good", "service", "service", "service"]);
    expect(step(state, slept(20, "service")).changes).toMatchObject([
      { kind: "gap", window: { gaps: [{ from: at(15), to: at(20) }] } },
    ]);
    expect(step(state, slept(20, "good")).changes).toMatchObject([
      { kind: "closed", window: { gaps: [{ from: at(15), to: at(20) }] } },
    ]);
    const suspect = step(play(["good", "service", "service"]).state, slept(15, "service"));
    expect([suspect.state.kind, suspect.changes]).toEqual(["suspect", []]);
    const ended = play(["good", "service", "service", "service", "good"]).state;
    expect(step(ended, slept(25, "good")).state.kind).toBe("quiet");
    expect(step(ended, slept(25, "service")).state).toMatchObject({ kind: "suspect", ended: null });
  });

  test("another boot is a gap, however soon it comes", () => {
    const { state } = play(["good", "service", "service", "service"]);
    expect(step(state, sample(16, "service", "next")).changes).toMatchObject([{ kind: "gap" }]);
  });
});

test("whatever is seen: windows are in order, hold what failed, and are never opened by fewer than three failing looks", () => {
  const look = fc.record({
    kind: fc.constantFrom<Kind>("good", "service", "own"),
    afterS: fc.constantFrom(5, 5, 5, 30),
  });
  fc.assert(
    fc.property(fc.array(look, { maxLength: 120 }), (looks) => {
      let state: WatchState = initialWatch;
      let seconds = 0;
      let failing = 0;
      let findings: readonly (Finding | null)[] = [];
      for (const { kind, afterS } of looks) {
        seconds += afterS;
        const seen = sample(seconds, kind);
        const next = step(state, seen);
        failing = seen.finding === null ? 0 : afterS > gapMs / 1000 ? 1 : failing + 1;
        findings = [...findings, seen.finding];
        for (const { kind: change, window } of next.changes) {
          if (change === "opened" || change === "reopened") expect(failing).toBeGreaterThanOrEqual(failingSamplesMin);
          expect(window.lastGood === null || window.lastGood.utcMs < window.firstBad.utcMs).toBe(true);
          expect(window.firstBad.utcMs <= window.openedAt.utcMs).toBe(true);
          if (window.end !== null) expect(window.end.lastBad.utcMs < window.end.firstGood.utcMs).toBe(true);
          const froms = window.segments.map(({ from }) => from.utcMs);
          expect(froms).toEqual(froms.toSorted((one, other) => one - other));
          expect(
            window.segments.every(({ finding }, index) => finding.cause !== window.segments[index - 1]?.finding.cause),
          ).toBe(true);
        }
        // While the last look was good no window lasts.
        if (seen.finding === null) expect(next.state.kind).not.toBe("open");
        state = next.state;
      }
    }),
  );
});

test("a look at the site's own layers only is no good look at what lies beyond them", () => {
  const partial = (seconds: number): Sample => ({ ...sample(seconds, "good"), isWhole: false });
  const after = (kind: Kind): WatchState => {
    let state: WatchState = step(initialWatch, sample(0, "good")).state;
    for (const look of [partial(5), partial(10), sample(15, kind), sample(20, kind)]) state = step(state, look).state;
    return state;
  };
  expect(step(after("service"), sample(25, "service")).changes[0]?.window.lastGood).toEqual(at(0));
  expect(step(after("own"), sample(25, "own")).changes[0]?.window.lastGood).toEqual(at(10));
});

test("a look that took a while bounds both ends by the moment that proves less", () => {
  const slow = (fromS: number, toS: number, kind: Kind): Sample => ({ ...sample(toS, kind), began: at(fromS) });
  let state: WatchState = initialWatch;
  const changes: WindowChange[] = [];
  for (const look of [
    slow(0, 3, "good"),
    ...[5, 10, 15].map((seconds) => slow(seconds, seconds + 3, "service")),
    slow(20, 23, "good"),
  ]) {
    const next = step(state, look);
    state = next.state;
    changes.push(...next.changes);
  }
  expect(changes.at(-1)?.window).toMatchObject({
    lastGood: at(0),
    firstBad: at(8),
    end: { lastBad: at(15), firstGood: at(23) },
  });
});
