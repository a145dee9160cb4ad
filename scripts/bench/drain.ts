import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Agent } from "undici";
import { silentLog } from "../../daemon/base/log.ts";
import { keepAlive, systemTime } from "../../daemon/base/system-time.ts";
import { elapsedMs, wallMs } from "../../daemon/base/time.ts";
import { CiaoClient } from "../../daemon/forward/ciao/ciao-client.ts";
import { noToken } from "../../daemon/forward/ciao/token.ts";
import { requestBody } from "../../daemon/forward/ciao/wire.ts";
import { ForwardService } from "../../daemon/forward/forward-service.ts";
import type { DueScan } from "../../daemon/forward/queue.ts";
import type { Store } from "../../daemon/store/store.ts";
import { fictionalSsin } from "../../daemon/testing/fictional-worker.ts";
import { openReceipt } from "../../daemon/testing/receipt-windows.ts";
import { TrustingClock } from "../../daemon/testing/trusting-clock.ts";
import { type CaseReport, milliseconds, perSecond, rate } from "./figures.ts";
import { benchFolder, benchWorkers, fillBacklog, openBenchStore } from "./site.ts";

const scans = 100_000;
const batch = 200;
const registerPath = "/presenceRegistrations/registerInBulk";
const goal = 0.8;

/** Twenty calls compile what every call runs. */
const warmUp = 20 * batch;

/** 100,000 waiting scans to the simulator, beside a bare undici loop that sends the same batches to the same simulator. */
export async function drainCase(): Promise<CaseReport> {
  const program = fileURLToPath(new URL("./simulator-process.ts", import.meta.url));
  const simulator = fork(program, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const url = String((await answer(simulator))["url"]);
  await bareLoop(url, warmUp);
  const near = await beside(simulator, url);
  await ask(simulator, "slow");
  const far = await beside(simulator, url);
  simulator.disconnect();
  await once(simulator, "exit");
  const ratio = ({ drained, bare }: Race): string =>
    `${(drained / bare).toFixed(2)} × a bare undici loop (${rate(bare)})`;
  return {
    name: "drain of 100,000 waiting scans",
    findings: [
      {
        what: `store → service, ${near.registered} registered`,
        measured: rate(near.drained),
        against: ratio(near),
        goal: `≥ ${goal} ×`,
        met: near.registered === scans && near.drained / near.bare >= goal,
      },
      {
        what: `the same, where a call takes ${milliseconds((1000 * batch) / far.bare)}`,
        measured: rate(far.drained),
        against: ratio(far),
        goal: "–",
        met: null,
      },
    ],
    figures: {
      drainedPerSecond: near.drained,
      barePerSecond: near.bare,
      registered: near.registered,
      farDrainedPerSecond: far.drained,
      farBarePerSecond: far.bare,
      farRegistered: far.registered,
    },
  };
}

/** Scans a second; how many of the daemon's the service has in the end. */
type Race = { readonly bare: number; readonly drained: number; readonly registered: number };

async function beside(simulator: ChildProcess, url: string): Promise<Race> {
  await ask(simulator, "forget");
  const bare = perSecond(scans, await bareLoop(url, scans));
  const drained = await drain(url, async () => {
    await ask(simulator, "forget");
  });
  return { bare, drained: perSecond(scans, drained), registered: Number((await ask(simulator, "count"))["count"]) };
}

/** @param warm called between the warm-up and what is measured */
async function drain(url: string, warm: () => Promise<void>): Promise<number> {
  const folder = benchFolder("drain");
  let spent: number;
  {
    using _alive = keepAlive();
    await using bench = await openBenchStore(folder);
    await using client = new CiaoClient(
      { baseUrl: url, registerPath, healthPath: "/health", timeoutMs: 30_000 },
      noToken,
      systemTime,
    );
    await fillBacklog(bench, warmUp);
    await forward(bench.store, client);
    await warm();
    await fillBacklog(bench, scans);
    spent = await forward(bench.store, client);
  }
  rmSync(folder, { recursive: true });
  return spent;
}

/** Until nothing waits any more. */
async function forward(store: Store, upstream: CiaoClient): Promise<number> {
  await using forwarder = new ForwardService(
    {
      queue: store,
      upstream,
      clock: new TrustingClock(systemTime),
      memory: store,
      onOutcome: () => {},
      time: systemTime,
      random: Math.random,
      log: silentLog,
    },
    { callIntervalMs: 0, receipt: openReceipt },
  );
  const start = systemTime.monotonicNs();
  forwarder.start();
  await emptied(store);
  return elapsedMs(start, systemTime.monotonicNs());
}

async function emptied(store: Store): Promise<void> {
  while ((await store.backlog()).waiting > 0) await systemTime.sleep(20);
}

async function bareLoop(url: string, count: number): Promise<number> {
  const agent = new Agent();
  const bodies = Array.from({ length: count / batch }, (_, index) => requestBody(batchOf(index)));
  const { origin, pathname } = new URL(url);
  const start = systemTime.monotonicNs();
  for (const body of bodies) {
    const headers = { "content-type": "application/json" };
    const response = await agent.request({ origin, path: pathname + registerPath, method: "POST", headers, body });
    const answered: unknown = await response.body.json();
    if (response.statusCode !== 200 || answered === null)
      throw new Error(`the simulator answered ${response.statusCode}`);
  }
  const spent = elapsedMs(start, systemTime.monotonicNs());
  await agent.close();
  return spent;
}

/** The same workers, one scan each in a batch and in turn in and out, as the store hands them out. */
function batchOf(index: number): DueScan[] {
  return Array.from({ length: batch }, (_, offset) => {
    const worker = (index * batch + offset) % benchWorkers;
    return {
      scanId: offset,
      workerId: worker,
      ssin: fictionalSsin(worker),
      employer: { kind: "enterprise-number", number: "0566988259" },
      direction: Math.floor((index * batch + offset) / benchWorkers) % 2 === 0 ? "in" : "out",
      utcMs: wallMs(1_780_000_000_000 + index * 1000),
      place: { kind: "coordinates", latitude: 51.05, longitude: 3.72 },
      declarationOfWorks: "1Y1003SQ5VSSZ",
    };
  });
}

async function ask(child: ChildProcess, order: string): Promise<Record<string, unknown>> {
  child.send(order);
  return await answer(child);
}

async function answer(child: ChildProcess): Promise<Record<string, unknown>> {
  const [message] = await once(child, "message");
  return message;
}
