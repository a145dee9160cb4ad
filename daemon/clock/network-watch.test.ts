import { expect, test } from "vitest";
import { ManualTime } from "../testing/manual-time.ts";
import { readAddresses } from "./host-readings.ts";
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

test("a box that cannot list its addresses for a while is compared with what it listed before", async () => {
  const time = new ManualTime();
  let addresses: ReadonlySet<string> | null = null;
  let told = 0;
  using _watch = watchNetwork(
    () => addresses,
    () => {
      told += 1;
    },
    time,
  );
  const seen: number[] = [];
  for (const next of [["127.0.0.1"], null, ["127.0.0.1"], null, ["127.0.0.1", "10.0.0.7"]]) {
    addresses = next === null ? null : new Set(next);
    await time.advance(networkLookMs);
    seen.push(told);
  }
  expect(seen).toEqual([0, 0, 0, 0, 1]);
});

test("addresses that the system does not give are none that it has", () => {
  const outOfDescriptors = Object.assign(new Error("uv_interface_addresses"), { code: "ERR_SYSTEM_ERROR" });
  expect(
    readAddresses(() => {
      throw outOfDescriptors;
    }),
  ).toBeNull();
  expect(readAddresses()).toContain("127.0.0.1");
});
