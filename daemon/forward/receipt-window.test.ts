import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { wallMs } from "../base/time.ts";
import {
  allowedDelayMs,
  deadline,
  due,
  halfwayAlarm,
  type LimitKnowledge,
  learnLimit,
  limitInForce,
  nothingKnown,
  plausibleLimitMinMs,
  type ReceiptObservation,
  type ReceiptQuestion,
  untriedBeyondMs,
} from "./receipt-window.ts";

const stampMs = wallMs(1_773_489_600_000);
const hour = 3_600_000;

function question(delayMs: number, change: Partial<ReceiptQuestion> = {}): ReceiptQuestion {
  return {
    now: wallMs(stampMs + delayMs),
    stamp: { utcMs: stampMs, errorBoundMs: 20 },
    phi: { loMs: -100, hiMs: 300 },
    transitP999Ms: 180,
    limitMs: hour,
    ...change,
  };
}

describe("when to send", () => {
  test("the margin is 5 s or a tenth of the limit, whichever is more", () => {
    expect(allowedDelayMs(30_000)).toBe(25_000);
    expect(allowedDelayMs(50_000)).toBe(45_000);
    expect(allowedDelayMs(hour)).toBe(0.9 * hour);
  });

  test("just inside the limit it is sent, at it withheld, and in between it waits for what the service's clock may be", () => {
    const last = 0.9 * hour - 20 - 300 - 180;
    const end = last + 400;
    expect(due(question(last - 1))).toEqual({ kind: "send" });
    expect(due(question(last))).toEqual({ kind: "wait-until", at: stampMs + end });
    expect(due(question(end - 1))).toEqual({ kind: "wait-until", at: stampMs + end });
    expect(due(question(end))).toEqual({
      kind: "withhold",
      predictedDelayMs: 0.9 * hour + 400,
      allowedDelayMs: 0.9 * hour,
    });
  });

  test("two answers of the service that are an hour ahead withhold nothing that it would take", () => {
    const phi = { loMs: -100, hiMs: hour };
    expect(due(question(60_000, { phi })).kind).toBe("wait-until");
    expect(due(question(60_000)).kind).toBe("send");
    expect(due(question(hour, { phi })).kind).toBe("withhold");
  });

  test("not while it may be in the service's future", () => {
    expect(due(question(99))).toEqual({ kind: "wait-until", at: stampMs + 100 });
    expect(due(question(100))).toEqual({ kind: "send" });
    expect(due({ ...question(99), now: wallMs(stampMs + 100) })).toEqual({ kind: "send" });
  });

  test("without a limit it is sent however late, but not early", () => {
    expect(due(question(1000 * hour, { limitMs: null }))).toEqual({ kind: "send" });
    expect(due(question(0, { limitMs: null })).kind).toBe("wait-until");
  });

  test("a limit so small that nothing fits withholds at once", () => {
    expect(due(question(0, { limitMs: 5000 })).kind).toBe("withhold");
  });

  test("the deadline is the first moment at which it is not sent", () => {
    const at = deadline(question(0), hour);
    expect(due({ ...question(0), now: wallMs(at - 1) }).kind).toBe("send");
    expect(due({ ...question(0), now: at }).kind).not.toBe("send");
  });

  test("half of the limit raises the alarm", () => {
    expect(halfwayAlarm(wallMs(stampMs + hour / 2 - 1), stampMs, hour)).toBe(false);
    expect(halfwayAlarm(wallMs(stampMs + hour / 2), stampMs, hour)).toBe(true);
  });
});

