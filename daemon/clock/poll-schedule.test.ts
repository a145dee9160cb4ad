import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { present } from "../base/assert.ts";
import { seededRandom } from "../base/random.ts";
import { type MonotonicNs, monotonicNs } from "../base/time.ts";
import {
  afterRound,
  answersPerRate,
  askAtOnce,
  badRoundsMax,
  burstSize,
  dueSources,
  goodRoundsPerInterval,
  intervalAfter,
  nextRoundNs,
  openSchedule as openScheduleOf,
  type PollSchedule,
  pollIntervalsS,
  rateIntervalMaxS,
} from "./poll-schedule.ts";
import { nsPerSecond } from "./utc.ts";

const noJitter = (): number => 0;
const seconds = (value: number): MonotonicNs => monotonicNs(BigInt(value) * nsPerSecond);

function openSchedule(sourceIds: readonly string[], nowNs: MonotonicNs): PollSchedule {
  return openScheduleOf(
    sourceIds.map((sourceId) => ({ sourceId, votes: true })),
    nowNs,
  );
}

function round(
  schedule: PollSchedule,
  atS: number,
  kiss: string | null | ((sourceId: string) => string | null) = null,
  quorum = true,
): PollSchedule {
  const reactions = dueSources(schedule, seconds(atS)).map(({ sourceId }) => {
    const kissCode = typeof kiss === "function" ? kiss(sourceId) : kiss;
    return { sourceId, kissCode, answered: kissCode === null };
  });
  return afterRound(schedule, reactions, quorum, seconds(atS), noJitter);
}

/** After the first burst, which takes two rounds. */
function opened(sourceIds: readonly string[]): PollSchedule {
  return round(round(openSchedule(sourceIds, seconds(-2)), -2), 0);
}

test("the first round is due at once, with one request each, and the rest of the burst two seconds later", () => {
  const first = openSchedule(["a", "b"], seconds(5));
  expect(dueSources(first, seconds(5))).toEqual([
    { sourceId: "a", requests: 1 },
    { sourceId: "b", requests: 1 },
  ]);
  const rest = round(first, 5);
  expect(dueSources(rest, monotonicNs(seconds(7) - 1n))).toEqual([]);
  expect(dueSources(rest, seconds(7))).toEqual([
    { sourceId: "a", requests: burstSize - 1 },
    { sourceId: "b", requests: burstSize - 1 },
  ]);
});

test("a source that wants to be asked less often is left out of the rest of the burst", () => {
  const rest = round(openSchedule(["a"], seconds(0)), 0, "RATE");
  expect(dueSources(rest, seconds(2))).toEqual([]);
});

test("the next is due 64 s later, with one request, and not a moment sooner", () => {
  const schedule = opened(["a"]);
  expect(dueSources(schedule, monotonicNs(seconds(64) - 1n))).toEqual([]);
  expect(dueSources(schedule, seconds(64))).toEqual([{ sourceId: "a", requests: 1 }]);
});

test("good rounds lengthen the interval to 256 and 1024 s, a bad one brings back 64", () => {
  const [short, middle, long] = pollIntervalsS;
  expect([0, 3, 4, 7, 8, 1000].map(intervalAfter)).toEqual([short, short, middle, middle, long, long]);
  let schedule = openSchedule(["a"], seconds(0));
  let atS = 0;
  for (let rounds = 0; rounds < 2 * goodRoundsPerInterval; rounds += 1) {
    schedule = round(schedule, atS);
    atS += intervalAfter(rounds + 1);
  }
  expect(dueSources(schedule, seconds(atS - 1))).toEqual([]);
  expect(dueSources(schedule, seconds(atS))).toEqual([{ sourceId: "a", requests: burstSize }]);
  schedule = round(schedule, atS, null, false);
  expect(dueSources(schedule, seconds(atS + 64))).toEqual([{ sourceId: "a", requests: 1 }]);
});

test("an hour without a quorum lengthens the interval to 256 s, and the first one brings back 64", () => {
  let schedule = opened(["a"]);
  let atS = 64;
  for (let rounds = 0; rounds <= badRoundsMax; rounds += 1) {
    expect(dueSources(schedule, seconds(atS))).toHaveLength(1);
    schedule = round(schedule, atS, null, false);
    atS += 64;
  }
  expect(dueSources(schedule, seconds(atS))).toEqual([]);
  atS += 192;
  expect(dueSources(schedule, seconds(atS))).toHaveLength(1);
  schedule = round(schedule, atS, null, true);
  expect(dueSources(schedule, seconds(atS + 64))).toHaveLength(1);
});

