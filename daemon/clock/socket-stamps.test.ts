import fc from "fast-check";
import { expect, test } from "vitest";
import { systemTime } from "../base/system-time.ts";
import { monotonicNs } from "../base/time.ts";
import { lambdaNs, type Sample, thetaNs } from "./ntp-exchange.ts";
import { type BothClocks, clockMovedMaxNs, loadSocketStamps, stampBetween } from "./socket-stamps.ts";
import { nsPerMs, utcNs } from "./utc.ts";

const offsetNs = 1_780_000_000_000_000_000n;

/** Both clocks, the system clock `aheadNs` of what it showed at first. */
function clocks(atNs: bigint, aheadNs = 0n): BothClocks {
  return { atNs: monotonicNs(atNs), wallNs: offsetNs + atNs + aheadNs };
}

const sent = clocks(1_000_000n);
const now = clocks(2_000_000n);

test.each([
  ["20 µs ago", now, 1_980_000n, 1_980_000n],
  ["at the moment of the request", now, 1_000_000n, 1_000_000n],
  ["at this moment", now, 2_000_000n, 2_000_000n],
  ["before the request", now, 999_999n, null],
  ["in the future", now, 2_000_001n, null],
  ["never", now, -offsetNs, null],
  ["while the system clock is as far ahead as may be", clocks(2_000_000n, clockMovedMaxNs), 1_500_000n, 1_500_000n],
  ["while it is as far behind as may be", clocks(2_000_000n, -clockMovedMaxNs), 1_500_000n, 1_800_000n],
  ["after the system clock was set forward", clocks(2_000_000n, clockMovedMaxNs + 1n), 1_500_000n, null],
  ["after it was set back", clocks(2_000_000n, -clockMovedMaxNs - 1n), 1_500_000n, null],
])("a stamp %s", (_, read, stampNs, expected) => {
  expect(stampBetween(sent, read, offsetNs + stampNs)).toBe(expected);
});

test("a step of the system clock while an answer waits in the socket moves no bound off the truth", () => {
  const upToMs = (max: bigint): fc.Arbitrary<bigint> => fc.bigInt({ min: 0n, max: max * nsPerMs });
  const stepNs = fc.oneof(
    fc.bigInt({ min: -1_000n * nsPerMs, max: 1_000n * nsPerMs }),
    fc.bigInt({ min: -2n * clockMovedMaxNs, max: 2n * clockMovedMaxNs }),
  );
  fc.assert(
    fc.property(upToMs(400n), upToMs(400n), upToMs(200n), stepNs, fc.boolean(), (there, back, waits, step, first) => {
      const asked = clocks(1_000n * nsPerMs);
      const served = asked.atNs + there;
      const taken = served + back;
      const read = clocks(taken + waits, step);
      // The clock is set before the kernel takes the answer, or after.
      const stampNs = clocks(taken, first ? step : 0n).wallNs;
      const sample: Sample = {
        t1Ns: asked.atNs,
        // The truth is monotonic time itself.
        t2Ns: utcNs(served),
        t3Ns: utcNs(served),
        t4Ns: stampBetween(asked, read, stampNs) ?? read.atNs,
        rootDelayNs: 0n,
        rootDispersionNs: 0n,
        precisionNs: 1n,
        stratum: 1,
        leap: 0,
        referenceId: 0,
      };
      expect(sample.t4Ns).toBeGreaterThanOrEqual(taken);
      const [theta, lambda] = [thetaNs(sample), lambdaNs(sample, read.atNs, 100)];
      expect(theta - lambda <= 0n && 0n <= theta + lambda).toBe(true);
    }),
  );
});

test("the stamps can be had more than once in a process", async () => {
  for (let time = 0; time < 2; time += 1) expect(await loadSocketStamps(systemTime)).not.toHaveProperty("obstacle");
});
