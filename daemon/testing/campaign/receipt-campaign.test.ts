import { expect, test } from "vitest";
import { systemTime } from "../../base/system-time.ts";
import { temporaryDirectory } from "../store-fixture.ts";
import { runReceiptCampaign } from "./receipt-campaign.ts";

test.concurrent.each([-800, 800])(
  "with outages about as long as the limit and a service %i ms off, nothing gets remark 32",
  async (serviceOffsetMs) => {
    using directory = temporaryDirectory();
    const report = await runReceiptCampaign({
      seed: 11,
      limitMs: 9_000,
      serviceOffsetMs,
      outages: 3,
      outageMs: { from: 1_000, to: 7_000 },
      peaceMs: { from: 500, to: 1_500 },
      directory: directory.path,
      time: systemTime,
    });
    expect(report.broken).toEqual([]);
    expect(report.registered).toBeGreaterThan(20);
    expect(report.withheld).toBeGreaterThan(0);
  },
  120_000,
);