describe("a kiss-o'-death", () => {
  test.each(["DENY", "RSTR"])("%s drops the source for good", (code) => {
    const schedule = round(openSchedule(["a"], seconds(0)), 0, code);
    expect(schedule.sources[0]?.droppedBy).toBe(code);
    expect(dueSources(schedule, seconds(1_000_000))).toEqual([]);
  });

  test("RATE doubles the least interval each time, up to its limit", () => {
    let schedule = round(openSchedule(["a"], seconds(0)), 0, "RATE");
    expect(dueSources(schedule, seconds(127))).toEqual([]);
    expect(dueSources(schedule, seconds(128))).toEqual([{ sourceId: "a", requests: 1 }]);
    for (let rounds = 1; rounds <= 20; rounds += 1) schedule = round(schedule, rounds * 1_000_000, "RATE");
    expect(schedule.sources[0]?.intervalMinS).toBe(rateIntervalMaxS);
  });

  test("RATE is forgotten by as many answers in a row, and by no silence", () => {
    let schedule = round(openSchedule(["a"], seconds(0)), 0, "RATE");
    schedule = round(schedule, 1000, "RATE");
    const intervals: (number | undefined)[] = [];
    for (let rounds = 1; rounds <= 2 * answersPerRate + 1; rounds += 1) {
      schedule = round(schedule, 1000 + rounds * 2000, rounds === 1 ? "INIT" : null);
      intervals.push(schedule.sources[0]?.intervalMinS);
    }
    expect(intervals).toEqual([256, 256, 256, 256, 128, 128, 128, 128, 64]);
  });

  test.each([
    [4, 4],
    [5, 3],
  ])("RATE of %i servers, two in one round and two in the next, leaves %i to be heard together", (count, together) => {
    const ids = ["a", "b", "c", "d", "e"].slice(0, count);
    const among = (some: string) => (id: string) => (some.includes(id) ? "RATE" : null);
    let schedule = round(round(opened(ids), 64, among("ab")), 128, among("cd"));
    for (let rounds = 0; rounds < 6; rounds += 1) {
      const atNs = present(nextRoundNs(schedule), "sources are left");
      const due = dueSources(schedule, atNs);
      expect(due.length).toBeGreaterThanOrEqual(together);
      schedule = round(schedule, Number(atNs / nsPerSecond), null, false);
    }
  });

  test("no round waits for more sources than are left, and none comes for one that has no vote", () => {
    const box = { sourceId: "this box", votes: false };
    const sources = [...["a", "b"].map((sourceId) => ({ sourceId, votes: true })), box];
    const left = round(openScheduleOf(sources, seconds(0)), 0, (id) => (id === "b" ? "DENY" : null));
    expect(dueSources(left, seconds(2)).map(({ sourceId }) => sourceId)).toEqual(["a", "this box"]);
    const none = round(left, 2, (id) => (id === "a" ? "RSTR" : null));
    expect(nextRoundNs(none)).toBeNull();
    expect(dueSources(none, seconds(1_000_000))).toEqual([]);
  });

  test("any other code orders nothing", () => {
    const schedule = round(openSchedule(["a"], seconds(0)), 0, "INIT");
    expect(dueSources(schedule, seconds(64))).toHaveLength(1);
  });
});

describe("asking at once", () => {
  test("does not wait for a long interval", () => {
    let schedule = openSchedule(["a"], seconds(0));
    for (let rounds = 0; rounds < 9; rounds += 1) schedule = round(schedule, rounds * 2000);
    expect(dueSources(askAtOnce(schedule, seconds(16_100)), seconds(16_100))).toHaveLength(1);
  });

  test("waits until 64 s after the round before, however often the network comes back", () => {
    const schedule = opened(["a"]);
    const asked = askAtOnce(askAtOnce(schedule, seconds(1)), seconds(2));
    expect(dueSources(asked, seconds(63))).toEqual([]);
    expect(dueSources(asked, seconds(64))).toHaveLength(1);
  });
});

test("whatever happens, a source gets at most one request per 64 s beyond its first burst", () => {
  const happening = fc.record({
    afterS: fc.nat({ max: 700 }),
    event: fc.constantFrom("round", "at-once", "nothing"),
    quorum: fc.boolean(),
    kissCode: fc.constantFrom(null, null, null, "RATE"),
  });
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 60 }), fc.integer(), (happenings, seed) => {
      const random = seededRandom(seed);
      let schedule = openSchedule(["a"], seconds(0));
      let [atS, requests] = [0, 0];
      for (const { afterS, event, quorum, kissCode } of happenings) {
        atS += afterS;
        if (event === "at-once") schedule = askAtOnce(schedule, seconds(atS));
        const due = dueSources(schedule, seconds(atS));
        if (event !== "round" || due.length === 0) continue;
        requests += due.reduce((sum, each) => sum + each.requests, 0);
        const reactions = due.map(({ sourceId }) => ({ sourceId, kissCode, answered: kissCode === null }));
        schedule = afterRound(schedule, reactions, quorum, seconds(atS), random);
      }
      expect(requests).toBeLessThanOrEqual(burstSize + Math.floor(atS / 64));
    }),
  );
});
