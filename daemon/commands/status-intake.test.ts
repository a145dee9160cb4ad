import { expect, test } from "vitest";
import { openCore, storeSettings, temporaryDirectory } from "../testing/store-fixture.ts";
import { intakeLines, storeLines } from "./status.ts";

const intake = { recorded: 4, doubles: 0, unknownBadges: 0, captureLagMaxMs: 1 };

test("badges that were not recorded are told in capitals, and nothing while there are none", () => {
  expect(intakeLines({ intake: { ...intake, notRecorded: 0 } })).toEqual([]);
  expect(intakeLines({ intake: { ...intake, notRecorded: 3 } })).toEqual([
    "scans     NOT RECORDED: 3 since the start, answered so at the reader; the log says why",
  ]);
});

test("a store at its limit is told in capitals", () => {
  using directory = temporaryDirectory();
  using core = openCore(storeSettings(directory.path));
  const summary = core.summary();
  expect(storeLines(summary).join("\n")).not.toContain("FULL");
  expect(storeLines({ ...summary, rows: summary.maxScans }).join("\n")).toContain("store     FULL: ");
});
