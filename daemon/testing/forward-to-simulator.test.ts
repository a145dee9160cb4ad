import { describe, expect, test } from "vitest";
import { silentLog } from "../base/log.ts";
import { systemTime } from "../base/system-time.ts";
import { CiaoClient } from "../forward/ciao/ciao-client.ts";
import { FileToken } from "../forward/ciao/token.ts";
import { registerPath } from "../forward/ciao/wire.ts";
import type { AttemptReport, Settlement } from "../forward/queue.ts";
import type { CallFault, Fault } from "../simulator/service/fault.ts";
import { startServiceSimulator } from "../simulator/service/service-simulator.ts";
import { fictionalSsin } from "./fictional-worker.ts";
import { hastyForwarder } from "./hasty-forwarder.ts";
import { MemoryQueue } from "./memory-queue.ts";

/** A queue that tells when no scan is left to send. */
class WatchedQueue extends MemoryQueue {
  onEmpty: () => void = () => {};

  override async settle(attemptId: number, report: AttemptReport, settlements: readonly Settlement[]): Promise<void> {
    await super.settle(attemptId, report, settlements);
    if ((await this.backlog()).waiting === 0) this.onEmpty();
  }
}

const workers = 250;

/** Sends the scans of all workers through the fault; chance makes every backoff as short as it can be. */
async function forwardThrough(fault: Fault | null, calls = 2) {
  await using simulator = await startServiceSimulator({ port: 0, log: silentLog, time: systemTime, token: "token" });
  if (fault?.kind === "refuse") await simulator.setFault(fault);
  else if (fault !== null) await simulator.setFault(fault, { kind: "next-calls", calls });
  // Short only where the deadline is what ends the call, so that a busy machine adds no doubt of its own.
  const timeoutMs = fault?.kind === "time-out" || fault?.kind === "slow" ? 1_000 : 30_000;
  const settings = { baseUrl: simulator.url, registerPath, healthPath: "/health", timeoutMs };
  await using client = new CiaoClient(settings, new FileToken(async () => "token"), systemTime);
  const queue = new WatchedQueue();
  for (let worker = 0; worker < workers; worker += 1) queue.record(worker, systemTime.wallMs());
  const emptied = new Promise<void>((resolve) => {
    queue.onEmpty = resolve;
  });
  await using forwarder = hastyForwarder(queue, client);
  forwarder.start();
  await emptied;
  const times = Array.from({ length: workers }, (_, worker) => simulator.registrationsOf(fictionalSsin(worker)).length);
  return { scans: queue.scans, times, attempts: [...queue.attempts.values()] };
}

const certain: readonly Fault[] = [
  { kind: "refuse", forMs: 300 },
  { kind: "throttle", problem: "tooManyFailedRequests", retryAfter: { form: "seconds", seconds: 1 } },
  { kind: "throttle", problem: "tooManyRequests", retryAfter: { form: "date", seconds: 1 } },
];

const doubtful: readonly CallFault[] = [
  { kind: "time-out", processed: false },
  { kind: "time-out", processed: true },
  { kind: "reset-before" },
  { kind: "reset-during-answer" },
  { kind: "reset-after-processing" },
  { kind: "server-error", status: 500, processed: true, retryAfterSeconds: null },
  { kind: "server-error", status: 503, processed: false, retryAfterSeconds: 1 },
  { kind: "garbage", form: "html" },
  { kind: "garbage", form: "half-json" },
  { kind: "garbage", form: "wrong-shape" },
  { kind: "huge", bytes: 10 * 1024 * 1024 },
  { kind: "slow", bytesPerChunk: 1, everyMs: 50 },
];

test("without a fault 250 scans are registered once each, in two calls", async () => {
  const { scans, times, attempts } = await forwardThrough(null);
  expect(new Set(times)).toEqual(new Set([1]));
  expect(scans.every((scan) => scan.state === "registered" && scan.doubtAttemptId === null)).toBe(true);
  expect(attempts).toHaveLength(2);
});

describe("through a fault that excludes processing, each scan is registered once, without a doubt", () => {
  test.each(certain)("%j", async (fault) => {
    const { scans, times } = await forwardThrough(fault, 1);
    expect(new Set(times)).toEqual(new Set([1]));
    expect(scans.every((scan) => scan.state === "registered" && scan.doubtAttemptId === null)).toBe(true);
  });
});

describe("through a fault that leaves a doubt, no scan is lost, and one registered twice has the doubt that explains it", () => {
  test.each(doubtful)("%j", async (fault) => {
    const { scans, times } = await forwardThrough(fault);
    expect(scans.every((scan) => scan.state === "registered")).toBe(true);
    for (const scan of scans) {
      expect(times[scan.worker]).toBeGreaterThanOrEqual(1);
      if (times[scan.worker] !== 1) expect(scan.doubtAttemptId).not.toBeNull();
    }
    expect(scans.filter((scan) => scan.doubtAttemptId !== null).length).toBeLessThanOrEqual(200);
  });
});

test("scans that the service does not create are set aside with its reason, the others are registered", async () => {
  const ssins = [3, 77, 249].map(fictionalSsin);
  const { scans, times } = await forwardThrough({ kind: "not-created", ssins });
  const refused = scans.filter((scan) => scan.state === "refused");
  expect(refused.map((scan) => scan.worker)).toEqual([3, 77, 249]);
  expect(refused[0]?.reason).toBe("simulated: The simulator was told not to create this registration.");
  expect(times.filter((count) => count === 1)).toHaveLength(workers - 3);
});
