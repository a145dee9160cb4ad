import { expect, test } from "vitest";
import { silentLog } from "../base/log.ts";
import { seededRandom } from "../base/random.ts";
import { callOutcomeOf } from "../forward/ciao/answer.ts";
import { ForwardService } from "../forward/forward-service.ts";
import type { AttemptOutcome, DueScan } from "../forward/queue.ts";
import type { CallOutcome, Upstream } from "../forward/upstream.ts";
import { ManualTime } from "./manual-time.ts";
import { MemoryQueue } from "./memory-queue.ts";
import { MemoryReceipts, openReceipt } from "./receipt-windows.ts";
import { TrustingClock } from "./trusting-clock.ts";

const minuteMs = 60_000;

/** Refuses every call that carries a scan of some workers, without a word about which. */
class RefusingService implements Upstream {
  refusals = 0;
  readonly #status: number;
  readonly #refuses: (workerId: number) => boolean;
  readonly #time: ManualTime;

  constructor(status: number, refuses: (workerId: number) => boolean, time: ManualTime) {
    this.#status = status;
    this.#refuses = refuses;
    this.#time = time;
  }

  async register(scans: readonly DueScan[]): Promise<CallOutcome> {
    const isRefused = scans.some(({ workerId }) => this.#refuses(workerId));
    if (isRefused) this.refusals += 1;
    const items = scans.map(({ scanId }) => ({ createdPresenceRegistration: { id: scanId } }));
    const body = isRefused ? "" : JSON.stringify({ items });
    const head = { status: isRefused ? this.#status : 200, headers: {} };
    return callOutcomeOf({ kind: "answered", head, body }, scans, this.#time.wallMs());
  }
}

function forwarding(
  time: ManualTime,
  queue: MemoryQueue,
  upstream: Upstream,
  onOutcome: (outcome: AttemptOutcome) => void = () => {},
): ForwardService {
  const clock = new TrustingClock(time);
  const memory = new MemoryReceipts();
  const ports = { queue, upstream, clock, memory, time, log: silentLog, random: seededRandom(1), onOutcome };
  return new ForwardService(ports, { callIntervalMs: 1_000, receipt: openReceipt });
}

test.each([403, 404, 410, 307, 500])(
  "scans for which alone a call is answered with %i hold up no others, and are not set aside",
  async (status) => {
    const refused: readonly number[] = [0, 2, 3, 4, 9, 14, 15, 16, 17];
    const [time, queue] = [new ManualTime(), new MemoryQueue()];
    const upstream = new RefusingService(status, (workerId) => refused.includes(workerId), time);
    const told: AttemptOutcome[] = [];
    await using service = forwarding(time, queue, upstream, (outcome) => told.push(outcome));
    for (let worker = 0; worker < 30; worker += 1) queue.record(worker, time.wallMs());
    service.start();
    await time.advance(60 * minuteMs);
    const expected = queue.scans.map(({ worker }) => (refused.includes(worker) ? "waiting" : "registered"));
    expect(queue.scans.map(({ state }) => state)).toEqual(expected);
    expect(told.some((outcome) => outcome !== "answered")).toBe(true);
    told.length = 0;
    const before = upstream.refusals;
    for (let worker = 30; worker < 46; worker += 1) {
      const laterId = queue.record(worker, time.wallMs());
      service.wake();
      await time.advance(5_000);
      // Nor does anybody wait for the backoff after one of these.
      expect(queue.scan(laterId).state).toBe("registered");
      await time.advance(minuteMs - 5_000);
    }
    // Failed calls have a quota of their own: one of them is tried in two minutes.
    expect(upstream.refusals - before).toBeLessThanOrEqual(8);
    // Nor are they an outage of the service, or ours, each time.
    expect(new Set(told)).toEqual(new Set(["answered"]));
  },
);

test("scans that are never taken leave the service to what else is asked of it", async () => {
  const [time, queue] = [new ManualTime(), new MemoryQueue()];
  await using service = forwarding(time, queue, new RefusingService(403, (workerId) => workerId < 9, time));
  for (let worker = 0; worker < 30; worker += 1) queue.record(worker, time.wallMs());
  service.start();
  expect(service.isIdle).toBe(false);
  await time.advance(60 * minuteMs);
  let idle = 0;
  for (let look = 0; look < 100; look += 1) {
    await time.advance(7_000);
    if (service.isIdle) idle += 1;
  }
  expect(idle).toBeGreaterThan(90);
});

test("a call that is refused with 403 leaves no scan in doubt", async () => {
  const [time, queue] = [new ManualTime(), new MemoryQueue()];
  await using service = forwarding(time, queue, new RefusingService(403, (workerId) => workerId < 9, time));
  for (let worker = 0; worker < 30; worker += 1) queue.record(worker, time.wallMs());
  service.start();
  await time.advance(60 * minuteMs);
  expect(queue.scans.filter(({ doubtAttemptId }) => doubtAttemptId !== null)).toEqual([]);
});

test("a service that refuses every call with 403 is tried rarely, and gets all scans once it takes them", async () => {
  const [time, queue] = [new ManualTime(), new MemoryQueue()];
  let isRefusing = true;
  const upstream = new RefusingService(403, () => isRefusing, time);
  await using service = forwarding(time, queue, upstream);
  for (let worker = 0; worker < 300; worker += 1) queue.record(worker, time.wallMs());
  service.start();
  await time.advance(12 * 60 * minuteMs);
  expect(upstream.refusals).toBeLessThan(12 * 60);
  isRefusing = false;
  await time.advance(10 * minuteMs);
  expect(queue.scans.filter(({ state }) => state !== "registered")).toEqual([]);
});

test.each([403, 404])(
  "a service that refuses every call with %i for some seconds gets all scans soon after",
  async (status) => {
    const [time, queue] = [new ManualTime(), new MemoryQueue()];
    const upAtMs = time.wallMs() + 10_000;
    const upstream = new RefusingService(status, () => time.wallMs() < upAtMs, time);
    await using service = forwarding(time, queue, upstream);
    for (let worker = 0; worker < 40; worker += 1) queue.record(worker, time.wallMs());
    service.start();
    await time.advance(10_000);
    expect(upstream.refusals).toBeGreaterThan(2);
    await time.advance(30_000);
    expect(queue.scans.filter(({ state }) => state !== "registered")).toEqual([]);
  },
);

test("a service that breaks on one call and refuses the next, for half a day, leaves few scans in doubt", async () => {
  const [time, queue] = [new ManualTime(), new MemoryQueue()];
  let [isDown, calls] = [true, 0];
  const broken = new RefusingService(503, () => isDown, time);
  const absent = new RefusingService(404, () => isDown, time);
  const upstream: Upstream = {
    register: async (scans) => {
      calls += 1;
      return await (calls % 2 === 0 ? absent : broken).register(scans);
    },
  };
  await using service = forwarding(time, queue, upstream);
  queue.record(0, time.wallMs());
  service.start();
  await time.advance(0);
  for (let worker = 1; worker < 60; worker += 1) queue.record(worker, time.wallMs());
  await time.advance(12 * 60 * minuteMs);
  expect(queue.scans.filter(({ doubtAttemptId }) => doubtAttemptId !== null).length).toBeLessThan(20);
  isDown = false;
  await time.advance(10 * minuteMs);
  expect(queue.scans.filter(({ state }) => state !== "registered")).toEqual([]);
});

test.each([403, 500])("scans that get %i for ever do not keep one away that would be taken by now", async (status) => {
  const [time, queue] = [new ManualTime(), new MemoryQueue()];
  let isPermitted = false;
  const upstream = new RefusingService(status, (workerId) => workerId < 8 || (workerId === 8 && !isPermitted), time);
  await using service = forwarding(time, queue, upstream);
  for (let worker = 0; worker < 30; worker += 1) queue.record(worker, time.wallMs() + worker);
  service.start();
  await time.advance(120 * minuteMs);
  const late = queue.scans.find(({ worker }) => worker === 8);
  expect(late?.state).toBe("waiting");
  isPermitted = true;
  await time.advance(60 * minuteMs);
  expect(queue.scan(late?.scanId ?? 0).state).toBe("registered");
});

test("an outage that lets one call pass and goes on for hours is told, though the scans that wait failed in it before", async () => {
  const [time, queue] = [new ManualTime(), new MemoryQueue()];
  const upAtMs = time.wallMs() + 10 * minuteMs;
  let passed = 0;
  const upstream = new RefusingService(500, () => time.wallMs() < upAtMs || passed++ > 0, time);
  const told: AttemptOutcome[] = [];
  await using service = forwarding(time, queue, upstream, (outcome) => told.push(outcome));
  for (let worker = 0; worker < 3; worker += 1) queue.record(worker, time.wallMs() + worker);
  service.start();
  await time.advance(60 * minuteMs);
  expect(queue.scans.filter(({ state }) => state === "registered").length).toBe(1);
  expect(told.at(-1)).toBe("server-error");
  expect(service.status.state).toBe("not-reachable");
});
