import { expect, test } from "vitest";
import { silentLog } from "../base/log.ts";
import { seededRandom } from "../base/random.ts";
import { ForwardService } from "../forward/forward-service.ts";
import type { DueScan } from "../forward/queue.ts";
import { nothingKnown } from "../forward/receipt-window.ts";
import type { CallOutcome, CallReport, SearchOutcome, Upstream } from "../forward/upstream.ts";
import { ManualTime } from "./manual-time.ts";
import { MemoryQueue } from "./memory-queue.ts";
import { MemoryReceipts, openReceipt } from "./receipt-windows.ts";
import { TrustingClock } from "./trusting-clock.ts";

const hourMs = 60 * 60 * 1000;
const workers = 12;

const broken: CallReport = { outcome: "server-error", httpStatus: 500, relatedTraceId: null, detail: "" };
const answered: CallReport = { outcome: "answered", httpStatus: 200, relatedTraceId: null, detail: "" };

/** Breaks on every call while it is down, and on those of some workers always; registers none of them. */
class BrittleService implements Upstream {
  isDown = true;
  readonly search?: (scan: DueScan) => Promise<SearchOutcome>;
  readonly #breakingWorkers: readonly number[];

  constructor(breakingWorkers: readonly number[], searches: boolean) {
    this.#breakingWorkers = breakingWorkers;
    if (searches) this.search = async () => this.#found();
  }

  async register(scans: readonly DueScan[]): Promise<CallOutcome> {
    if (this.isDown || scans.some(({ workerId }) => this.#breakingWorkers.includes(workerId))) {
      return { kind: "ambiguous", retryAfterMs: null, report: broken };
    }
    const items = scans.map(
      ({ scanId }) => ({ kind: "created", registrationId: `r${scanId}`, validity: "pending", remarks: [] }) as const,
    );
    return { kind: "answered", items, report: answered };
  }

  #found(): SearchOutcome {
    return this.isDown
      ? { kind: "failed", retryAfterMs: null, report: broken }
      : { kind: "not-found", report: answered };
  }
}

function forwarding(time: ManualTime, queue: MemoryQueue, upstream: Upstream, seed: number): ForwardService {
  // So late a registration passed before: the first call carries all that wait.
  const memory = new MemoryReceipts();
  memory.knowledge = { ...nothingKnown, aboveMs: hourMs };
  return new ForwardService(
    {
      queue,
      upstream,
      clock: new TrustingClock(time),
      memory,
      onOutcome: () => {},
      time,
      random: seededRandom(seed),
      log: silentLog,
    },
    { callIntervalMs: 0, receipt: openReceipt },
  );
}

test.each(
  Array.from({ length: workers }, (_, worker) => worker).flatMap((worker) =>
    [[worker], [worker, (worker + 1) % workers]].flatMap((breaking) =>
      [false, true].map((searches) => [breaking, searches ? "a search" : "no search", searches] as const),
    ),
  ),
)(
  "after an outage of hours scans of workers %j, on which the service breaks with %s, hold up no others",
  async (breakingWorkers, _, searches) => {
    const time = new ManualTime();
    const queue = new MemoryQueue();
    for (let worker = 0; worker < workers; worker += 1) queue.record(worker, time.wallMs() - hourMs + worker);
    const service = new BrittleService(breakingWorkers, searches);
    const forwarder = forwarding(time, queue, service, breakingWorkers[0] ?? 0);
    forwarder.start();
    await time.advance(3 * hourMs);
    // Those of the first call apart, which carried all of them, an outage asks for the same few.
    const tried = queue.scans.filter(({ attemptId }) => attemptId !== 1).length;
    expect(tried).toBeLessThan(workers);
    service.isDown = false;
    await time.advance(hourMs);
    const others = queue.scans.filter(({ worker }) => !breakingWorkers.includes(worker));
    expect(others.filter(({ state }) => state !== "registered")).toEqual([]);
    const closed = forwarder[Symbol.asyncDispose]();
    await time.advance(hourMs);
    await closed;
  },
);

