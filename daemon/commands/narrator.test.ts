import { expect, test } from "vitest";
import { narrate, readLogLine } from "./narrator.ts";

test("a recorded scan is never called registered", () => {
  const words = narrate({ msg: "scan recorded", scanId: 3, direction: "in", reader: "gate" });
  expect(words).toContain("Scan 3 (IN)");
  expect(words).toContain("to be sent");
  expect(words).not.toMatch(/registered/i);
});

test.each([
  [{ msg: "scans registered", count: 1 }, "1 scan is REGISTERED"],
  [{ msg: "scans registered", count: 3 }, "3 scans are REGISTERED"],
  [{ msg: "service not reachable, scans kept", outcome: "not-connected" }, "kept on disk"],
])("%j", (line, words) => {
  expect(narrate(line)).toContain(words);
});

test("what a supervisor need not know is left out", () => {
  expect(narrate({ msg: "wal checkpointed" })).toBeNull();
});

test.each(["", "plain text", "[1]", '{"level":30}', "null"])("%j is no line of the log", (text) => {
  expect(readLogLine(text)).toBeNull();
});
