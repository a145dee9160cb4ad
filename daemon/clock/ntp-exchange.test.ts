import fc from "fast-check";
import { expect, test } from "vitest";
import { monotonicNs } from "../base/time.ts";
import {
  delayNs,
  judgeExchange,
  lambdaNs,
  type RawExchange,
  type Rejection,
  rootDistanceMaxNs,
  rootDistanceNs,
  type Sample,
  sourceFloorNs,
  stratumMax,
  thetaNs,
} from "./ntp-exchange.ts";
import { encodePacket, foldTimestamp, type NtpPacket } from "./ntp-packet.ts";
import { magnitude, nsPerMs, nsPerSecond, utcNs } from "./utc.ts";

const pivot = utcNs(1_767_225_600n * nsPerSecond);
const nonce = 0x0123_4567_89ab_cdefn;
const [t1, t4] = [monotonicNs(1000n * nsPerMs), monotonicNs(1040n * nsPerMs)];
const [t2, t3] = [utcNs(pivot + 10n * nsPerMs), utcNs(pivot + 20n * nsPerMs)];
const proper: NtpPacket = {
  leap: 0,
  version: 4,
  mode: 4,
  stratum: 2,
  poll: 6,
  precision: -20,
  rootDelay: 0x1000,
  rootDispersion: 0x100,
  referenceId: 0x7f000001,
  referenceTimestamp: foldTimestamp(t2),
  originTimestamp: nonce,
  receiveTimestamp: foldTimestamp(t2),
  transmitTimestamp: foldTimestamp(t3),
};
const rate = 0x52_41_54_45;
const forged = nonce ^ 1n;

function exchange(packet: NtpPacket): RawExchange {
  return { sentNs: t1, receivedNs: t4, nonce, datagram: encodePacket(packet) };
}

test("a proper answer gives the raw four timestamps, θ and δ to the nanosecond", () => {
  const verdict = judgeExchange(exchange(proper), pivot);
  expect(verdict).toMatchObject({ kind: "sample", sample: { t1Ns: t1, t2Ns: t2, t3Ns: t3, t4Ns: t4, stratum: 2 } });
  if (verdict.kind !== "sample") return;
  expect(thetaNs(verdict.sample)).toBe(pivot - 1005n * nsPerMs);
  expect(delayNs(verdict.sample)).toBe(30n * nsPerMs);
});

test.each<[string, Partial<NtpPacket>, Rejection]>([
  ["a forged origin", { originTimestamp: forged }, { kind: "wrong-origin" }],
  ["a forged kiss", { originTimestamp: forged, stratum: 0, referenceId: rate }, { kind: "wrong-origin" }],
  ["a forged wrong mode", { originTimestamp: forged, mode: 5 }, { kind: "wrong-origin" }],
  ["a broadcast", { mode: 5 }, { kind: "wrong-mode", mode: 5 }],
  ["our own request sent back", { mode: 3 }, { kind: "wrong-mode", mode: 3 }],
  ["a kiss", { leap: 3, stratum: 0, referenceId: rate }, { kind: "kiss-of-death", code: "RATE" }],
  ["stratum 0 without letters", { leap: 3, stratum: 0, referenceId: 0 }, { kind: "unsynchronised" }],
  ["stratum 0 that claims to be synchronised", { stratum: 0, referenceId: 0 }, { kind: "bad-stratum", stratum: 0 }],
  ["leap 3", { leap: 3 }, { kind: "unsynchronised" }],
  ["stratum 16", { stratum: stratumMax + 1 }, { kind: "bad-stratum", stratum: 16 }],
  ["no receive time", { receiveTimestamp: 0n }, { kind: "no-timestamps" }],
  ["no transmit time", { transmitTimestamp: 0n }, { kind: "no-timestamps" }],
  ["sent before it was received", { transmitTimestamp: proper.receiveTimestamp - 1n }, { kind: "times-reversed" }],
  [
    "served longer than it took",
    { transmitTimestamp: foldTimestamp(utcNs(t2 + 41n * nsPerMs)) },
    { kind: "negative-delay", delayNs: -nsPerMs },
  ],
])("%s is rejected", (_, change, rejection) => {
  expect(judgeExchange(exchange({ ...proper, ...change }), pivot)).toEqual({ kind: "rejected", rejection });
});

