import { expect, test } from "vitest";
import { type MonotonicNs, monotonicNs } from "../daemon/base/time.ts";
import { nobodyPresent, type Presence, present, presentMax } from "./presence.ts";

const presenceMs = 500;
const ms = (value: number): MonotonicNs => monotonicNs(BigInt(value) * 1_000_000n);

function repeats(
  sightings: readonly (readonly [badge: string, atMs: number])[],
  keys: readonly string[] = [],
): readonly boolean[] {
  let presence: Presence = nobodyPresent;
  return sightings.map(([badge, atMs]) => {
    const seen = present(presence, badge, ms(atMs), presenceMs, keys);
    presence = seen.presence;
    return seen.isRepeat;
  });
}

test("a badge held for minutes is one presentation", () => {
  const held = Array.from({ length: 2_400 }, (_, index) => ["A", index * 50] as const);
  expect(repeats(held).filter((isRepeat) => !isRepeat)).toHaveLength(1);
});

test.each([
  [500, true],
  [501, false],
])("again after %i ms: a repeat is %s", (gapMs, isRepeat) => {
  expect(
    repeats([
      ["A", 0],
      ["A", gapMs],
    ]),
  ).toEqual([false, isRepeat]);
});

test.each<[string, readonly string[], readonly boolean[]]>([
  ["its key is sent once, and the badge goes on without it", ["I1234", "1234", "1234"], [false, true, true]],
  ["a key that is pressed means what it says, also at once", ["1234", "O1234", "I1234"], [false, false, false]],
  ["what is no key parts two badges", ["X1234", "1234"], [false, false]],
])("of a held badge %s", (_name, badges, expected) => {
  const sightings = badges.map((badge, index) => [badge, index * 50] as const);
  expect(repeats(sightings, ["I", "O"])).toEqual(expected);
});

test("two badges that take turns are one presentation each", () => {
  expect(
    repeats([
      ["A", 0],
      ["B", 100],
      ["A", 200],
      ["B", 300],
    ]),
  ).toEqual([false, false, true, true]);
});

test("of too many badges at once the longest unseen is forgotten", () => {
  const crowd = Array.from({ length: presentMax + 1 }, (_, index) => [`badge-${index}`, index] as const);
  expect(repeats([...crowd, ["badge-1", 100], ["badge-0", 101]]).slice(-2)).toEqual([true, false]);
});

test("who has left takes no room", () => {
  let presence: Presence = nobodyPresent;
  for (let each = 0; each < 10; each += 1)
    presence = present(presence, `badge-${each}`, ms(each * 1000), presenceMs).presence;
  expect([...presence.keys()]).toEqual(["badge-9"]);
});
