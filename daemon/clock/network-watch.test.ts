import { expect, test } from "vitest";
import { ManualTime } from "../testing/manual-time.ts";
import { networkLookMs, watchNetwork } from "./network-watch.ts";

test("an address that appears is told once, one that goes or stays is not", async () => {
  const time = new ManualTime();
  let addresses = new Set(["127.0.0.1"]);
  let told = 0;
  using _watch = watchNetwork(
    () => addresses,
    () => {
      told += 1;
    },
    time,
  );
  const seen: number[] = [];
  for (const next of [
    ["127.0.0.1"],
    ["127.0.0.1", "10.0.0.7"],
    ["127.0.0.1", "10.0.0.7"],
    ["127.0.0.1"],
    ["10.0.0.8"],
  ]) {
    addresses = new Set(next);
    await time.advance(networkLookMs);
    seen.push(told);
  }
  expect(seen).toEqual([0, 1, 1, 1, 2]);
});
