import { expect, test } from "vitest";
import { silentLog } from "../base/log.ts";
import { seededRandom } from "../base/random.ts";
import { ForwardService } from "../forward/forward-service.ts";
import type { DueScan } from "../forward/queue.ts";
import type { CallOutcome, CallReport, ItemOutcome, Upstream } from "../forward/upstream.ts";
import { ManualTime } from "./manual-time.ts";
import { MemoryQueue } from "./memory-queue.ts";
import { MemoryReceipts, openReceipt } from "./receipt-windows.ts";
import { TrustingClock } from "./trusting-clock.ts";

const hourMs = 60 * 60 * 1000;
const callMs = 50;
const scansOfEach = 2;

type Naming = "names none" | "names the first" | "answers per scan";

/** Refuses the scans of some workers in its own way, and remembers what it holds. */
class PickyService implements Upstream {
  readonly held: number[] = [];
  /** When each refused call ended. */
  readonly refusedAt: number[] = [];
  readonly #time: ManualTime;
  readonly #isRefused: (worker: number) => boolean;
  readonly #naming: Naming;

  constructor(time: ManualTime, isRefused: (worker: number) => boolean, naming: Naming) {
    this.#time = time;
    this.#isRefused = isRefused;
    this.#naming = naming;
  }

  async register(scans: readonly DueScan[]): Promise<CallOutcome> {
    await this.#time.sleep(callMs);
    const first = scans.findIndex(({ workerId }) => this.#isRefused(workerId));
    if (first >= 0) this.refusedAt.push(this.#time.wallMs());
    if (first >= 0 && this.#naming !== "answers per scan") {
      const culprits = this.#naming === "names none" ? [] : [{ index: first, reason: "service: named" }];
      return { kind: "refused", culprits, reason: "service: whole", report: report("call-refused", 400) };
    }
    return { kind: "answered", items: scans.map((scan) => this.#answer(scan)), report: report("answered", 200) };
  }

  #answer({ scanId, workerId }: DueScan): ItemOutcome {
    if (this.#isRefused(workerId)) return { kind: "refused", reason: "service: item" };
    this.held.push(scanId);
    return { kind: "created", registrationId: `r${scanId}`, validity: "pending", remarks: [] };
  }
}

function report(outcome: CallReport["outcome"], httpStatus: number): CallReport {
  return { outcome, httpStatus, relatedTraceId: null, detail: "" };
}

/** A queue of two scans of each worker, forwarded for so long to a service that refuses some of them. */
async function forwarded(
  workers: number,
  isRefused: (worker: number) => boolean,
  naming: Naming,
  { seed, forMs }: { readonly seed: number; readonly forMs: number },
): Promise<{ readonly queue: MemoryQueue; readonly service: PickyService; readonly startedAt: number }> {
  const time = new ManualTime();
  const startedAt = time.wallMs();
  const queue = new MemoryQueue();
  for (let scan = 0; scan < scansOfEach; scan += 1) {
    for (let worker = 0; worker < workers; worker += 1) queue.record(worker, startedAt - hourMs + scan * 1000 + worker);
  }
  const service = new PickyService(time, isRefused, naming);
  const forwarder = new ForwardService(
    {
      queue,
      upstream: service,
      clock: new TrustingClock(time),
      memory: new MemoryReceipts(),
      onOutcome: () => {},
      time,
      random: seededRandom(seed),
      log: silentLog,
    },
    { callIntervalMs: 0, receipt: openReceipt },
  );
  forwarder.start();
  await time.advance(forMs);
  const closed = forwarder[Symbol.asyncDispose]();
  await time.advance(hourMs);
  await closed;
  return { queue, service, startedAt };
}

const groups: readonly (readonly [string, number, (worker: number) => boolean])[] = [
  ["60 at either end of 200", 200, (worker) => worker < 60 || worker >= 140],
  ["two fifties in the first 200 of 260", 260, (worker) => worker < 50 || (worker >= 150 && worker < 200)],
  ["every second of 100", 100, (worker) => worker % 2 === 0],
  ["three of four", 4, (worker) => worker < 3],
];

test.each(
  groups.flatMap(([name, workers, isRefused]) =>
    (["names none", "names the first", "answers per scan"] as const).flatMap((naming) =>
      [1, 2, 3].map((seed) => [name, naming, seed, workers, isRefused] as const),
    ),
  ),
)(
  "with %s refused by a service that %s, the others are registered within the hour, once and in order: seed %i",
  async (_, naming, seed, workers, isRefused) => {
    const { queue, service } = await forwarded(workers, isRefused, naming, { seed, forMs: hourMs });
    const good = queue.scans.filter(({ worker }) => !isRefused(worker));
    expect(good.filter(({ state }) => state !== "registered")).toEqual([]);
    expect(service.held.toSorted((one, other) => one - other)).toEqual(good.map(({ scanId }) => scanId));
    for (const [worker, ids] of Map.groupBy(service.held, (scanId) => queue.scan(scanId).worker)) {
      expect([worker, ids]).toEqual([worker, ids.toSorted((one, other) => one - other)]);
    }
    // A refused one costs a search of nine calls at most.
    expect(service.refusedAt.length).toBeLessThan(9 * (queue.scans.length - good.length) + 30);
  },
);

test.each<Naming>(["names none", "names the first", "answers per scan"])(
  "a service that refuses everything and %s is called a few dozen times an hour, and costs no more than 14 scans",
  async (naming) => {
    const { queue, service, startedAt } = await forwarded(60, () => true, naming, { seed: 1, forMs: 8 * hourMs });
    const perHour = Map.groupBy(service.refusedAt, (at) => Math.floor((at - startedAt) / hourMs));
    expect(perHour.size).toBe(8);
    for (const calls of perHour.values()) expect(calls.length).toBeLessThan(60);
    expect(queue.scans.filter(({ state }) => state !== "waiting").length).toBeLessThanOrEqual(14);
  },
);