test("what is sent never gets remark 32, whatever the service's clock and the stamp's error within their bounds", () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(
      fc.integer({ min: 6000, max: 24 * hour }),
      share,
      fc.integer({ min: -800, max: 800 }),
      fc.nat({ max: 500 }),
      fc.nat({ max: 500 }),
      fc.nat({ max: 2000 }),
      share,
      (limitMs, lateShare, phiMs, below, above, errorBoundMs, transitShare) => {
        const transitP999Ms = 2000;
        const asked = question(Math.round(limitMs * lateShare * 1.2), {
          limitMs,
          transitP999Ms,
          stamp: { utcMs: stampMs, errorBoundMs },
          phi: { loMs: phiMs - below, hiMs: phiMs + above },
        });
        if (due(asked).kind !== "send") return;
        const receivedByService = asked.now + phiMs + transitShare * transitP999Ms;
        expect(receivedByService - stampMs).toBeLessThan(limitMs);
        expect(receivedByService).toBeGreaterThanOrEqual(stampMs);
      },
    ),
  );
});

function seen(delayMs: number, remark32: boolean): ReceiptObservation {
  return {
    utcMs: stampMs,
    sentAt: wallMs(stampMs + delayMs),
    answeredAt: wallMs(stampMs + delayMs + 200),
    phi: { loMs: -100, hiMs: 300 },
    remark32,
    settled: true,
  };
}

function learn(...observations: readonly ReceiptObservation[]): LimitKnowledge {
  return observations.reduce(learnLimit, nothingKnown);
}

describe("what answers teach", () => {
  test("the end of the delay's interval that proves less", () => {
    expect(learn(seen(hour, false))).toMatchObject({ aboveMs: hour - 100, atMostMs: null });
    expect(learn(seen(hour, true))).toMatchObject({ aboveMs: null, atMostMs: hour + 500 });
  });

  test("the largest delay that passed and the smallest that was remarked", () => {
    const known = learn(
      seen(5000, false),
      seen(hour, false),
      seen(9000, false),
      seen(9 * hour, true),
      seen(8 * hour, true),
    );
    expect(known).toEqual({ aboveMs: hour - 100, atMostMs: 8 * hour + 500, clockSuspicions: 0, contradictions: 0 });
    expect(limitInForce(null, known)).toBe(8 * hour + 500);
    expect(limitInForce(2 * hour, known)).toBe(2 * hour);
  });

  test("a remark on a fresh registration is about the clock, not the limit", () => {
    expect(learn(seen(plausibleLimitMinMs - 501, true))).toEqual({ ...nothingKnown, clockSuspicions: 1 });
    expect(learn(seen(plausibleLimitMinMs - 500, true))).toMatchObject({ atMostMs: plausibleLimitMinMs });
  });

  test("a limit that was lowered or raised overrules what was known, and is counted", () => {
    expect(learn(seen(4 * hour, false), seen(2 * hour, true))).toEqual({
      aboveMs: null,
      atMostMs: 2 * hour + 500,
      clockSuspicions: 0,
      contradictions: 1,
    });
    expect(learn(seen(2 * hour, true), seen(4 * hour, false))).toEqual({
      aboveMs: 4 * hour - 100,
      atMostMs: null,
      clockSuspicions: 0,
      contradictions: 1,
    });
  });

  test("the true limit is always between the bounds", () => {
    const limit = fc.integer({ min: plausibleLimitMinMs + 1000, max: 24 * hour });
    fc.assert(
      fc.property(limit, fc.array(fc.nat({ max: 30 * hour }), { maxLength: 40 }), (limitMs, delaysMs) => {
        const known = learn(...delaysMs.map((delayMs) => seen(delayMs, delayMs + 100 >= limitMs)));
        expect(known.aboveMs ?? 0).toBeLessThan(limitMs);
        expect(known.atMostMs ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(limitMs);
        expect(known.contradictions).toBe(0);
      }),
    );
  });
});

test("a delay is untried beyond what passed, and a little more", () => {
  expect(untriedBeyondMs(nothingKnown)).toBe(plausibleLimitMinMs);
  expect(untriedBeyondMs({ ...nothingKnown, aboveMs: 10 * hour })).toBeCloseTo(11 * hour + plausibleLimitMinMs, 3);
});
