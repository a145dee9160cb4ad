import fc from "fast-check";
import { expect, test } from "vitest";
import { monotonicNs, wallMs } from "../base/time.ts";
import type { Stamp } from "../clock/stamp.ts";
import { decide, toggleWindowMs } from "./decide.ts";
import type { Direction, DirectionRule, LastScan } from "./scan.ts";

const doubleScanMs = 60_000;
const now = 1_780_000_000_000;
const toggle: DirectionRule = { kind: "toggle" };
const fixed = (direction: Direction): DirectionRule => ({ kind: "fixed", direction });

function stamp(bootId = "boot-a", monotonicMs = 10_000_000, utcMs = now): Stamp {
  return {
    bootId,
    monotonicNs: monotonicNs(BigInt(monotonicMs) * 1_000_000n),
    utcMs: wallMs(utcMs),
    how: "live",
    errorBoundMs: null,
    earliestMs: null,
    latestMs: null,
    syncId: null,
    state: "unsynchronised",
    captureLagMs: 0,
  };
}

function last(direction: Direction | null, agoMs: number, bootId = "boot-a"): LastScan {
  return {
    id: 7,
    direction,
    bootId,
    monotonicNs: BigInt(10_000_000 - (bootId === "boot-a" ? agoMs : 0)) * 1_000_000n,
    utcMs: wallMs(now - agoMs),
    errorBoundMs: null,
    isBracket: false,
  };
}

const proven = <T extends object>(value: T): T & { readonly errorBoundMs: number } => ({ ...value, errorBoundMs: 10 });

test.each([
  { name: "first scan of a toggle", rule: toggle, last: null, expected: { kind: "keep", direction: "in" } },
  { name: "first scan of a fixed OUT", rule: fixed("out"), last: null, expected: { kind: "keep", direction: "out" } },
  { name: "toggle after IN", rule: toggle, last: last("in", 3_600_000), expected: { kind: "keep", direction: "out" } },
  { name: "toggle after OUT", rule: toggle, last: last("out", 3_600_000), expected: { kind: "keep", direction: "in" } },
  {
    name: "toggle just inside 24 h",
    rule: toggle,
    last: last("in", toggleWindowMs - 1, "boot-b"),
    expected: { kind: "keep", direction: "out" },
  },
  {
    name: "toggle at 24 h",
    rule: toggle,
    last: last("in", toggleWindowMs, "boot-b"),
    expected: { kind: "keep", direction: "in" },
  },
  { name: "again within 60 s", rule: toggle, last: last("in", 59_999), expected: { kind: "double", ofScanId: 7 } },
  { name: "again at 60 s", rule: toggle, last: last("in", 60_000), expected: { kind: "keep", direction: "out" } },
  {
    name: "the same badge at another reader, whose frame began first and ended last",
    rule: toggle,
    last: last("in", -100),
    expected: { kind: "double", ofScanId: 7 },
  },
  { name: "same key again", rule: fixed("in"), last: last("in", 5_000), expected: { kind: "double", ofScanId: 7 } },
  {
    name: "the other key at once, a corrected mistake",
    rule: fixed("out"),
    last: last("in", 5_000),
    expected: { kind: "keep", direction: "out" },
  },
  {
    name: "a toggle within 60 s of an unknown badge's",
    rule: toggle,
    last: last(null, 5_000),
    expected: { kind: "double", ofScanId: 7 },
  },
  {
    name: "a key within 60 s of an unknown badge's toggle, whose direction nobody knows",
    rule: fixed("out"),
    last: last(null, 5_000),
    expected: { kind: "keep", direction: "out" },
  },
] as const)("$name", ({ rule, last: previous, expected }) => {
  expect(decide(rule, stamp(), previous, doubleScanMs)).toEqual(expected);
});

test("within one boot a wall clock that jumps two hours changes nothing", () => {
  const jumped = stamp("boot-a", 10_000_000, now + 7_200_000);
  expect(decide(toggle, jumped, last("in", 30_000), doubleScanMs)).toEqual({ kind: "double", ofScanId: 7 });
});

test("over a reboot with the wall clock set back, nothing becomes a double and the toggle still turns", () => {
  const back = stamp("boot-b", 5_000, now - 1_800_000);
  expect(decide(toggle, back, last("in", 0), doubleScanMs)).toEqual({ kind: "keep", direction: "out" });
});

