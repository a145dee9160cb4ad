import { type ExitCode, exitCode } from "../base/errors.ts";
import { systemTime } from "../base/system-time.ts";
import { adoptZone } from "../base/zoned-time.ts";
import { createLog } from "../compose/logging.ts";
import { composeDaemon } from "../compose.ts";
import type { StoreThread } from "../store/store-thread.ts";
import { requireConfiguration } from "./configuration.ts";
import { refuseInventedScans } from "./demo-store.ts";
import { StopSignals } from "./signals.ts";
import { refuseNoFolder } from "./store-faults.ts";
import { refuseRootForOthers } from "./store-owner.ts";
import type { Terminal } from "./terminal.ts";

/** Runs a site until SIGTERM or SIGINT. JSON under systemd and into pipes, lines for a person at a terminal. */
export async function run(file: string, terminal: Terminal, storeThread?: StoreThread): Promise<ExitCode> {
  const configuration = requireConfiguration(file);
  refuseNoFolder(configuration);
  refuseInventedScans(configuration);
  refuseRootForOthers(configuration.store.directory);
  adoptZone(configuration.site.timeZone);
  const log = await createLog(configuration.log.level, terminal.interactive ? "pretty" : "json");
  using signals = new StopSignals();
  {
    await using daemon = await composeDaemon(configuration, {
      time: systemTime,
      random: Math.random,
      log,
      storeThread,
    });
    await daemon.start();
    log.info({ signal: await signals.stopped }, "stopping");
  }
  log.info({}, "stopped");
  return exitCode.ok;
}
