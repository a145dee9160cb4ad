import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemTime } from "../../base/system-time.ts";
import { boxObstacle } from "./box.ts";
import { runCampaign } from "./campaign.ts";

test("nothing accepted is lost and nothing is registered twice unmarked, through kills, unplugs and faults of the service", async () => {
  const directory = mkdtempSync(join(tmpdir(), "badged-campaign-"));
  const report = await runCampaign({
    seed: 7,
    kills: 6,
    workers: 2_000,
    directory,
    program: "daemon/main.ts",
    clockFaults: boxObstacle() === null,
    time: systemTime,
  });
  expect(report.broken).toEqual([]);
  expect(report.endedWell).toBe(true);
  // How many a life has time for is the machine's affair; none of them would show nothing.
  expect(report.accepted).toBeGreaterThan(2 * report.kills);
  expect(report.unplugs).toBeGreaterThan(0);
  rmSync(directory, { recursive: true });
}, 240_000);
