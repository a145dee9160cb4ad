import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { systemTime } from "../../base/system-time.ts";
import { testDiskObstacle } from "../disk/test-disk.ts";
import { runPowerCuts } from "./power-cuts.ts";

const obstacle = testDiskObstacle();

test.skipIf(obstacle !== null)(
  `what was acknowledged is there after a power cut, and the store opens by itself${obstacle === null ? "" : ` (${obstacle})`}`,
  async () => {
    const report = await runPowerCuts({ seed: 1, scans: 120, cuts: 24, directory: tmpdir(), time: systemTime });
    expect(report.broken).toEqual([]);
    expect(report.acknowledged).toBe(120);
    expect(report.cutsBeforeAny).toBeLessThan(report.cuts);
  },
  120_000,
);
