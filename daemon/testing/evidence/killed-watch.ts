/**
 * The watch of a site and its log, over what a network did that the caller tells; kills itself between the commit of a
 * window and that of the record of it, or of the look that it rests on, which is on its way to the disk beside it.
 */
import { silentLog } from "../../base/log.ts";
import { keepAlive, systemTime } from "../../base/system-time.ts";
import { requireConfiguration } from "../../commands/configuration.ts";
import { composeEvidence } from "../../compose/evidence.ts";
import { storeSettings } from "../../compose/store-settings.ts";
import { type Layers, nothingSeen } from "../../outage/layers.ts";
import { OutageService } from "../../outage/outage-service.ts";
import type { Heartbeat } from "../../outage/outage-store.ts";
import type { OutageWindow, Sample } from "../../outage/windows.ts";
import { Store } from "../../store/store.ts";
import { TrustingClock } from "../trusting-clock.ts";

const [configurationFile = "", deadlyCommit = "", lostWith = "", ...looks] = process.argv.slice(2);
const seen: Readonly<Record<string, Pick<Layers, "link" | "service">>> = {
  good: { link: "up", service: "ok" },
  service: { link: "up", service: "unreachable" },
  own: { link: "down", service: "unreachable" },
};
const quick = { lookMs: 50, suspectMs: 50, beyondMs: 50, heartbeatMs: 3_600_000, mergeMs: 0 };

const configuration = requireConfiguration(configurationFile);
const store = await Store.open(storeSettings(configuration, "daemon"), { time: systemTime, log: silentLog });
const clock = new TrustingClock(systemTime);
const evidence = composeEvidence(configuration, store, () => clock.stamp(systemTime.monotonicNs()), {
  time: systemTime,
  log: silentLog,
});
await evidence.start();
let commits = 0;
let index = -1;
/** The look that the log has not been told of yet. */
let untold: Sample | null = null;
function tellOfLook(): void {
  if (untold !== null) evidence.onSample(untold);
  untold = null;
}
const present = (): Pick<Layers, "link" | "service"> =>
  seen[looks[Math.min(index, looks.length - 1)] ?? ""] ?? nothingSeen;
const watch = new OutageService(
  {
    probes: {
      looks: [],
      local: async () => {
        index += 1;
        return { link: present().link, lan: present().link === "up" ? "ok" : "failed" };
      },
      beyond: async () => ({
        ...{ firstHop: "unknown", dns: "ok", anchors: "all", otherChannel: "unknown" },
        service: present().service,
      }),
    },
    store: {
      openWindow: () => store.outages.openWindow(),
      lastHeartbeat: () => store.outages.lastHeartbeat(),
      beat: (heartbeat) => store.outages.beat(heartbeat),
      async saveWindow(window: OutageWindow, heartbeat?: Heartbeat) {
        await store.outages.saveWindow(window, heartbeat);
        commits += 1;
        if (commits !== Number(deadlyCommit)) return;
        if (lostWith === "record") {
          // The look that the change rests on is told before it, and on its way to the disk.
          tellOfLook();
          while (window.end === null && evidence.status?.waiting !== 0) await systemTime.sleep(5);
        }
        process.kill(process.pid, "SIGKILL");
      },
    },
    moment: (atNs) => clock.stamp(atNs),
    sleeps: () => 0,
    power: async () => "unknown",
    onSample(sample) {
      tellOfLook();
      untold = sample;
    },
    onChange(change) {
      tellOfLook();
      evidence.onChange(change);
    },
    time: systemTime,
    log: silentLog,
  },
  quick,
);
using _alive = keepAlive();
await watch.start();
