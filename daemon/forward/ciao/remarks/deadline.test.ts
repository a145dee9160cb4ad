import { describe, expect, test } from "vitest";
import { parseUtcText } from "../../../base/system-time.ts";
import { type WallMs, wallMs } from "../../../base/time.ts";
import { daysLeft, deadlineOf } from "./deadline.ts";

const brussels = "Europe/Brussels";
const moment = (text: string): WallMs => wallMs(parseUtcText(text) ?? Number.NaN);

describe("the last day of a registration", () => {
  test.each([
    ["in the morning", "2026-01-01T07:00:00Z", "2026-01-31"],
    ["just before midnight in Brussels", "2026-01-01T22:59:59Z", "2026-01-31"],
    ["just past midnight in Brussels, still the day before in UTC", "2026-01-01T23:00:00Z", "2026-02-01"],
    ["across the beginning of summer time", "2026-03-15T06:00:00Z", "2026-04-14"],
    ["across its end", "2026-10-10T21:59:59Z", "2026-11-09"],
    ["past midnight in summer time", "2026-10-10T22:00:00Z", "2026-11-10"],
    ["in a leap year", "2028-02-01T08:00:00Z", "2028-03-02"],
    ["at the end of a year", "2026-12-15T08:00:00Z", "2027-01-14"],
  ])("made %s", (_, registered, last) => {
    expect(deadlineOf(moment(registered), brussels)).toBe(last);
  });
});

test.each([
  ["2026-01-01T07:00:00Z", 30],
  ["2026-01-31T22:59:59Z", 0],
  ["2026-01-31T23:00:00Z", -1],
  ["2026-01-30T23:00:00Z", 0],
  ["2026-01-30T22:59:59Z", 1],
  ["2026-03-02T12:00:00Z", -30],
])("at %s there are %d days left until the last of January", (now, days) => {
  expect(daysLeft("2026-01-31", moment(now), brussels)).toBe(days);
});
