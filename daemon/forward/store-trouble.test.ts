import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "../base/log.ts";
import { seededRandom } from "../base/random.ts";
import { ManualTime } from "../testing/manual-time.ts";
import { MemoryQueue } from "../testing/memory-queue.ts";
import { MemoryReceipts, openReceipt } from "../testing/receipt-windows.ts";
import { TrustingClock } from "../testing/trusting-clock.ts";
import { ForwardService } from "./forward-service.ts";
import type { DueScan, ForwardQueue } from "./queue.ts";
import type { CallOutcome, CallReport, Upstream } from "./upstream.ts";

/** The store does what it is asked, and its answer comes late or never. */

const report: CallReport = { outcome: "answered", httpStatus: 200, relatedTraceId: null, detail: "" };
const held: CallReport = { ...report, outcome: "held-back", httpStatus: null };

let time: ManualTime;
let queue: MemoryQueue;
let calls: (readonly number[])[];

beforeEach(() => {
  time = new ManualTime();
  queue = new MemoryQueue();
  calls = [];
});

const upstream: Upstream = {
  async register(scans: readonly DueScan[], _traceId, _signal, mayLeave): Promise<CallOutcome> {
    if (mayLeave?.() === false) return { kind: "held-back", report: held };
    calls.push(scans.map(({ scanId }) => scanId));
    const items = scans.map(
      ({ scanId }) => ({ kind: "created", registrationId: `r${scanId}`, validity: "pending", remarks: [] }) as const,
    );
    return { kind: "answered", items, report };
  },
};

let service: ForwardService;

/** Over the queue, with some of what it is asked done in another way. */
function start(changed: Partial<ForwardQueue>): void {
  const whole: ForwardQueue = {
    claim: (request) => queue.claim(request),
    settle: (...parameters) => queue.settle(...parameters),
    settleAndClaim: (...parameters) => queue.settleAndClaim(...parameters),
    recoverInterrupted: (now) => queue.recoverInterrupted(now),
    resolveUnknown: (limit) => queue.resolveUnknown(limit),
    backlog: () => queue.backlog(),
    ...changed,
  };
  const clock = new TrustingClock(time);
  service = new ForwardService(
    {
      queue: whole,
      upstream,
      clock,
      memory: new MemoryReceipts(),
      onOutcome: () => {},
      time,
      random: seededRandom(1),
      log: silentLog,
    },
    { callIntervalMs: 0, receipt: openReceipt },
  );
  service.start();
}

afterEach(async () => {
  const ended = service[Symbol.asyncDispose]();
  await time.advance(60_000);
  await ended;
});

/** Does it, and the first time the answer is lost. */
function losingFirst<P extends readonly unknown[], R>(work: (...parameters: P) => Promise<R>): (...p: P) => Promise<R> {
  let isFirst = true;
  return async (...parameters) => {
    const answer = await work(...parameters);
    if (!isFirst) return answer;
    isFirst = false;
    throw new Error("the store's thread ended");
  };
}

test("a store that takes seconds for each claim delays what is sent, and prevents nothing", async () => {
  const scanId = queue.record(1, time.wallMs());
  start({
    claim: async (request) => {
      const claim = await queue.claim(request);
      await time.sleep(3_000);
      return claim;
    },
  });
  await time.advance(60_000);
  expect(queue.scan(scanId).state).toBe("registered");
  expect(queue.attempts.size).toBe(1);
});

test("a store that takes no claim is told with the state of the service, until it takes one", async () => {
  const full = new Error("database or disk is full");
  let isFull = true;
  const scanId = queue.record(1, time.wallMs());
  start({ claim: (request) => (isFull ? Promise.reject(full) : queue.claim(request)) });
  await time.advance(60_000);
  expect(service.status).toEqual({ state: "not-tried", lastOutcome: "", retryInMs: null, storeFails: true });
  isFull = false;
  await time.advance(600_000);
  expect(queue.scan(scanId).state).toBe("registered");
  expect(service.status).toEqual({ state: "reachable", lastOutcome: "answered", retryInMs: null });
});

test("outcomes that are written, and whose answer is lost, hold up nothing that follows", async () => {
  const first = queue.record(1, time.wallMs());
  start({ settle: losingFirst((...parameters) => queue.settle(...parameters)) });
  await time.advance(60_000);
  const second = queue.record(2, time.wallMs());
  service.wake();
  await time.advance(60_000);
  expect([first, second].map((scanId) => queue.scan(scanId).state)).toEqual(["registered", "registered"]);
  expect(calls).toEqual([[first], [second]]);
});

test("scans of a claim whose answer is lost are brought back, in doubt, and sent", async () => {
  const first = queue.record(1, time.wallMs());
  start({ claim: losingFirst((request) => queue.claim(request)) });
  await time.advance(60_000);
  const second = queue.record(1, time.wallMs());
  service.wake();
  await time.advance(60_000);
  expect(queue.scan(first)).toMatchObject({ state: "registered", doubtAttemptId: 1 });
  expect(queue.scan(second)).toMatchObject({ state: "registered", doubtAttemptId: null });
});
