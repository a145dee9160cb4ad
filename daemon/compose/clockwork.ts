import { join } from "node:path";
import type { Configuration } from "../../config/configuration.ts";
import type { ForwardService } from "../forward/forward-service.ts";
import type { SendingClock } from "../forward/receipt-guard.ts";
import { eraseSetAside } from "../store/set-aside.ts";
import type { Store } from "../store/store.ts";
import type { DaemonPorts } from "./daemon-ports.ts";
import type { Evidence } from "./evidence.ts";
import { type Maintained, startMaintenance } from "./maintenance.ts";
import { startDailySummary } from "./outage-summary.ts";
import { composeRemarkSummary } from "./remarks.ts";
import { storeSettings } from "./store-settings.ts";

/** What happens by the hour: the nightly clean-up, and the day's outages summed up. */
export function startClockwork(
  configuration: Configuration,
  store: Store,
  {
    clock,
    evidence,
    roster,
    forwarder,
  }: {
    readonly clock: SendingClock;
    readonly evidence: Pick<Evidence, "maintain">;
    readonly roster: Maintained;
    readonly forwarder: Pick<ForwardService, "failingAlone">;
  },
  { time, log }: DaemonPorts,
): AsyncDisposable {
  const { site, outage, supplier } = configuration;
  const { timeZone } = site;
  const { summaryAt: at, language } = outage;
  const settings = storeSettings(configuration, "daemon");
  const setAside: Maintained = { maintain: (now) => eraseSetAside(settings, now, log.child({ room: "store" })) };
  const kept = { store, setAside, evidence, roster };
  const maintenance = startMaintenance({ timeZone, folder: settings.directory }, kept, { clock, time, log });
  const summary = startDailySummary(
    { at, timeZone, language, supplier, folder: join(settings.directory, "summaries") },
    {
      archive: store.outages,
      remarks: composeRemarkSummary(timeZone, language, store, forwarder, log),
      clock,
      time,
      log: log.child({ room: "outage" }),
    },
  );
  return {
    [Symbol.asyncDispose]: async () => {
      await summary[Symbol.asyncDispose]();
      await maintenance[Symbol.asyncDispose]();
    },
  };
}
