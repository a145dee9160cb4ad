import { expect, test } from "vitest";
import { systemTime } from "../base/system-time.ts";
import { monotonicNs } from "../base/time.ts";
import { loadSocketStamps, stampBetween } from "./socket-stamps.ts";

const sentNs = monotonicNs(1_000_000n);
const now = { atNs: monotonicNs(1_300_000n), wallNs: 1_780_000_000_000_300_000n };

test.each([
  ["20 µs ago", 280_000n, monotonicNs(1_280_000n)],
  ["at the moment of the request", 0n, sentNs],
  ["at this moment", 300_000n, now.atNs],
  ["before the request: the system clock was set forward", -1n, null],
  ["in the future: the system clock was set back", 300_001n, null],
  ["never", -1_780_000_000_000_000_000n, null],
])("a stamp %s", (_, wallNs, expected) => {
  expect(stampBetween(sentNs, now, 1_780_000_000_000_000_000n + wallNs)).toBe(expected);
});

test("the stamps can be had more than once in a process", async () => {
  for (let time = 0; time < 2; time += 1) expect(await loadSocketStamps(systemTime)).not.toHaveProperty("obstacle");
});
