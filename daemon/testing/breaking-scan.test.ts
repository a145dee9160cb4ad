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
    // So late a registration passed before: the first call carries all of them.
    const memory = new MemoryReceipts();
    memory.knowledge = { ...nothingKnown, aboveMs: hourMs };
    const forwarder = new ForwardService(
      {
        queue,
        upstream: service,
        clock: new TrustingClock(time),
        memory,
        onOutcome: () => {},
        time,
        random: seededRandom(breakingWorkers[0] ?? 0),
        log: silentLog,
      },
      { callIntervalMs: 0, receipt: openReceipt },
    );
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
