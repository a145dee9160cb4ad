import { expect, test } from "vitest";
import { milliseconds, rate, summarise } from "./figures.ts";

test("a series is summarised without being changed", () => {
  const samples = [5, 1, 3];
  expect(summarise(samples)).toEqual({ count: 3, p50: 3, p99: 5, max: 5 });
  expect(samples).toEqual([5, 1, 3]);
});

test("figures come in the unit a person compares", () => {
  expect([milliseconds(0.0415), milliseconds(1.25), milliseconds(512)]).toEqual(["42 µs", "1.3 ms", "512 ms"]);
  expect([rate(950), rate(275_000)]).toEqual(["950/s", "275 k/s"]);
});
