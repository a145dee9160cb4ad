import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { silentLog } from "./base/log.ts";
import { systemTime } from "./base/system-time.ts";
import { startServiceSimulator } from "./simulator/service/service-simulator.ts";
import { Store } from "./store/store.ts";
import { DaemonProcess } from "./testing/campaign/daemon-process.ts";
import { Gate } from "./testing/campaign/gate.ts";
import { writeSite } from "./testing/campaign/site.ts";
import { fictionalBadge } from "./testing/fictional-worker.ts";
import { storeSettings } from "./testing/store-fixture.ts";

const unit = readFileSync(new URL("../systemd/badged.service", import.meta.url), "utf8");
const stopMaxMs = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]) * 1000;

test("a stop while all webhooks hang ends by itself before systemd kills, and is told as a stop", {
  timeout: 90_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "badged-stop-"));
  let hanging = 0;
  const employer = createServer(() => {
    hanging += 1;
  });
  try {
    await new Promise<void>((resolve) => employer.listen(0, "127.0.0.1", resolve));
    const address = employer.address();
    const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/hook`;
    const names = ["payroll", "planning", "safety", "client", "access"];
    await using simulator = await startServiceSimulator({ port: 0, log: silentLog, time: systemTime });
    const site = writeSite(folder, 2, simulator.url);
    const webhooks = names.map((name) => `{ name: ${name}, url: "${url}" }`).join(", ");
    appendFileSync(site.configuration, `webhooks: [${webhooks}]\n`);
    await using gate = await Gate.open(site.port, systemTime);
    await using daemon = new DaemonProcess("daemon/main.ts", site.configuration);
    expect(await gate.present(fictionalBadge(0), new AbortController().signal)).toBe(true);
    while (hanging < names.length) await systemTime.sleep(50);
    const stopped = daemon.kill("SIGTERM");
    // The sign of life of an ended run is what tells a stop from a power cut afterwards.
    expect(await Promise.race([stopped, systemTime.sleep(stopMaxMs)])).toEqual({ code: 0 });
    await using store = await Store.open(storeSettings(site.store), { time: systemTime, log: silentLog });
    expect(await store.lastHeartbeat()).toMatchObject({ ended: true });
  } finally {
    employer.closeAllConnections();
    employer.close();
    rmSync(folder, { recursive: true });
  }
});
