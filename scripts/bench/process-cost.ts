import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { systemTime } from "../../daemon/base/system-time.ts";
import { elapsedMs } from "../../daemon/base/time.ts";
import { DaemonProcess } from "../../daemon/testing/campaign/daemon-process.ts";
import { Gate } from "../../daemon/testing/campaign/gate.ts";
import { type CampaignSite, writeSite } from "../../daemon/testing/campaign/site.ts";
import { fictionalBadge } from "../../daemon/testing/fictional-worker.ts";
import { type CaseReport, milliseconds, summarise } from "./figures.ts";
import { benchFolder, benchWorkers, fillBacklog, openBenchStore } from "./site.ts";

const program = "dist/daemon/main.js";
/** Nothing listens there: the daemon is measured while its service is away. */
const nowhere = "http://127.0.0.1:9/REST/presenceRegistration/v1";
const starts = 9;
const waiting = 1_000_000;
/** A badge held before the reader is read about as often; a line that never falls silent is not listened to at first. */
const patienceMs = 40;
const startGoalMs = 500;
const idleGoalMb = 90;
const moreGoalMb = 10;
/** V8 tidies its heaps up some nine and fourteen seconds after the start. */
const settleMs = 20_000;

/** Start to the first accepted badge, and resident memory idle and with 10⁶ scans waiting. */
export async function processCase(): Promise<CaseReport> {
  const folder = benchFolder("process");
  const site = writeSite(resolve(folder), benchWorkers, nowhere);
  const started: number[] = [];
  const bare: number[] = [];
  for (let run = 0; run < starts; run += 1) {
    bare.push(bareNode());
    started.push(await startToAccepted(site, run));
  }
  const idleMb = await residentMb(site);
  {
    await using bench = await openBenchStore(site.store);
    await fillBacklog(bench, waiting);
  }
  const fullMb = await residentMb(site);
  rmSync(folder, { recursive: true });
  const start = summarise(started).p50;
  return {
    name: "process",
    findings: [
      {
        what: `start → first accepted badge, median of ${starts}`,
        measured: milliseconds(start),
        against: `node -e 0 takes ${milliseconds(summarise(bare).p50)}`,
        goal: `< ${startGoalMs} ms`,
        met: start < startGoalMs,
      },
      {
        what: "resident memory, idle",
        measured: `${idleMb.toFixed(0)} MB`,
        against: "–",
        goal: `< ${idleGoalMb} MB`,
        met: idleMb < idleGoalMb,
      },
      {
        what: "resident memory, 10⁶ scans waiting",
        measured: `${fullMb.toFixed(0)} MB`,
        against: `${(fullMb - idleMb).toFixed(1)} MB more than idle`,
        goal: `≤ ${moreGoalMb} MB more`,
        met: fullMb - idleMb <= moreGoalMb,
      },
    ],
    figures: { startMs: started, bareNodeMs: bare, idleMb, fullMb },
  };
}

async function startToAccepted(site: CampaignSite, run: number): Promise<number> {
  await using gate = await Gate.open(site.port, systemTime, { patienceMs });
  const from = systemTime.monotonicNs();
  await using daemon = new DaemonProcess(program, site.configuration);
  const accepted = await gate.present(fictionalBadge(run), new AbortController().signal);
  const spent = elapsedMs(from, systemTime.monotonicNs());
  await daemon.kill("SIGTERM");
  if (!accepted) throw new Error(`the first badge was not accepted: ${daemon.output}`);
  return spent;
}

/** After some seconds of rest, as the kernel counts it (VmRSS in proc(5)). */
async function residentMb(site: CampaignSite): Promise<number> {
  await using _gate = await Gate.open(site.port, systemTime);
  await using daemon = new DaemonProcess(program, site.configuration);
  await systemTime.sleep(settleMs);
  const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${daemon.pid}/status`, "utf8")) ?? [];
  await daemon.kill("SIGTERM");
  return (Number(kilobytes) * 1024) / 1e6;
}

function bareNode(): number {
  const from = systemTime.monotonicNs();
  spawnSync(process.execPath, ["-e", "0"]);
  return elapsedMs(from, systemTime.monotonicNs());
}