test("a datagram of 47 bytes or of version 0 is malformed", () => {
  const bytes = exchange(proper).datagram;
  const rejected = { kind: "rejected", rejection: { kind: "malformed" } };
  expect(judgeExchange({ ...exchange(proper), datagram: bytes.subarray(0, 47) }, pivot)).toEqual(rejected);
  expect(judgeExchange(exchange({ ...proper, version: 0 }), pivot)).toEqual(rejected);
});

test("stratum 15 and a root distance of just a second are accepted, what is beyond is not", () => {
  expect(judgeExchange(exchange({ ...proper, stratum: stratumMax }), pivot).kind).toBe("sample");
  // δ/2 is 15 ms and root delay and precision add 31.252 ms: 0.95374 s of dispersion are left.
  const most = Math.floor(0.953_747 * 0x1_0000);
  expect(judgeExchange(exchange({ ...proper, rootDispersion: most }), pivot).kind).toBe("sample");
  const verdict = judgeExchange(exchange({ ...proper, rootDispersion: most + 2 }), pivot);
  expect(verdict).toMatchObject({ kind: "rejected", rejection: { kind: "too-distant" } });
});

test("12 s of root dispersion are too distant", () => {
  const verdict = judgeExchange(exchange({ ...proper, rootDispersion: 12 * 0x1_0000 }), pivot);
  expect(verdict).toMatchObject({ kind: "rejected", rejection: { kind: "too-distant" } });
  if (verdict.kind === "rejected" && verdict.rejection.kind === "too-distant") {
    expect(verdict.rejection.rootDistanceNs).toBeGreaterThan(rootDistanceMaxNs);
  }
});

test("λ is root distance, 15 ppm of the age and the floor", () => {
  const sample = sampleOf({ rootDelayNs: 4n * nsPerMs, rootDispersionNs: nsPerMs, precisionNs: 1000n });
  expect(rootDistanceNs(sample)).toBe(15n * nsPerMs + 2n * nsPerMs + nsPerMs + 1000n);
  const later = monotonicNs(t1 + 100n * nsPerSecond);
  expect(lambdaNs(sample, later, 15)).toBe(rootDistanceNs(sample) + 1_500_000n + sourceFloorNs);
});

test("a server 300 µs off that claims 15 µs holds the truth only because of the floor", () => {
  const fast = sampleOf({
    t2Ns: utcNs(pivot + 300_000n),
    t3Ns: utcNs(pivot + 300_000n),
    t4Ns: monotonicNs(t1 + 40_000n),
    rootDispersionNs: 15_000n,
  });
  const wrongByNs = magnitude(thetaNs(fast) - (pivot - t1 - 20_000n));
  expect(wrongByNs).toBeGreaterThan(lambdaNs(fast, fast.t4Ns, 15) - sourceFloorNs);
  expect(wrongByNs).toBeLessThan(lambdaNs(fast, fast.t4Ns, 15));
});

test("however both ways share the delay, the truth is within λ while the crystal is within its ppm", () => {
  const way = fc.bigInt({ min: 0n, max: 500n * nsPerMs });
  fc.assert(
    fc.property(way, way, way, fc.integer({ min: -15, max: 15 }), way, (there, served, back, ppm, age) => {
      const mono = (elapsed: bigint): bigint => t1 + elapsed + (elapsed * BigInt(ppm)) / 1_000_000n;
      const sample = sampleOf({
        t2Ns: utcNs(pivot + there),
        t3Ns: utcNs(pivot + there + served),
        t4Ns: monotonicNs(mono(there + served + back)),
      });
      const nowNs = monotonicNs(mono(there + served + back + age));
      const truth = pivot + there + served + back + age - nowNs;
      expect(magnitude(thetaNs(sample) - truth)).toBeLessThanOrEqual(lambdaNs(sample, nowNs, 16));
    }),
  );
});

function sampleOf(change: Partial<Sample>): Sample {
  return {
    t1Ns: t1,
    t2Ns: t2,
    t3Ns: t3,
    t4Ns: t4,
    rootDelayNs: 0n,
    rootDispersionNs: 0n,
    precisionNs: 0n,
    stratum: 1,
    leap: 0,
    referenceId: 0,
    ...change,
  };
}
