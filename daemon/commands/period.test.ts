import { expect, test } from "vitest";
import { readPeriod } from "./period.ts";

test("what is not given bounds nothing", () => {
  expect(readPeriod({})).toEqual({ from: null, to: null });
  expect(readPeriod({ to: "2026-01-31T07:00:00+01:00" })).toEqual({ from: null, to: 1_769_839_200_000 });
});

test.each([
  [{ from: "yesterday" }, "--from: yesterday is no moment with its zone"],
  [{ to: "2026-01-31T07:00:00" }, "--to: 2026-01-31T07:00:00 is no moment with its zone"],
  [{ from: "2026-02-01T00:00:00Z", to: "2026-01-31T00:00:00Z" }, "nothing lies between them"],
  [{ from: "2026-01-31T07:00:00+01:00", to: "2026-01-31T06:00:00Z" }, "nothing lies between them"],
])("%j is a mistake of whoever typed it, and told", (options, told) => {
  expect(() => readPeriod(options)).toThrow(told);
});
