import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { systemTime } from "../../base/system-time.ts";
import { testDiskObstacle } from "../disk/test-disk.ts";
import { runEvidenceCuts } from "./evidence-cuts.ts";

const obstacle = testDiskObstacle();

test.skipIf(obstacle !== null)(
  `no power cut makes two histories, and every log goes on${obstacle === null ? "" : ` (${obstacle})`}`,
  async () => {
    const report = await runEvidenceCuts({ seed: 3, steps: 60, cuts: 20, directory: tmpdir(), time: systemTime });
    expect(report.contradictions).toEqual([]);
    expect(report.broken).toEqual([]);
    expect(report.left).toBeGreaterThan(20);
  },
  120_000,
);
