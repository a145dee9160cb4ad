import { expect, test } from "vitest";
import { ManualTime } from "../testing/manual-time.ts";
import { networkLookMs, watchNetwork } from "./network-watch.ts";

/** How often it was told by the end of each look; the first listing is that of the start, `null` where there is none. */
async function toldBy(listings: readonly (readonly string[] | null)[]): Promise<readonly number[]> {
  const time = new ManualTime();
  const [first = null, ...others] = listings;
  let listed = first;
  let told = 0;
  const addresses = (): ReadonlySet<string> | null => (listed === null ? null : new Set(listed));
  using _watch = watchNetwork(addresses, () => (told += 1), time);
  const seen: number[] = [];
  for (const next of others) {
    listed = next;
    await time.advance(networkLookMs);
    seen.push(told);
  }
  return seen;
}

const home = "127.0.0.1";

test("an address that appears is told once, one that goes or stays is not", async () => {
  const seen = await toldBy([[home], [home], [home, "10.0.0.7"], [home, "10.0.0.7"], [home], ["10.0.0.8"]]);
  expect(seen).toEqual([0, 1, 1, 1, 2]);
});

test("a box that cannot list its addresses for a while is compared with what it listed before", async () => {
  const seen = await toldBy([null, [home], null, [home], null, [home, "10.0.0.7"]]);
  expect(seen).toEqual([0, 0, 0, 0, 1]);
});
