import { describe, expect, test } from "vitest";
import { type FollowPace, initialPace, lookPaceMs, notFoundLaterMax, notFoundMax, paceAfter } from "./follow-pace.ts";
import type { Look, LookKind } from "./follow-up.ts";

const half = (): number => 0.5;
const found: Look = { kind: "found", validity: "pending", remarks: [] };
const failed = (kind: Exclude<LookKind, "found">, retryAfterMs: number | null = null): Look => ({
  kind,
  retryAfterMs,
  detail: "",
});
const minuteMs = 60_000;

function pacedBy(looks: readonly Look[], from: FollowPace = initialPace): { pace: FollowPace; restMs: number } {
  let paced = { pace: from, restMs: 0 };
  for (const look of looks) paced = paceAfter(paced.pace, look, half);
  return paced;
}

test("looks that find something are made at one pace", () => {
  expect(pacedBy([found, found])).toMatchObject({ pace: { state: "following", failures: 0 }, restMs: lookPaceMs });
});

describe("429 rests for all registrations", () => {
  test.each<[string, number | null, number]>([
    ["as long as was asked for", 20 * minuteMs, 20 * minuteMs],
    ["a quarter of an hour when nothing was", null, 15 * minuteMs],
    ["a minute at least", 1_000, minuteMs],
    ["a minute when the date was past", 0, minuteMs],
    ["a day at most", 400 * 24 * 60 * minuteMs, 24 * 60 * minuteMs],
  ])("%s", (_, retryAfterMs, restMs) => {
    const paced = pacedBy([failed("throttled", retryAfterMs)]);
    expect(paced).toMatchObject({ pace: { state: "resting", why: "throttled" }, restMs });
  });
});

test("failures rest longer and longer, an hour at most, or as long as was asked for", () => {
  const rests: number[] = [];
  let pace = initialPace;
  for (let count = 0; count < 9; count += 1) {
    const paced = paceAfter(pace, failed("server-error"), half);
    rests.push(paced.restMs / minuteMs);
    pace = paced.pace;
  }
  expect(rests).toEqual([0.75, 1.5, 3, 6, 12, 24, 45, 45, 45]);
  expect(pacedBy([failed("server-error", 30 * minuteMs)]).restMs).toBe(30 * minuteMs);
  expect(pacedBy([found], pace)).toMatchObject({ pace: { state: "following", failures: 0 }, restMs: lookPaceMs });
});

describe("a service that does not offer it is left alone but for once a day", () => {
  const day = { pace: { state: "not-to-be-had" }, restMs: 24 * 60 * minuteMs };

  test("when it says so", () => {
    expect(pacedBy([failed("not-to-be-had")])).toMatchObject(day);
  });

  test("when it knows none of the first registrations", () => {
    const none = Array.from({ length: notFoundMax }, () => failed("not-found"));
    expect(pacedBy(none.slice(1))).toMatchObject({ pace: { state: "following" }, restMs: minuteMs });
    expect(pacedBy(none)).toMatchObject(day);
  });

  test("and not sooner than many in a row when it has shown one", () => {
    const none = Array.from({ length: notFoundLaterMax - 1 }, () => failed("not-found"));
    expect(pacedBy([found, ...none])).toMatchObject({ pace: { state: "following" } });
    expect(pacedBy([found, ...none, failed("not-found")])).toMatchObject(day);
  });

  test("until it does", () => {
    expect(pacedBy([failed("not-to-be-had"), found])).toMatchObject({
      pace: { state: "following" },
      restMs: lookPaceMs,
    });
  });
});

test("a registration that is another one holds up none of the others", () => {
  const paced = pacedBy([found, failed("another-registration"), failed("another-registration")]);
  expect(paced).toMatchObject({ pace: { state: "following", failures: 0 }, restMs: minuteMs });
});

test("who is not allowed one asks for another, and who is not allowed that either again in six hours", () => {
  const once = pacedBy([failed("forbidden")]);
  expect(once).toMatchObject({ pace: { state: "following", next: "newest" }, restMs: minuteMs });
  const twice = pacedBy([failed("forbidden")], once.pace);
  expect(twice).toMatchObject({ pace: { state: "resting", next: "newest" }, restMs: 6 * 60 * minuteMs });
  expect(pacedBy([failed("forbidden")], twice.pace).restMs).toBe(6 * 60 * minuteMs);
});

test.each(["longest-due", "newest"] as const)(
  "who is not allowed the %s stays away as long as was asked for",
  (next) => {
    const forMs = 7 * 60 * minuteMs;
    expect(pacedBy([failed("forbidden", forMs)], { ...initialPace, next }).restMs).toBe(forMs);
  },
);

test("no outcome makes looks more frequent than the pace", () => {
  const kinds: readonly Exclude<LookKind, "found">[] = [
    "another-registration",
    "not-found",
    "not-to-be-had",
    "forbidden",
    "unauthorised",
    "throttled",
    "server-error",
    "unintelligible",
    "timed-out",
    "not-reached",
    "interrupted",
  ];
  for (const kind of kinds) {
    for (const retryAfterMs of [null, 0, 1, -5]) {
      expect(paceAfter(initialPace, failed(kind, retryAfterMs), () => 0).restMs).toBeGreaterThanOrEqual(lookPaceMs);
    }
  }
});
