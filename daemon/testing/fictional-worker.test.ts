import { expect, test } from "vitest";
import { isSsin } from "../base/identifiers.ts";
import { parseRoster } from "../scan/roster-csv.ts";
import { fictionalRoster, fictionalSsin, fictionalWorkersMax } from "./fictional-worker.ts";

test("made-up numbers are valid, different, and have no month that a person's could have", () => {
  const numbers = Array.from({ length: 20_000 }, (_, index) => fictionalSsin(index * 139));
  expect(new Set(numbers).size).toBe(numbers.length);
  expect(numbers.every((ssin) => isSsin(ssin) && ssin.slice(2, 4) === "99")).toBe(true);
  expect(isSsin(fictionalSsin(fictionalWorkersMax - 1))).toBe(true);
});

test("a made-up roster is a roster", () => {
  const { entries, problems } = parseRoster(fictionalRoster(1_000), "hex");
  expect(problems).toEqual([]);
  expect(entries).toHaveLength(1_000);
});
