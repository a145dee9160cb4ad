import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BadgedError } from "../../base/errors.ts";
import { silentLog } from "../../base/log.ts";
import { seededRandom } from "../../base/random.ts";
import { systemTime } from "../../base/system-time.ts";
import { readUps } from "../../outage/ups.ts";
import type { OutageWindow } from "../../outage/windows.ts";
import { type ServiceSimulator, startServiceSimulator } from "../../simulator/service/service-simulator.ts";
import { Store } from "../../store/store.ts";
import { boxObstacle, CampaignBox } from "../campaign/box.ts";
import { DaemonProcess } from "../campaign/daemon-process.ts";
import { type CampaignSite, writeSite } from "../campaign/site.ts";
import { TimeServers } from "../campaign/time-servers.ts";
import { DummyUps, dummyUpsObstacle } from "../dummy-ups.ts";
import { storeSettings, type TemporaryDirectory, temporaryDirectory } from "../store-fixture.ts";

const obstacle = boxObstacle();

describe.skipIf(obstacle !== null)(`how the last run ended${obstacle === null ? "" : ` (${obstacle})`}`, () => {
  let directory: TemporaryDirectory;
  let simulator: ServiceSimulator;
  let servers: TimeServers;
  let site: CampaignSite;
  let box: CampaignBox;

  beforeEach(async () => {
    directory = temporaryDirectory();
    simulator = await startServiceSimulator({ port: 0, log: silentLog, time: systemTime });
    servers = await TimeServers.open(systemTime);
    site = writeSite(directory.path, 1, simulator.url, { timeServers: servers.yaml });
    box = new CampaignBox(directory.path, systemTime);
    await box.reboot(seededRandom(1));
  });
  afterEach(async () => {
    await servers[Symbol.asyncDispose]();
    await simulator[Symbol.asyncDispose]();
    directory[Symbol.dispose]();
  });

  /** Asks the store beside the daemon until it has an answer; the test's own time limit is the only one. */
  async function eventually<T>(ask: (store: Store) => Promise<T | null>): Promise<T> {
    for (;;) {
      try {
        await using store = await Store.open(
          { ...storeSettings(site.store), mode: "visitor" },
          { time: systemTime, log: silentLog },
        );
        const answer = await ask(store);
        if (answer !== null) return answer;
      } catch (error) {
        // The daemon has not made it yet, or is bringing it to its present schema.
        if (!(error instanceof BadgedError) || !error.code.startsWith("store-")) throw error;
      }
      await systemTime.sleep(100);
    }
  }

  /** A daemon of this boot that has written its sign of life. */
  async function running(since: number): Promise<DaemonProcess> {
    const daemon = new DaemonProcess("daemon/main.ts", site.configuration, box.launch());
    await eventually(async (store) => {
      const beat = await store.outages.lastHeartbeat();
      return beat !== null && beat.at.utcMs >= since && !beat.ended ? beat : null;
    });
    return daemon;
  }

  const windowAfter = (): Promise<OutageWindow> =>
    eventually(
      async (store) => (await store.outages.listOutages({ from: null, to: null, limit: 1 }))[0]?.window ?? null,
    );

  test.each([
    ["killed in this boot", "SIGKILL", false, "own-software"],
    ["stopped", "SIGTERM", false, "operator"],
    ["shut down with its box", "SIGTERM", true, "operator"],
    ["cut from the power", "SIGKILL", true, "power-unproven"],
  ] as const)(
    "%s",
    async (_, signal, reboots, cause) => {
      const first = await running(0);
      const stoppingMs = systemTime.wallMs();
      await first.kill(signal);
      const stoppedMs = systemTime.wallMs();
      if (reboots) await box.reboot(seededRandom(2));
      const startingMs = systemTime.wallMs();
      await using _second = await running(startingMs);
      const window = await windowAfter();
      expect(window.segments.map(({ finding }) => finding.cause)).toEqual([cause]);
      // It began after the last sign of life and before it was over: the truth lies in between.
      expect(window.lastGood?.utcMs).toBeLessThanOrEqual(stoppedMs);
      expect(window.firstBad.utcMs + (window.firstBad.errorBoundMs ?? 0)).toBeGreaterThanOrEqual(stoppingMs);
      expect(window.end?.firstGood.utcMs).toBeGreaterThanOrEqual(startingMs);
    },
    60_000,
  );

  describe.skipIf(dummyUpsObstacle !== null)("with a UPS", () => {
    test.each([
      ["OB DISCHRG", "battery", "SIGKILL", true, "power-supplier", "presumed"],
      ["OL", "mains", "SIGKILL", true, "own-power", "not-exempt"],
      // As NUT's upsmon shuts a box down in order before the battery is empty.
      ["OB LB", "battery", "SIGTERM", true, "power-unproven", "ambiguous"],
      ["OL", "mains", "SIGTERM", true, "operator", "not-exempt"],
      ["OB DISCHRG", "battery", "SIGTERM", false, "operator", "not-exempt"],
    ] as const)(
      "that was %s, on %s, when badged ended by %s, with its box: %s",
      async (status, power, signal, reboots, cause, exemption) => {
        await using ups = await DummyUps.start();
        ups.say(status);
        while ((await readUps(ups.name)) !== power) await systemTime.sleep(100);
        site = writeSite(directory.path, 1, simulator.url, {
          timeServers: servers.yaml,
          outage: `, ups: "${ups.name}"`,
        });
        const first = await running(0);
        await first.kill(signal);
        if (reboots) await box.reboot(seededRandom(3));
        await using _second = await running(systemTime.wallMs());
        const { segments } = await windowAfter();
        expect(segments.map(({ finding }) => [finding.cause, finding.exemption])).toEqual([[cause, exemption]]);
      },
      60_000,
    );
  });
});
