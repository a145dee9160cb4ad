import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fictionalSsin } from "../../testing/fictional-worker.ts";
import { type ItemEcho, matchItems, type SentItem } from "./item-match.ts";

const sent: readonly SentItem[] = [0, 1, 2].map((worker) => ({
  ssin: fictionalSsin(worker),
  registrationDate: `2026-01-31T07:02:1${worker}Z`,
  type: worker === 2 ? "OUT" : "IN",
}));
const silent: ItemEcho = { ssin: null, registrationDate: null, type: null };
const echo = (index: number): ItemEcho => sent[index] ?? silent;
const hidden = (index: number): ItemEcho => ({ ...silent, ssin: `*******${sent[index]?.ssin.slice(7)}` });
const dated = (index: number): ItemEcho => ({ ...echo(index), ssin: hidden(index).ssin });

describe("an answer's item belongs to", () => {
  test.each<[string, readonly ItemEcho[], readonly (number | null)[]]>([
    ["the scan at its place, when it says nothing", [silent, silent, silent], [0, 1, 2]],
    ["the scan at its place, when it agrees", [echo(0), silent, echo(2)], [0, 1, 2]],
    ["the scan it repeats", [echo(2), echo(0), echo(1)], [1, 2, 0]],
    ["no scan, when it says nothing and there are fewer", [silent, silent], [null, null, null]],
    ["no scan, when it says nothing and there are more", [silent, silent, silent, silent], [null, null, null]],
    ["the scan it repeats, when there are fewer", [echo(2)], [null, null, 0]],
    ["the scan it repeats, when there are more", [silent, echo(2), echo(1), silent], [null, 2, 1]],
    ["the only scan of its direction", [{ ...silent, type: "OUT" }], [null, null, 0]],
    ["no scan, when two would do", [{ ...silent, type: "IN" }], [null, null, null]],
    ["no scan, when another claims it too", [echo(1), echo(1)], [null, null, null]],
    ["no scan, when it repeats a stranger", [{ ...silent, ssin: fictionalSsin(9) }], [null, null, null]],
    [
      "the scan at its place, when its number is hidden in part and agrees",
      [hidden(0), hidden(1), hidden(2)],
      [0, 1, 2],
    ],
    ["no scan at its place, when what it shows is another's", [hidden(1), hidden(0), hidden(2)], [null, null, null]],
    ["the scan of its moment that its number may be of", [dated(2), dated(0), dated(1)], [1, 2, 0]],
    ["no scan, when a number hidden in part is all it repeats", [hidden(2)], [null, null, null]],
    [
      "no scan, when its number may be of that of another moment only",
      [{ ...dated(1), ...hidden(0), registrationDate: dated(1).registrationDate }],
      [null, null, null],
    ],
    ["no scan, when it contradicts itself", [{ ...echo(1), type: "OUT" }], [null, null, null]],
  ])("%s", (_, echoes, expected) => {
    expect(matchItems(echoes, sent)).toEqual(expected);
  });
});

test("whatever is left out or turned round, no item is given to a scan that it is not about", () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([0, 1, 2]), (order) => {
      const places = matchItems(order.map(echo), sent);
      for (const [index, place] of places.entries()) if (place !== null) expect(order[place]).toBe(index);
      expect(places.filter((place) => place !== null)).toHaveLength(order.length);
    }),
  );
});
