import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import type { Configuration } from "../../config/configuration.ts";
import { BadgedError, type ExitCode, exitCode } from "../base/errors.ts";
import { silentLog } from "../base/log.ts";
import { systemTime } from "../base/system-time.ts";
import { zonedText } from "../base/zoned-time.ts";
import { parseRoster } from "../scan/roster-csv.ts";
import type { ReaderSimulator } from "../simulator/reader-simulator.ts";
import { type ServiceSimulator, startServiceSimulator } from "../simulator/service/service-simulator.ts";
import { requireConfiguration } from "./configuration.ts";
import { claimDemoStore } from "./demo-store.ts";
import { narrate, readLogLine } from "./narrator.ts";
import { readRosterFile } from "./roster.ts";
import { StopSignals } from "./signals.ts";
import { openSimulatedReader } from "./simulate.ts";
import type { Terminal } from "./terminal.ts";

/** How the demonstration goes, over and over: badges while all is well, then an outage of the service. */
const badgeEveryMs = 2_500;
const badgesInPeace = 4;
const badgesInOutage = 3;
const peaceAfterOutageMs = 12_000;

/** One line for whoever watches, with the site's own time before it. */
type Tell = (words: string) => void;

/**
 * Runs the daemon as it is, in a process of its own, between a simulated reader on a pseudo-terminal and the service's
 * simulator, and tells what its log says in plain words.
 */
export async function demo(file: string, terminal: Terminal): Promise<ExitCode> {
  const configuration = requireConfiguration(file);
  const [reader] = configuration.readers;
  const service = new URL(configuration.service.url);
  // Without a port the simulator would take any that is free, and the daemon would send to another.
  if (reader === undefined || service.protocol !== "http:" || service.hostname !== "127.0.0.1" || service.port === "") {
    throw new BadgedError(
      "usage",
      "the demonstration needs a service at http://127.0.0.1 with a port",
      "use config/demo.yaml",
    );
  }
  claimDemoStore(configuration);
  const tell: Tell = (words) =>
    terminal.out(`${zonedText(systemTime.wallMs(), configuration.site.timeZone).slice(11, 19)}  ${words}`);
  mkdirSync(dirname(reader.port), { recursive: true });
  using signals = new StopSignals();
  await using simulator = await startServiceSimulator({ port: Number(service.port), log: silentLog, time: systemTime });
  await using gate = await openSimulatedReader(reader.port, reader.driver, () => {});
  tell("A simulated reader and a simulated service are ready. Stop with Ctrl-C.");
  const daemon = spawn(process.execPath, [process.argv[1] ?? "", "run", file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<number | null>((resolve) => daemon.once("exit", resolve));
  narrateLog(daemon, tell);
  const stop = new AbortController();
  try {
    const played = play(gate, simulator, badgesOf(configuration), stop.signal, tell);
    await Promise.race([signals.stopped, ended, played]);
    stop.abort();
    await played;
  } finally {
    // Also when the reader cannot send what the roster holds: a daemon left behind would keep the port.
    daemon.kill("SIGTERM");
    await ended;
  }
  const code = await ended;
  const count = simulator.registrations().length;
  tell(`${count} ${count === 1 ? "registration is" : "registrations are"} at the simulated service.`);
  return code === 0 ? exitCode.ok : exitCode.software;
}

async function play(
  gate: ReaderSimulator,
  simulator: ServiceSimulator,
  badges: readonly string[],
  signal: AbortSignal,
  tell: Tell,
): Promise<void> {
  let next = 0;
  const present = async (count: number): Promise<void> => {
    for (let shown = 0; shown < count && !signal.aborted; shown += 1) {
      const badge = badges[next++ % badges.length];
      if (badge !== undefined) gate.present(badge);
      await systemTime.sleep(badgeEveryMs, signal);
    }
  };
  await systemTime.sleep(badgeEveryMs, signal);
  while (!signal.aborted) {
    tell("— Workers badge. —");
    await present(badgesInPeace);
    if (signal.aborted) return;
    tell("— The service goes down (simulated). —");
    await simulator.setFault({ kind: "refuse", forMs: null });
    await present(badgesInOutage);
    if (signal.aborted) return;
    tell("— The service is back (simulated). —");
    await simulator.clearFaults();
    await systemTime.sleep(peaceAfterOutageMs, signal);
  }
}

function narrateLog(daemon: ChildProcess, tell: Tell): void {
  if (daemon.stdout === null) return;
  let last = "";
  createInterface({ input: daemon.stdout }).on("line", (text) => {
    const line = readLogLine(text);
    const words = line === null ? text : narrate(line);
    // An outage says the same at every try.
    if (words !== null && words !== last) tell(`  ${words}`);
    last = words ?? last;
  });
}

function badgesOf(configuration: Configuration): readonly string[] {
  const { file, badgeForm } = configuration.roster;
  return parseRoster(readRosterFile(file), badgeForm).entries.map(({ badge }) => badge);
}
