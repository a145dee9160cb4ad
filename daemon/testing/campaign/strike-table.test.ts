import { expect, test } from "vitest";
import { callFaults, whyNot } from "./faults.ts";
import { nameOf, StrikeTable, struckCalls } from "./strike-table.ts";

test("every fault of the list has a name of its own, or one would be counted as the other", () => {
  const names = callFaults.map(nameOf);
  expect(new Set(names).size).toBe(names.length);
});

test("a cell stays open until its fault has struck its call", () => {
  const table = new StrikeTable(callFaults);
  const [first, second] = table.open("search");
  if (first === undefined || second === undefined) throw new Error("there are faults for a search");
  table.add("search", first);
  table.add("get", second);
  expect(table.open("search")[0]).toBe(second);
  expect(table.count("search", first)).toBe(1);
  expect(table.missing()).not.toContain(`${nameOf(first)} never struck search`);
  expect(table.missing()).toContain(`${nameOf(second)} never struck search`);
});

test("what makes no sense for a call is never missing, and the table says why", () => {
  const table = new StrikeTable(callFaults);
  for (const call of struckCalls)
    for (const fault of callFaults) if (whyNot(call, fault) === null) table.add(call, fault);
  expect(table.missing()).toEqual([]);
  const lines = table.lines();
  expect(lines[0]).toMatch(/^fault +register +search +get +token +health +history +cancel$/);
  expect(lines.find((line) => line.startsWith("fewer-items"))?.split(/ {2,}/)).toEqual([
    "fewer-items",
    "1",
    "1",
    "– 1)",
    "– 1)",
    "– 1)",
    "1",
    "– 1)",
  ]);
  expect(lines.slice(-2)).toEqual([
    "1) the answer is no list of items",
    "2) the answer repeats nothing of a registration",
  ]);
});
