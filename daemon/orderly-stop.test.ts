import { once } from "node:events";
import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { silentLog } from "./base/log.ts";
import { systemTime } from "./base/system-time.ts";
import { verifierKeyText } from "./evidence/note.ts";
import { startServiceSimulator } from "./simulator/service/service-simulator.ts";
import { Store } from "./store/store.ts";
import { statusSocketPath } from "./supervisor/status-socket.ts";
import { DaemonProcess } from "./testing/campaign/daemon-process.ts";
import { Gate } from "./testing/campaign/gate.ts";
import { writeSite } from "./testing/campaign/site.ts";
import { createTestAuthority } from "./testing/evidence/test-authority.ts";
import { seededWitness } from "./testing/evidence/test-keys.ts";
import { fictionalBadge } from "./testing/fictional-worker.ts";
import { storeSettings } from "./testing/store-fixture.ts";

const unit = readFileSync(new URL("../systemd/badged.service", import.meta.url), "utf8");
const stopMaxMs = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]) * 1000;

afterEach(() => vi.unstubAllEnvs());

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
    expect(await store.outages.lastHeartbeat()).toMatchObject({ ended: true });
  } finally {
    employer.closeAllConnections();
    employer.close();
    rmSync(folder, { recursive: true });
  }
});

test("a stop while everything hangs that can hang together ends by itself as well", { timeout: 90_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "badged-stop-"));
  const asked = new Set<string>();
  const others = createServer(({ url = "" }) => void asked.add(url.split("/")[1] ?? ""));
  try {
    await new Promise<void>((resolve) => others.listen(0, "127.0.0.1", resolve));
    const address = others.address();
    const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
    await using simulator = await startServiceSimulator({ port: 0, log: silentLog, time: systemTime });
    const site = writeSite(folder, 2, simulator.url);
    writeFileSync(
      site.configuration,
      readFileSync(site.configuration, "utf8").replace("timeout: 1 s", "timeout: 60 s"),
    );
    const { caFile } = createTestAuthority(join(folder, "authority"));
    const key = verifierKeyText(seededWitness("witness.example/w1"), "cosignature");
    appendFileSync(
      site.configuration,
      `webhooks: [{ name: payroll, url: "${url}/hook", timeout: 60 s }]
evidence:
  authority: { url: "${url}/authority", ca: ${caFile} }
  witnesses: [{ url: "${url}/witness", key: "${key}" }]
`,
    );
    hangingNotify(join(folder, "bin"));
    await simulator.setFault({ kind: "time-out", processed: false }, { kind: "always" }, "register");
    await using gate = await Gate.open(site.port, systemTime);
    await using daemon = new DaemonProcess("daemon/main.ts", site.configuration);
    expect(await gate.present(fictionalBadge(0), new AbortController().signal)).toBe(true);
    const watcher = connect({ path: statusSocketPath(site.store), allowHalfOpen: true });
    await once(watcher.resume(), "end");
    while (asked.size < 3 || simulator.stats().callsByFault["time-out"] === undefined) await systemTime.sleep(50);
    const stopped = daemon.kill("SIGTERM");
    expect(await Promise.race([stopped, systemTime.sleep(stopMaxMs)])).toEqual({ code: 0 });
    watcher.destroy();
    await using store = await Store.open(storeSettings(site.store), { time: systemTime, log: silentLog });
    expect(await store.outages.lastHeartbeat()).toMatchObject({ ended: true });
  } finally {
    others.closeAllConnections();
    others.close();
    rmSync(folder, { recursive: true });
  }
});

/** In the place of systemd-notify: a manager that takes no notice. It is asked for the watchdog as well. */
function hangingNotify(folder: string): void {
  mkdirSync(folder);
  const program = join(folder, "systemd-notify");
  writeFileSync(program, "#!/bin/sh\nexec sleep 600\n");
  chmodSync(program, 0o755);
  vi.stubEnv("PATH", `${folder}:${process.env["PATH"]}`);
  vi.stubEnv("NOTIFY_SOCKET", join(folder, "notify"));
  vi.stubEnv("WATCHDOG_USEC", "2000000");
}
