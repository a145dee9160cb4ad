import { expect, test } from "vitest";
import { milliseconds, rate, summarise, tableOf } from "./figures.ts";

test("a series is summarised without being changed", () => {
  const samples = [5, 1, 3];
  expect(summarise(samples)).toEqual({ count: 3, p50: 3, p99: 5, max: 5 });
  expect(samples).toEqual([5, 1, 3]);
});

test("figures come in the unit a person compares", () => {
  expect([milliseconds(0.0415), milliseconds(1.25), milliseconds(512)]).toEqual(["42 µs", "1.3 ms", "512 ms"]);
  expect([rate(950), rate(275_000)]).toEqual(["950/s", "275 k/s"]);
});

test("a case is a table under its own name, and says it when a goal is missed or nothing was measured", () => {
  const line = { measured: "2 ms", against: "1 ms", goal: "1.5 ×" };
  const findings = [
    { what: "slow", ...line, met: false },
    { what: "quick", ...line, met: true },
    { what: "as it is", ...line, met: null },
  ];
  expect(tableOf({ name: "latency", findings, figures: {} }).split("\n")).toEqual([
    "latency   measured  beside  goal",
    "slow      2 ms      1 ms    1.5 ×  MISSED",
    "quick     2 ms      1 ms    1.5 ×  met",
    "as it is  2 ms      1 ms    1.5 ×",
  ]);
  const figures = { skipped: "chronyd is not installed" };
  expect(tableOf({ name: "clock", findings: [], figures })).toBe("clock: skipped, chronyd is not installed");
  expect(tableOf({ name: "clock", findings, figures })).toMatch(/\nclock: skipped, chronyd is not installed$/);
});
