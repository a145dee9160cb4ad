import { expect, test } from "vitest";
import { fictionalSsin } from "../fictional-worker.ts";
import { SsinWatch } from "./ssin-watch.ts";

const ssin = fictionalSsin(7);
const dotted = `${ssin.slice(0, 2)}.${ssin.slice(2, 4)}.${ssin.slice(4, 6)}-${ssin.slice(6, 9)}.${ssin.slice(9)}`;

test.each([
  ["bare", `{"msg":"${ssin}"}`],
  ["with the official punctuation", `worker ${dotted} refused`],
  ["in a longer run of digits", `1780000${ssin}44`],
  ["in an address", `GET /presenceRegistrations?ssin=${ssin}&from=2026-01-31T07:02:11Z`],
  ["with slashes", dotted.replaceAll(".", "/")],
])("a number is found %s, and is not repeated", (_, line) => {
  const watch = new SsinWatch([fictionalSsin(1), ssin]);
  watch.add(`harmless 1780000000000 2026-01-31T07:02:11.250Z\n${line.slice(0, 9)}`);
  watch.add(`${line.slice(9)}\nharmless\n`);
  expect(watch.lines).toBe(3);
  expect(watch.found).toHaveLength(1);
  expect(watch.found[0]).not.toMatch(/\d/);
});

test("numbers of nobody on the roster, times and ids are no finding", () => {
  const watch = new SsinWatch([ssin]);
  watch.add(`${fictionalSsin(8)} ${"1780000000000"} 5f9b2a40-1c7e-4c0b-9d58-0a3c9f6f2a11\n`);
  expect(watch.found).toEqual([]);
});
