import { readFileSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { silentLog } from "../../daemon/base/log.ts";
import { keepAlive, systemTime } from "../../daemon/base/system-time.ts";
import { monotonicNs } from "../../daemon/base/time.ts";
import { table } from "../../daemon/commands/terminal.ts";
import { defaultCadence } from "../../daemon/outage/watch-cadence.ts";
import { startServiceSimulator } from "../../daemon/simulator/service/service-simulator.ts";
import { DaemonProcess } from "../../daemon/testing/campaign/daemon-process.ts";
import { Gate } from "../../daemon/testing/campaign/gate.ts";
import { writeSite } from "../../daemon/testing/campaign/site.ts";
import { type Fault, faults } from "../../daemon/testing/network/faults.ts";
import { Heard, type TrialReport, tryFault } from "../../daemon/testing/network/trial.ts";
import { networkObstacle, paces, World } from "../../daemon/testing/network/world.ts";
import { type CaseReport, type Finding, summarise } from "./figures.ts";
import { sayProgress } from "./progress.ts";
import { benchFolder, openBenchStore } from "./site.ts";

const trialsPerFault = 2;
/** Later in its interval than the fault before. */
const phaseStepMs = 7_000;
const localGoalMs = 15_000;
const beyondGoalMs = 45_000;
const closedGoalMs = 5_000;
const peaceMs = 60_000;
const processorGoal = 0.01;
const writtenGoalBytes = 2_000_000;
const msPerDay = 86_400_000;
/** What proc(5) counts processor time in on Linux (USER_HZ). */
const ticksPerSecond = 100;

type Trial = { readonly name: string; readonly fault: Fault; readonly report: TrialReport };

/** Whether each fault of a real network gets its cause, and how soon, at the daemon's own pace; and what peace costs. */
export async function outagesCase(): Promise<CaseReport> {
  const name = "outages";
  using _alive = keepAlive();
  const peace = await peaceFindings();
  const obstacle = networkObstacle();
  if (obstacle !== null) return { name, findings: peace, figures: { skipped: obstacle } };
  const trials = await tryAll();
  process.stdout.write(`${confusion(trials)}\n\n`);
  const right = trials.filter(({ fault, report }) => isRight(fault, report)).length;
  const held = trials.filter(({ report }) => report.holdsBeginning && report.holdsEnd).length;
  return {
    name,
    findings: [
      {
        what: `cause and exemption of ${Object.keys(faults).length} faults, ${trialsPerFault} times each`,
        measured: `${right} of ${trials.length} right`,
        against: "–",
        goal: "all",
        met: right === trials.length,
      },
      {
        what: "both ends of each window hold the truth",
        measured: `${held} of ${trials.length}`,
        against: "–",
        goal: "all",
        met: held === trials.length,
      },
      delayFinding("fault of a local layer → window open", "local", "openedAfterMs", localGoalMs, trials),
      delayFinding("fault beyond the router → window open", "beyond", "openedAfterMs", beyondGoalMs, trials),
      delayFinding("fault that the calls see → window open", "calls", "openedAfterMs", localGoalMs, trials),
      delayFinding("mended (local layer) → window closed", "local", "closedAfterMs", closedGoalMs, trials),
      delayFinding("mended (beyond) → window closed", "beyond", "closedAfterMs", closedGoalMs, trials),
      ...peace,
    ],
    figures: { trials: trials.map(({ name: fault, report }) => ({ fault, ...report })) },
  };
}

async function tryAll(): Promise<readonly Trial[]> {
  await using world = await World.open(systemTime, "bench");
  const heard = new Heard(systemTime);
  await world.watch({ pace: "default" }, heard.take);
  const trials: Trial[] = [];
  for (let round = 0; round < trialsPerFault; round += 1) {
    for (const [name, fault] of Object.entries(faults)) {
      sayProgress(`outages, fault ${trials.length + 1} of ${trialsPerFault * Object.keys(faults).length}: ${name}`);
      const phaseMs = (trials.length * phaseStepMs) % paces.default.cadence.beyondMs;
      trials.push({ name, fault, report: await tryFault(world, heard, fault, paces.default, systemTime, phaseMs) });
    }
  }
  return trials;
}

function isRight({ expected }: Fault, { found }: TrialReport): boolean {
  return found?.cause === expected?.cause && found?.exemption === expected?.exemption;
}

/** A row for what it was, a column for what was found. */
function confusion(trials: readonly Trial[]): string {
  const words = (each: Fault["expected"]): string => (each === null ? "nothing" : `${each.cause}, ${each.exemption}`);
  const columns = [...new Set(trials.map(({ report }) => words(report.found)))].sort();
  const rows = Object.entries(faults).map(([name, { expected }]) => {
    const found = trials.filter((trial) => trial.name === name).map(({ report }) => words(report.found));
    const counts = columns.map((column) => found.filter((each) => each === column).length);
    return [name, words(expected), ...counts.map((count) => (count === 0 ? "·" : String(count)))];
  });
  return table(["fault", "expected", ...columns], rows);
}

function delayFinding(
  what: string,
  seenBy: Fault["seenBy"],
  figure: "openedAfterMs" | "closedAfterMs",
  goalMs: number,
  trials: readonly Trial[],
): Finding {
  const delays = trials.flatMap(({ fault, report }) => (fault.seenBy === seenBy ? (report[figure] ?? []) : []));
  const { p50, max } = summarise(delays);
  return {
    what,
    measured: `median ${seconds(p50)}, longest ${seconds(max)}`,
    against: "–",
    goal: `< ${seconds(goalMs)}`,
    met: max < goalMs,
  };
}

/** A daemon at the default pace with a service that is well: processor time, and what a day of heartbeats writes. */
async function peaceFindings(): Promise<readonly Finding[]> {
  const share = await processorShare();
  const { writtenBytes, beats } = await dayOfBeats();
  return [
    {
      what: `processor in peace, over ${seconds(peaceMs)}`,
      measured: `${(share * 100).toFixed(2)} % of one core`,
      against: "–",
      goal: `< ${processorGoal * 100} %`,
      met: share < processorGoal,
    },
    {
      what: `written in a day of peace, ${beats} heartbeats`,
      measured: `${(writtenBytes / 1e6).toFixed(2)} MB`,
      against: `${Math.round(writtenBytes / beats)} bytes a heartbeat`,
      goal: `< ${writtenGoalBytes / 1e6} MB`,
      met: writtenBytes < writtenGoalBytes,
    },
  ];
}

async function processorShare(): Promise<number> {
  const folder = benchFolder("peace");
  await using simulator = await startServiceSimulator({ port: 0, log: silentLog, time: systemTime });
  const site = writeSite(resolve(folder), 10, simulator.url);
  await using _gate = await Gate.open(site.port, systemTime);
  await using daemon = new DaemonProcess("dist/daemon/main.js", site.configuration);
  await systemTime.sleep(5_000);
  const before = ticksOf(daemon.pid);
  await systemTime.sleep(peaceMs);
  const spent = (ticksOf(daemon.pid) - before) / ticksPerSecond;
  await daemon.kill("SIGTERM");
  rmSync(folder, { recursive: true });
  return (spent * 1000) / peaceMs;
}

function ticksOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

/** As the kernel counts what this process sent to the disk, and the blocks of the database and its log with it. */
async function dayOfBeats(): Promise<{ readonly writtenBytes: number; readonly beats: number }> {
  const folder = benchFolder("beats");
  const beats = Math.ceil(msPerDay / defaultCadence.heartbeatMs);
  await using bench = await openBenchStore(folder, 10);
  const before = bytesWritten();
  for (let beat = 0; beat < beats; beat += 1) {
    const at = { bootId: "bench", monotonicNs: monotonicNs(BigInt(beat)), utcMs: systemTime.wallMs(), errorBoundMs: 5 };
    await bench.store.outages.beat({ at, ended: false, power: "unknown" });
  }
  const writtenBytes = bytesWritten() - before;
  await bench[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
  return { writtenBytes, beats };
}

function bytesWritten(): number {
  const [, bytes] = /^write_bytes: (\d+)$/m.exec(readFileSync("/proc/self/io", "utf8")) ?? [];
  return Number(bytes);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