test.each([
  { name: "proven, well within 60 s", agoMs: 59_900, kind: "double" },
  { name: "proven, perhaps within 60 s", agoMs: 59_990, kind: "keep" },
])("over a reboot: $name", ({ agoMs, kind }) => {
  const decision = decide(toggle, proven(stamp("boot-b", 5_000)), proven(last("in", agoMs)), doubleScanMs);
  expect(decision.kind).toBe(kind);
});

test("a box that boots with the time at which it went off makes no double of a scan hours later", () => {
  for (const sinceBootMs of [5_000, doubleScanMs]) {
    const resumed = stamp("boot-b", sinceBootMs, now + 30_000);
    for (const previous of [last("in", 0), proven(last("in", 0))]) {
      expect(decide(toggle, resumed, previous, doubleScanMs)).toEqual({ kind: "keep", direction: "out" });
      expect(decide(fixed("in"), resumed, previous, doubleScanMs)).toEqual({ kind: "keep", direction: "in" });
    }
  }
});

test("of a scan that a person decides about, the one that can be sent is no double", () => {
  const bracketed = { ...proven(last("in", 5_000)), isBracket: true };
  expect(decide(toggle, proven(stamp("boot-b", 5_000)), bracketed, doubleScanMs).kind).toBe("keep");
});

test("proven times overrule a monotonic clock that stood still while the box slept", () => {
  const asleep = proven(stamp("boot-a", 10_000_000, now + 14 * 3_600_000));
  expect(decide(fixed("in"), asleep, proven(last("in", 30_000)), doubleScanMs).kind).toBe("keep");
  const days = proven(stamp("boot-a", 10_000_000, now + 2 * toggleWindowMs));
  expect(decide(toggle, days, proven(last("in", 30_000)), doubleScanMs)).toEqual({ kind: "keep", direction: "in" });
});

test("bounds of half a minute part no scans of seconds within a boot", () => {
  const vague = { errorBoundMs: 30_000 };
  const previous = { ...last("in", 10_000), ...vague };
  expect(decide(toggle, { ...stamp(), ...vague }, previous, doubleScanMs).kind).toBe("double");
});

test("a toggle turns over a reboot with a clock that is months behind, then or now", () => {
  const monthsMs = 60 * toggleWindowMs;
  const turned = { kind: "keep", direction: "out" };
  expect(decide(toggle, stamp("boot-b", 5_000, now - monthsMs), proven(last("in", 0)), doubleScanMs)).toEqual(turned);
  expect(decide(toggle, proven(stamp("boot-b", 5_000)), last("in", monthsMs), doubleScanMs)).toEqual(turned);
});

test.each([
  { name: "perhaps", agoMs: toggleWindowMs + 19, direction: "out" },
  { name: "certainly not", agoMs: toggleWindowMs + 20, direction: "in" },
])("over a reboot, $name within 24 h by proven times: $direction", ({ agoMs, direction }) => {
  const decision = decide(toggle, proven(stamp("boot-b", 5_000)), proven(last("in", agoMs)), doubleScanMs);
  expect(decision).toEqual({ kind: "keep", direction });
});

test("a bracket of hours ends no toggle and makes no double", () => {
  const bracketed = { ...last("in", 30_000), errorBoundMs: 3 * 3_600_000 };
  const decision = decide(toggle, proven(stamp("boot-b", 5_000)), bracketed, doubleScanMs);
  expect(decision).toEqual({ kind: "keep", direction: "out" });
});

test("a scan further than the double window away is never a double, wherever the clocks stand", () => {
  fc.assert(
    fc.property(
      fc.constantFrom<Direction>("in", "out"),
      fc.integer({ min: doubleScanMs, max: 10_000_000 }),
      fc.integer({ min: -1e9, max: 1e9 }),
      (direction, agoMs, wallJumpMs) => {
        const decision = decide(
          toggle,
          stamp("boot-a", 10_000_000, now + wallJumpMs),
          last(direction, agoMs),
          doubleScanMs,
        );
        expect(decision.kind).toBe("keep");
      },
    ),
  );
});