test.each([
  ["no search", false],
  ["a search", true],
])(
  "nine scans on which the service breaks, all before the others, with %s, leave none of these waiting or in doubt",
  async (_, searches) => {
    const time = new ManualTime();
    const queue = new MemoryQueue();
    const breakingWorkers = Array.from({ length: 9 }, (_worker, index) => index);
    const service = new BrittleService(breakingWorkers, searches);
    service.isDown = false;
    await using forwarder = forwarding(time, queue, service, 1);
    forwarder.start();
    await time.advance(0);
    for (const worker of breakingWorkers) queue.record(worker, time.wallMs());
    await time.advance(2 * hourMs);
    const others: number[] = [];
    for (let worker = 100; worker < 160; worker += 1) {
      others.push(queue.record(worker, time.wallMs()));
      forwarder.wake();
      await time.advance(5 * 60_000);
    }
    await time.advance(hourMs);
    expect(others.filter((id) => queue.scan(id).state !== "registered")).toEqual([]);
    expect(others.filter((id) => queue.scan(id).doubtAttemptId !== null)).toEqual([]);
  },
);

/** Refuses the calls that carry one of so many workers, and says no more of them. */
class ForbiddingService implements Upstream {
  readonly #forbidden: number;
  refused = 0;

  constructor(forbidden: number) {
    this.#forbidden = forbidden;
  }

  async register(scans: readonly DueScan[]): Promise<CallOutcome> {
    if (scans.some(({ workerId }) => workerId < this.#forbidden)) {
      this.refused += 1;
      const report: CallReport = { outcome: "call-refused", httpStatus: 403, relatedTraceId: null, detail: "" };
      return { kind: "not-processed", retryAfterMs: null, report };
    }
    const items = scans.map(
      ({ scanId }) => ({ kind: "created", registrationId: `r${scanId}`, validity: "pending", remarks: [] }) as const,
    );
    return { kind: "answered", items, report: answered };
  }
}

test("of more scans that fail alone than one call carries none is forgotten: the others go through, and one of these is tried in two minutes", async () => {
  const time = new ManualTime();
  const queue = new MemoryQueue();
  const forbidden = 240;
  const service = new ForbiddingService(forbidden);
  await using forwarder = forwarding(time, queue, service, 1);
  forwarder.start();
  await time.advance(0);
  const others: number[] = [];
  const another = async (): Promise<void> => {
    others.push(queue.record(forbidden + others.length, time.wallMs()));
    forwarder.wake();
    await time.advance(10 * 60_000);
  };
  for (let worker = 0; worker < forbidden; worker += 1) {
    queue.record(worker, time.wallMs());
    if (worker % 4 === 3) await another();
  }
  await time.advance(hourMs);
  expect(forwarder.failingAlone.length).toBeGreaterThan(200);
  const before = service.refused;
  for (let turn = 0; turn < 12; turn += 1) await another();
  expect(others.filter((id) => queue.scan(id).state !== "registered")).toEqual([]);
  expect(service.refused - before).toBeLessThanOrEqual((2 * hourMs) / (2 * 60_000) + 1);
});

test("one that is too large by itself leaves their turn to the others that fail alone", async () => {
  const time = new ManualTime();
  const queue = new MemoryQueue();
  let isTooLarge = false;
  let isMended = false;
  const upstream: Upstream = {
    register: async (scans) => {
      const refused = (httpStatus: number): CallOutcome => ({
        kind: "not-processed",
        retryAfterMs: null,
        report: { outcome: "call-refused", httpStatus, relatedTraceId: null, detail: "" },
      });
      const carries = (worker: number): boolean => scans.some(({ workerId }) => workerId === worker);
      if (carries(0)) {
        isMended = isTooLarge;
        return refused(isTooLarge ? 413 : 403);
      }
      if (carries(1) && !isMended) return refused(403);
      const items = scans.map(
        ({ scanId }) => ({ kind: "created", registrationId: `r${scanId}`, validity: "pending", remarks: [] }) as const,
      );
      return { kind: "answered", items, report: answered };
    },
  };
  await using forwarder = forwarding(time, queue, upstream, 1);
  forwarder.start();
  const [, mended] = [0, 1].map((worker) => queue.record(worker, time.wallMs()));
  await time.advance(0);
  for (const worker of [2, 3, 4]) {
    queue.record(worker, time.wallMs());
    forwarder.wake();
    await time.advance(20 * 60_000);
  }
  expect(forwarder.failingAlone).toHaveLength(2);
  isTooLarge = true;
  await time.advance(3 * hourMs);
  expect(isMended).toBe(true);
  expect(queue.scan(mended ?? 0).state).toBe("registered");
});
