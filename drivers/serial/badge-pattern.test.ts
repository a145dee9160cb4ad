import { expect, test } from "vitest";
import { createBadgePattern, patternMaxMs, triesMax } from "./badge-pattern.ts";

/** Takes years. */
const slow = "^(?<badge>(a+)+)$";
const frame = `${"a".repeat(500)}!`;

test.each<[string, number, number]>([
  ["had the processor is not matched again", patternMaxMs, 1],
  ["had none of it is, and given up in the end", 0, triesMax],
  ["had a twentieth of it is, until it had enough in all", patternMaxMs / 20, 4],
])("a match that was stopped and %s", (_what, hadMs, tries) => {
  const askedMs: number[] = [];
  const badgeOf = createBadgePattern(slow, () => {
    askedMs.push(askedMs.length * hadMs);
    return askedMs.at(-1) ?? 0;
  });
  expect(badgeOf(frame)).toBeNull();
  // Before the first try, and after each but the last one that may be.
  expect(askedMs.length).toBe(tries === triesMax ? triesMax : tries + 1);
});
