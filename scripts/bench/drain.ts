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
import { type CaseReport, perSecond, rate } from "./figures.ts";
import { benchFolder, benchWorkers, fillBacklog, openBenchStore } from "./site.ts";

const scans = 100_000;
const batch = 200;
const registerPath = "/presenceRegistrations/registerInBulk";
const goal = 0.8;

/** 100,000 waiting scans to the simulator, beside a bare undici loop that sends the same batches to the same simulator. */
export async function drainCase(): Promise<CaseReport> {
  const program = fileURLToPath(new URL("./simulator-process.ts", import.meta.url));
  const simulator = fork(program, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const url = String((await answer(simulator))["url"]);
  // The first calls of a process compile code; both sides start warm.
  await bareLoop(url, 20 * batch);
  await ask(simulator, "forget");
  const bare = perSecond(scans, await bareLoop(url, scans));
  await ask(simulator, "forget");
  const drained = perSecond(scans, await drain(url));
  const registered = Number((await ask(simulator, "count"))["count"]);
  simulator.disconnect();
  await once(simulator, "exit");
  return {
    name: "drain of 100,000 waiting scans",
    findings: [
      {
        what: `store → service, ${registered} registered`,
        measured: rate(drained),
        against: `${(drained / bare).toFixed(2)} × a bare undici loop (${rate(bare)})`,
        goal: `≥ ${goal} ×`,
        met: registered === scans && drained / bare >= goal,
      },
    ],
    figures: { drainedPerSecond: drained, barePerSecond: bare, registered },
  };
}

async function drain(url: string): Promise<number> {
  const folder = benchFolder("drain");
  let spent: number;
  {
    using _alive = keepAlive();
    await using bench = await openBenchStore(folder);
    await fillBacklog(bench, scans);
    await using client = new CiaoClient(
      { baseUrl: url, registerPath, healthPath: "/health", timeoutMs: 30_000 },
      noToken,
      systemTime,
    );
    await using forwarder = new ForwardService(
      {
        queue: bench.store,
        upstream: client,
        clock: new TrustingClock(systemTime),
        memory: bench.store,
        onOutcome: () => {},
        time: systemTime,
        random: Math.random,
        log: silentLog,
      },
      { callIntervalMs: 0, receipt: openReceipt },
    );
    const start = systemTime.monotonicNs();
    forwarder.start();
    await emptied(bench.store);
    spent = elapsedMs(start, systemTime.monotonicNs());
  }
  rmSync(folder, { recursive: true });
  return spent;
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

/** The same workers, one scan each in a batch, as the store hands them out. */
function batchOf(index: number): DueScan[] {
  return Array.from({ length: batch }, (_, offset) => {
    const worker = (index * batch + offset) % benchWorkers;
    return {
      scanId: offset,
      workerId: worker,
      ssin: fictionalSsin(worker),
      employer: { kind: "enterprise-number", number: "0566988259" },
      direction: index % 2 === 0 ? "in" : "out",
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
