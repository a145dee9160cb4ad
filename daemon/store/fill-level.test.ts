import { expect, test } from "vitest";
import { fillLevelOf } from "./fill-level.ts";

test.each([
  [0, "normal"],
  [799, "normal"],
  [800, "alarm"],
  [999, "alarm"],
  [1000, "full"],
  [1001, "full"],
])("%i of 1000 rows with the alarm at 80 %%: %s", (rows, level) => {
  expect(fillLevelOf(rows, { maxScans: 1000, alarmFraction: 0.8 })).toBe(level);
});
