import { expect, test } from "vitest";
import { systemTime } from "../../base/system-time.ts";
import { temporaryDirectory } from "../store-fixture.ts";
import { runDrainKills } from "./drain-kills.ts";

test("a backlog that is sent call upon call survives kills in the middle: nothing lost, nothing twice unmarked", async () => {
  using directory = temporaryDirectory();
  const report = await runDrainKills({
    seed: 3,
    scans: 8_000,
    kills: 4,
    directory: directory.path,
    program: "daemon/main.ts",
    time: systemTime,
  });
  expect(report.broken).toEqual([]);
  expect(report.kills).toBe(4);
  expect(report.registered).toBeGreaterThanOrEqual(8_000);
}, 180_000);
