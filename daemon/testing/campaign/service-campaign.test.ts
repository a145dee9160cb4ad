import { expect, test } from "vitest";
import { systemTime } from "../../base/system-time.ts";
import { temporaryDirectory } from "../store-fixture.ts";
import { failedCallFaults } from "./faults.ts";
import { runServiceCampaign } from "./service-campaign.ts";

test("whatever fails at whichever call, nothing is lost or doubled unmarked, and no log line names a worker", async () => {
  using directory = temporaryDirectory();
  const report = await runServiceCampaign({
    seed: 5,
    rounds: 1,
    everyNth: 4,
    directory: directory.path,
    program: "daemon/main.ts",
    time: systemTime,
  });
  expect(report.broken).toEqual([]);
  expect(report.endedWell).toBe(true);
  expect(report.accepted).toBeGreaterThan(50);
  expect(report.calls.token).toBeGreaterThan(0);
  expect(report.calls.search).toBeGreaterThan(0);
  expect(report.calls.get).toBeGreaterThan(0);
  expect(report.remarks).toBeGreaterThan(0);
  expect(report.logLines).toBeGreaterThan(20);
}, 400_000);

test("a quota of failed calls that is soon used up is respected", async () => {
  using directory = temporaryDirectory();
  const report = await runServiceCampaign({
    seed: 6,
    rounds: 1,
    everyNth: 3,
    failing: { faults: failedCallFaults, failedMax: 2, windowMs: 6_000 },
    directory: directory.path,
    program: "daemon/main.ts",
    time: systemTime,
  });
  expect(report.broken).toEqual([]);
  expect(report.quotaRefusals).toBeGreaterThan(0);
  expect(report.quotaViolations).toBe(0);
}, 400_000);
