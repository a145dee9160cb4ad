import { describe, expect, test } from "vitest";
import { type MonotonicNs, monotonicNs } from "../../../base/time.ts";
import { retryAfterMaxMs } from "../../backoff.ts";
import {
  afterOutcome,
  afterRefusal,
  clockWaitMs,
  hastened,
  lastUseMs,
  lifetimeMaxMs,
  lifetimeUnsaidMs,
  noTokenYet,
  refusalBaseMs,
  retryMs,
  shouldAsk,
  type TokenLife,
  usable,
  waitMs,
} from "./token-life.ts";
import type { TokenFailureKind, TokenOutcome } from "./token-outcome.ts";

const at = (ms: number): MonotonicNs => monotonicNs(BigInt(Math.round(ms * 1e6)));
const granted = (lifetimeMs: number | null, token = "t1"): TokenOutcome => ({ kind: "granted", token, lifetimeMs });
const failed = (kind: TokenFailureKind, retryAfterMs: number | null = null): TokenOutcome => ({
  kind,
  detail: "",
  retryAfterMs,
});

/** An outcome at a moment, of a request that took no time. */
function then(life: TokenLife, ms: number, outcome: TokenOutcome, random = 0): TokenLife {
  return afterOutcome(life, outcome, { askedNs: at(ms), nowNs: at(ms) }, () => random);
}

describe("a token", () => {
  const life = then(noTokenYet, 0, granted(3_600_000));

  test("is renewed at 80 % of its life, and used until shortly before its end", () => {
    expect(shouldAsk(life, at(2_879_999))).toBe(false);
    expect(shouldAsk(life, at(2_880_000))).toBe(true);
    expect(usable(life, at(3_600_000 - lastUseMs - 1))).toBe("t1");
    expect(usable(life, at(3_600_000 - lastUseMs))).toBeNull();
  });

  test("lives from before its request, not from its answer", () => {
    const slow = afterOutcome(noTokenYet, granted(100_000), { askedNs: at(0), nowNs: at(9_000) }, () => 0);
    expect(shouldAsk(slow, at(80_000))).toBe(true);
  });

  test("of one second is still used for a while", () => {
    const short = then(noTokenYet, 0, granted(1_000));
    expect(usable(short, at(799))).toBe("t1");
    expect(usable(short, at(801))).toBeNull();
  });

  test("of unsaid or of absurd length is renewed all the same", () => {
    expect(shouldAsk(then(noTokenYet, 0, granted(null)), at(lifetimeUnsaidMs * 0.8))).toBe(true);
    expect(shouldAsk(then(noTokenYet, 0, granted(Number.MAX_SAFE_INTEGER)), at(lifetimeMaxMs * 0.8))).toBe(true);
  });

  test("survives a renewal that fails, as long as it holds", () => {
    const failing = then(life, 2_880_000, failed("down"));
    expect(usable(failing, at(2_881_000))).toBe("t1");
    expect(shouldAsk(failing, at(2_880_100))).toBe(false);
    expect(shouldAsk(failing, at(2_881_000))).toBe(true);
  });
});

