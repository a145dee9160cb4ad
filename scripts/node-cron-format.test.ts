import { describe, expect, test } from "vitest";
import { present } from "../daemon/base/assert.ts";
import { dateOf, parseUtcText } from "../daemon/base/system-time.ts";
import { NodeCronFormat } from "./node-cron-format.ts";

/** As node-cron makes its two formatters. */
const digits = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" } as const;
const asked = [
  { ...digits, second: "2-digit", weekday: "short", hour12: false },
  { timeZoneName: "shortOffset" },
] as const;

describe.each(["Europe/Brussels", "Asia/Kolkata", "America/New_York", "UTC"])("in %s", (timeZone) => {
  test.each([
    "2026-03-29T00:59:59Z",
    "2026-03-29T01:00:00Z",
    "2026-10-25T00:30:00Z",
    "2026-10-25T01:30:00Z",
    "2026-12-31T23:00:00Z",
    "2026-06-30T22:00:00Z",
  ])("node-cron reads from it of %s what it reads from Intl", (text) => {
    const at = dateOf(present(parseUtcText(text), text));
    const ours = new Map(
      new NodeCronFormat("en-US", { timeZone }).formatToParts(at).map(({ type, value }) => [type, value]),
    );
    for (const options of asked) {
      const parts = new Intl.DateTimeFormat("en-US", { ...options, timeZone }).formatToParts(at);
      for (const { type, value } of parts.filter((each) => each.type in options || each.type === "timeZoneName")) {
        // node-cron takes both for midnight.
        expect(ours.get(type), type).toBe(type === "hour" && value === "24" ? "00" : value);
      }
    }
  });
});
