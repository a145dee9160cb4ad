import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { exitCode } from "./base/errors.ts";
import { silentLog } from "./base/log.ts";
import { systemTime } from "./base/system-time.ts";
import { Store } from "./store/store.ts";
import { plainLaunch } from "./testing/campaign/box.ts";
import { DaemonProcess } from "./testing/campaign/daemon-process.ts";
import { Gate } from "./testing/campaign/gate.ts";
import { writeSite } from "./testing/campaign/site.ts";
import { eventually } from "./testing/eventually.ts";
import { fictionalBadge } from "./testing/fictional-worker.ts";
import { storeSettings } from "./testing/store-fixture.ts";
import { withoutAgent } from "./testing/without-agent.ts";

test("a daemon that cannot load what calls need records badges, tells of it, and stops as asked", {
  timeout: 60_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "badged-agentless-"));
  try {
    const site = writeSite(folder, 1, "http://127.0.0.1:9");
    {
      await using gate = await Gate.open(site.port, systemTime);
      await using daemon = new DaemonProcess("daemon/main.ts", site.configuration, {
        ...plainLaunch,
        environment: { NODE_OPTIONS: withoutAgent },
      });
      expect(await gate.present(fictionalBadge(0), new AbortController().signal)).toBe(true);
      // Its own failure: nobody else's, and never exempt.
      const told = await eventually(
        async () => daemon.output,
        (output) => output.includes("outage window opened"),
      );
      expect(told).toContain('"cause":"own-software","exemption":"not-exempt"');
      expect(await daemon.kill("SIGTERM"), daemon.output).toEqual({ code: exitCode.ok });
      expect(daemon.output).toContain("what calls need cannot be loaded");
    }
    await using store = await Store.open(storeSettings(site.store), { time: systemTime, log: silentLog });
    expect(await store.summary()).toMatchObject({ byState: { waiting: 1 } });
    expect(await store.outages.lastHeartbeat()).toMatchObject({ ended: true });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