describe("after a failure", () => {
  test.each([
    ["down", 1_000, 5_000],
    ["refused", 30_000, 900_000],
    ["throttled", 30_000, 900_000],
    ["unintelligible", 5_000, 300_000],
    ["key-unusable", 5_000, 60_000],
    ["tls-failed", 5_000, 60_000],
    ["pin-mismatch", 5_000, 60_000],
  ] as const)("%s: from half of %d ms, doubled, at most %d ms", (kind, baseMs, maxMs) => {
    let life: TokenLife = noTokenYet;
    for (let count = 0; count < 40; count += 1) {
      life = then(life, 0, failed(kind), 0);
      const ceilingMs = Math.min(maxMs, baseMs * 2 ** count);
      expect(waitMs(life, at(0))).toBe(ceilingMs / 2);
    }
    expect(waitMs(then(noTokenYet, 0, failed(kind), 0.999), at(0))).toBeCloseTo(baseMs, -2);
  });

  test("Retry-After is heeded, but not for ever", () => {
    expect(waitMs(then(noTokenYet, 0, failed("throttled", 120_000)), at(0))).toBe(120_000);
    expect(waitMs(then(noTokenYet, 0, failed("down", 10 ** 12)), at(0))).toBe(retryAfterMaxMs);
  });

  test("an unknown clock is looked at again soon, at once for whoever needs the token, and counts as no failure", () => {
    const life = then(then(noTokenYet, 0, failed("clock-unknown")), 0, failed("clock-unknown"), 1);
    expect(life.failures).toBe(0);
    expect(retryMs(life, at(0))).toBe(clockWaitMs);
    expect(shouldAsk(life, at(0))).toBe(true);
  });

  test("a success forgets them", () => {
    const life = then(then(noTokenYet, 0, failed("refused")), 60_000, granted(3_600_000));
    expect(life).toMatchObject({ failures: 0, failure: null, notBeforeNs: null });
  });

  test.each([
    ["down", true],
    ["tls-failed", true],
    ["refused", false],
    ["throttled", false],
  ] as const)("an outage that is over hastens what was %s: %s", (kind, isHastened) => {
    expect(shouldAsk(hastened(then(noTokenYet, 0, failed(kind))), at(0))).toBe(isHastened);
  });

  test("a request that was under way when the outage was over begins the backoff anew", () => {
    const page = failed("unintelligible");
    const night = Array.from({ length: 12 }).reduce<TokenLife>((life) => then(life, 0, page), noTokenYet);
    const late = then(night, 0, page);
    expect(waitMs(late, at(0))).toBeGreaterThan(100_000);
    expect(waitMs(then(hastened(night), 0, page), at(0))).toBeLessThanOrEqual(5_000);
  });

  test("an endpoint that asked for a wait is not hastened", () => {
    const waiting = { kind: "down", detail: "status 503", retryAfterMs: 600_000 } as const;
    expect(shouldAsk(hastened(then(noTokenYet, 0, waiting)), at(0))).toBe(false);
  });
});

describe("a token that the service refuses", () => {
  test("is renewed once, and not again until the backoff is over", () => {
    const life = then(noTokenYet, 0, granted(3_600_000, "t1"));
    const refused = afterRefusal(life, "t1", at(1_000));
    expect(shouldAsk(refused, at(1_000))).toBe(true);
    const renewed = then(refused, 1_000, granted(3_600_000, "t2"));
    const again = afterRefusal(renewed, "t2", at(2_000));
    expect(usable(again, at(2_000))).toBe("t2");
    expect(shouldAsk(again, at(2_000))).toBe(false);
    const later = afterRefusal(again, "t2", at(1_000 + refusalBaseMs));
    expect(shouldAsk(later, at(1_000 + refusalBaseMs))).toBe(true);
    // The third waits twice as long.
    const third = then(later, 61_000, granted(3_600_000, "t3"));
    expect(usable(afterRefusal(third, "t3", at(61_000 + 2 * refusalBaseMs - 1)), at(62_000))).toBe("t3");
    expect(usable(afterRefusal(third, "t3", at(61_000 + 2 * refusalBaseMs)), at(62_000))).toBeNull();
  });

  test("an older token's refusal says nothing of the one that is held", () => {
    const life = then(noTokenYet, 0, granted(3_600_000, "t2"));
    expect(afterRefusal(life, "t1", at(0))).toBe(life);
  });

  test("a backoff after failed requests holds a renewal back as well", () => {
    const life = then(then(noTokenYet, 0, granted(3_600_000)), 2_880_000, failed("throttled", 60_000));
    expect(shouldAsk(afterRefusal(life, "t1", at(2_880_001)), at(2_880_001))).toBe(false);
  });
});
