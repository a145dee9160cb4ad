import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Log, silentLog } from "../base/log.ts";
import { seededRandom } from "../base/random.ts";
import { monotonicNs, wallMs } from "../base/time.ts";
import { ManualTime, settled } from "../testing/manual-time.ts";
import { MemoryQueue } from "../testing/memory-queue.ts";
import { MemoryReceipts, openReceipt } from "../testing/receipt-windows.ts";
import { recordingLog } from "../testing/store-fixture.ts";
import { TrustingClock } from "../testing/trusting-clock.ts";
import { probesPutOffMax } from "./call-size.ts";
import { callOutcomeOf } from "./ciao/answer.ts";
import { searchOutcomeOf } from "./ciao/search.ts";
import { forwardEvents } from "./events.ts";
import { ForwardService } from "./forward-service.ts";
import type { AttemptOutcome, DueScan } from "./queue.ts";
import {
  afterLook,
  afterRecovery,
  afterSearch,
  doubtRule,
  initialTrack,
  lateProcessingMs,
  searchRefusalsMax,
  searchStrikesMax,
} from "./search-track.ts";
import { unreadAnswersMax } from "./unread-answers.ts";
import type { CallOutcome, CallReport, SearchOutcome, Upstream } from "./upstream.ts";

const report = (outcome: AttemptOutcome, httpStatus: number | null = null): CallReport => ({
  outcome,
  httpStatus,
  relatedTraceId: null,
  detail: "",
});
const created = { kind: "created", registrationId: "r", validity: "pending", remarks: [] } as const;

/** How one call that registers is treated; `late` registers so much later than the connection is lost. */
type Call = "registers" | "lost-before" | "lost-after" | "not-connected" | "throttled" | { readonly lateMs: number };
type Search =
  | "answers"
  | "server-error"
  | "timed-out"
  | "not-connected"
  | "unauthorised"
  | "throttled"
  | "throttled-for-long"
  | "none"
  | "refused";

/** A service that treats calls and searches as it is told, then all of them well; it knows what it holds. */
class SearchableService implements Upstream {
  readonly held: Map<number, number> = new Map();
  readonly calls: { readonly kind: "register" | "search"; readonly scans: readonly number[]; readonly atMs: number }[] =
    [];
  readonly #time: ManualTime;
  readonly #script: Call[];
  readonly #searches: Search[];
  readonly #otherwise: Search;

  constructor(
    time: ManualTime,
    script: readonly Call[],
    searches: readonly Search[] = [],
    otherwise: Search = "answers",
  ) {
    this.#time = time;
    this.#script = [...script];
    this.#searches = [...searches];
    this.#otherwise = otherwise;
  }

  async register(scans: readonly DueScan[]): Promise<CallOutcome> {
    const ids = scans.map(({ scanId }) => scanId);
    this.calls.push({ kind: "register", scans: ids, atMs: this.#time.wallMs() });
    const call = this.#script.shift() ?? "registers";
    switch (call) {
      case "registers":
        this.#hold(ids);
        return { kind: "answered", items: scans.map(() => created), report: report("answered", 200) };
      case "not-connected":
        return { kind: "not-processed", retryAfterMs: null, report: report("not-connected") };
      case "throttled":
        return { kind: "not-processed", retryAfterMs: 20_000, report: report("throttled", 429) };
      case "lost-before":
        return { kind: "ambiguous", retryAfterMs: null, report: report("timed-out") };
      case "lost-after":
        this.#hold(ids);
        return { kind: "ambiguous", retryAfterMs: null, report: report("connection-lost") };
      default:
        this.#time.after(call.lateMs, () => this.#hold(ids));
        return { kind: "ambiguous", retryAfterMs: null, report: report("timed-out") };
    }
  }

  async search({ scanId }: DueScan): Promise<SearchOutcome> {
    this.calls.push({ kind: "search", scans: [scanId], atMs: this.#time.wallMs() });
    const search = this.#searches.shift() ?? this.#otherwise;
    switch (search) {
      case "answers":
        return this.held.has(scanId)
          ? { ...created, kind: "found", report: report("answered", 200) }
          : { kind: "not-found", report: report("answered", 200) };
      case "refused":
        return { kind: "refused", report: report("call-refused", 403) };
      case "none":
        return { kind: "not-to-be-had", report: report("call-refused", 404) };
      case "throttled":
        return { kind: "failed", retryAfterMs: 30_000, report: report("throttled", 429) };
      case "throttled-for-long":
        return { kind: "failed", retryAfterMs: 600_000, report: report("throttled", 429) };
      default:
        return { kind: "failed", retryAfterMs: null, report: report(search) };
    }
  }

  #hold(ids: readonly number[]): void {
    for (const scanId of ids) this.held.set(scanId, (this.held.get(scanId) ?? 0) + 1);
  }
}

function forwarding(ports: {
  readonly time: ManualTime;
  readonly queue: MemoryQueue;
  readonly upstream: Upstream;
  readonly seed: number;
  readonly log?: Log;
}): ForwardService {
  const { time, queue, upstream, seed, log = silentLog } = ports;
  return new ForwardService(
    {
      queue,
      upstream,
      clock: new TrustingClock(time),
      memory: new MemoryReceipts(),
      onOutcome: () => {},
      time,
      random: seededRandom(seed),
      log,
    },
    { callIntervalMs: 100, receipt: openReceipt },
  );
}

function harness(
  script: readonly Call[],
  searches: readonly Search[] = [],
  { otherwise = "answers" as Search, seed = 1 } = {},
) {
  const time = new ManualTime();
  const queue = new MemoryQueue();
  const upstream = new SearchableService(time, script, searches, otherwise);
  const service = forwarding({ time, queue, upstream, seed });
  const kinds = (): readonly string[] => upstream.calls.map(({ kind }) => kind);
  return { time, queue, upstream, service, kinds };
}

describe("a scan in doubt", () => {
  test("that the service holds is registered without being sent twice, and keeps its mark", async () => {
    const { time, queue, upstream, service, kinds } = harness(["lost-after"]);
    queue.record(1, time.wallMs());
    service.start();
    await time.advance(60_000);
    expect(kinds()).toEqual(["register", "search"]);
    expect(queue.scan(1)).toMatchObject({ state: "registered", doubtAttemptId: 1, doubtVerdict: "found" });
    expect(upstream.held.get(1)).toBe(1);
    await service[Symbol.asyncDispose]();
  });

  test("that the service does not hold is sent again after the search, not before the margin is over", async () => {
    const { time, queue, upstream, service, kinds } = harness(["lost-before"]);
    queue.record(1, time.wallMs());
    service.start();
    await time.advance(60_000);
    expect(kinds()).toEqual(["register", "search", "register"]);
    const [first, search] = upstream.calls;
    expect((search?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(lateProcessingMs);
    expect(queue.scan(1)).toMatchObject({ state: "registered", doubtAttemptId: 1, doubtVerdict: "not-found" });
    await service[Symbol.asyncDispose]();
  });

  test("that the service registers late is found all the same", async () => {
    const { time, queue, upstream, service } = harness([{ lateMs: lateProcessingMs - 1_000 }]);
    queue.record(1, time.wallMs());
    service.start();
    await time.advance(60_000);
    expect(upstream.held.get(1)).toBe(1);
    expect(queue.scan(1)).toMatchObject({ state: "registered", doubtVerdict: "found" });
    await service[Symbol.asyncDispose]();
  });

  test("is no outage any more once the search found it", async () => {
    const { time, queue, service } = harness(["lost-after"]);
    queue.record(1, time.wallMs());
    service.start();
    await time.advance(1_000);
    expect(service.status.state).toBe("not-reachable");
    await time.advance(60_000);
    expect(queue.scan(1).state).toBe("registered");
    expect(service.status).toMatchObject({ state: "reachable", retryInMs: null });
    await service[Symbol.asyncDispose]();
  });

  test("is sent again unsearched, marked, where no search is to be had", async () => {
    const { time, queue, service, kinds } = harness(["lost-after", "registers", "lost-after"], ["none"]);
    queue.record(1, time.wallMs());
    service.start();
    await time.advance(60_000);
    queue.record(2, time.wallMs());
    service.wake();
    await time.advance(60_000);
    expect(kinds()).toEqual(["register", "search", "register", "register", "register"]);
    expect(queue.scan(1)).toMatchObject({ state: "registered", doubtAttemptId: 1, doubtVerdict: null });
    await service[Symbol.asyncDispose]();
  });

  test("is sent again unsearched where its own search is refused, and the others are searched for", async () => {
    const { time, queue, upstream, service } = harness(["lost-after"], ["refused"]);
    for (const worker of [1, 2, 3, 4]) queue.record(worker, time.wallMs() + worker - 10);
    service.start();
    await time.advance(120_000);
    expect([...upstream.held.values()]).toEqual([2, 1, 1, 1]);
    expect(queue.scans.every(({ state, doubtAttemptId }) => state === "registered" && doubtAttemptId === 1)).toBe(true);
    await service[Symbol.asyncDispose]();
  });

  test("is sent again, marked, where the token that calls go through with is no good for a search", async () => {
    const { time, queue, service, kinds } = harness(["lost-before"], [], { otherwise: "unauthorised" });
    queue.record(0, time.wallMs());
    service.start();
    for (let worker = 1; worker <= 4; worker += 1) {
      await time.advance(30_000);
      queue.record(worker, time.wallMs());
      service.wake();
    }
    await time.advance(30_000);
    expect(queue.scan(1)).toMatchObject({ state: "registered", doubtVerdict: null });
    expect(kinds().filter((kind) => kind === "search").length).toBeGreaterThanOrEqual(2);
    await service[Symbol.asyncDispose]();
  });

  test("waits for its search where calls are not let in either", async () => {
    const { time, queue, upstream, service } = harness(["lost-after"], Array(6).fill("unauthorised"));
    queue.record(0, time.wallMs());
    service.start();
    await time.advance(3_600_000);
    expect(upstream.held.get(1)).toBe(1);
    expect(queue.scan(1)).toMatchObject({ state: "registered", doubtVerdict: "found" });
    await service[Symbol.asyncDispose]();
  });

  test("is searched for no more once searches were refused for several in a row", async () => {
    const { time, queue, service, kinds } = harness(["lost-after"], [], { otherwise: "refused" });
    for (const worker of [1, 2, 3, 4, 5, 6]) queue.record(worker, time.wallMs() + worker - 10);
    service.start();
    await time.advance(120_000);
    expect(kinds().filter((kind) => kind === "search")).toHaveLength(searchRefusalsMax);
    expect(queue.scans.every(({ state }) => state === "registered")).toBe(true);
    await service[Symbol.asyncDispose]();
  });

  test("is sent again, marked, when the service keeps failing the search", async () => {
    const { time, queue, service, kinds } = harness(["lost-after"], [], { otherwise: "server-error" });
    queue.record(1, time.wallMs());
    service.start();
    await time.advance(5 * 60_000);
    expect(kinds()).toEqual(["register", ...Array(searchStrikesMax).fill("search"), "register"]);
    expect(queue.scan(1)).toMatchObject({ state: "registered", doubtVerdict: null });
    await service[Symbol.asyncDispose]();
  });

  test("waits through an outage for its search, however long it lasts", async () => {
    const away = Array.from({ length: 12 }, (): Search => "not-connected");
    const { time, queue, upstream, service } = harness(["lost-after"], away);
    queue.record(1, time.wallMs());
    service.start();
    await time.advance(3 * 3_600_000);
    expect(upstream.held.get(1)).toBe(1);
    expect(queue.scan(1)).toMatchObject({ state: "registered", doubtVerdict: "found" });
    await service[Symbol.asyncDispose]();
  });

  test("never holds up other workers, though its search fails again and again", async () => {
    const { time, queue, upstream, service } = harness(["lost-before"], [], { otherwise: "timed-out" });
    queue.record(0, time.wallMs());
    service.start();
    await time.advance(1_000);
    // The first call that goes through after a failure is followed by a pause of its own.
    queue.record(21, time.wallMs());
    await time.advance(15_000);
    for (let worker = 1; worker <= 20; worker += 1) {
      const storedMs = time.wallMs();
      const scanId = queue.record(worker, storedMs);
      service.wake();
      await time.advance(1_000);
      expect(queue.scan(scanId).state).toBe("registered");
      const sent = upstream.calls.find(({ kind, scans }) => kind === "register" && scans.includes(scanId));
      expect((sent?.atMs ?? 0) - storedMs).toBeLessThanOrEqual(300);
    }
    await service[Symbol.asyncDispose]();
  });
});

// A search that has to wait is waited for as long as an hour: until then each call draws in another scan.
test.each<[Search, Call, number]>([
  ["server-error", "lost-before", 20],
  ["timed-out", "lost-before", 20],
  ["throttled", "not-connected", 40],
  ["throttled-for-long", "lost-before", 40],
  ["throttled-for-long", "not-connected", 40],
])(
  "a long outage leaves few scans in doubt, whose search ends in %s, where it began with %s",
  async (otherwise, first, few) => {
    const broken = Array.from({ length: 10_000 }, (): Call => "lost-before");
    const { time, queue, service, kinds } = harness([first, ...broken], [], { otherwise });
    queue.record(0, time.wallMs());
    service.start();
    await time.advance(0);
    for (let worker = 1; worker < 100; worker += 1) queue.record(worker, time.wallMs());
    await time.advance(12 * 3_600_000);
    expect(queue.scans.filter(({ doubtAttemptId }) => doubtAttemptId !== null).length).toBeLessThanOrEqual(few);
    expect(kinds().length).toBeLessThan(2 * 12 * 60);
    await service[Symbol.asyncDispose]();
  },
);

test("nor are more than a handful in doubt at once where the service answers searches, and breaks on all calls", async () => {
  const broken = Array.from({ length: 10_000 }, (): Call => "lost-before");
  const { time, queue, service } = harness(["not-connected", ...broken]);
  for (let worker = 0; worker < 60; worker += 1) queue.record(worker, time.wallMs());
  service.start();
  let inDoubt = 0;
  for (let minutes = 0; minutes < 12 * 60; minutes += 10) {
    await time.advance(10 * 60_000);
    inDoubt = Math.max(inDoubt, queue.scans.filter(({ doubtSince }) => doubtSince !== null).length);
  }
  expect(inDoubt).toBeLessThanOrEqual(probesPutOffMax + 1);
  await service[Symbol.asyncDispose]();
});

/** Breaks on every call that carries one of the first scans. */
function breakingOn(firstScans: number, good: SearchableService): Upstream {
  return {
    register: async (scans) =>
      scans.some(({ scanId }) => scanId <= firstScans)
        ? { kind: "ambiguous", retryAfterMs: null, report: report("server-error", 500) }
        : await good.register(scans),
    search: (scan) => good.search(scan),
  };
}

test("a service that breaks on some scans, and answers searches, gets all the others before long", async () => {
  const broken = 8;
  const time = new ManualTime();
  const queue = new MemoryQueue();
  const good = new SearchableService(time, []);
  const service = forwarding({ time, queue, upstream: breakingOn(broken, good), seed: 3 });
  for (let worker = 0; worker < broken; worker += 1) queue.record(worker, time.wallMs());
  service.start();
  await time.advance(2 * 3_600_000);
  for (let worker = broken; worker < broken + 40; worker += 1) {
    const scanId = queue.record(worker, time.wallMs());
    service.wake();
    await time.advance(20 * 60_000);
    expect(queue.scan(scanId).state).toBe("registered");
  }
  await service[Symbol.asyncDispose]();
});

test.each<Search>(["timed-out", "server-error", "not-connected"])(
  "nor do six scans on which it breaks stop all others for hours, where the search ends in %s",
  async (search) => {
    const broken = 6;
    const time = new ManualTime();
    const queue = new MemoryQueue();
    const good = new SearchableService(time, [], [], search);
    const service = forwarding({ time, queue, upstream: breakingOn(broken, good), seed: 3 });
    for (let worker = 0; worker < broken; worker += 1) queue.record(worker, time.wallMs());
    service.start();
    let before = 0;
    for (let worker = broken; worker < broken + 72; worker += 1) {
      queue.record(worker, time.wallMs());
      service.wake();
      await time.advance(10 * 60_000);
      if ((worker - broken) % 12 < 11) continue;
      const registered = queue.scans.filter(({ state }) => state === "registered").length;
      expect(registered).toBeGreaterThan(before);
      before = registered;
    }
    expect(before).toBeGreaterThan(36);
    await service[Symbol.asyncDispose]();
  },
);

test("a search that is throttled keeps calls away as long as the service asked", async () => {
  const { time, queue, upstream, service } = harness(["lost-after"], ["throttled"]);
  queue.record(1, time.wallMs());
  service.start();
  await time.advance(lateProcessingMs + 5_000);
  queue.record(2, time.wallMs());
  service.wake();
  await time.advance(60_000);
  const [, search, ...later] = upstream.calls;
  expect(Math.min(...later.map(({ atMs }) => atMs)) - (search?.atMs ?? 0)).toBeGreaterThanOrEqual(30_000);
  await service[Symbol.asyncDispose]();
});

const call = fc.oneof(
  fc.constantFrom<Call>("registers", "lost-before", "lost-after", "not-connected", "throttled"),
  fc.record({ lateMs: fc.integer({ min: 0, max: 60_000 }) }),
);
const search = fc.constantFrom<Search>("answers", "server-error", "timed-out", "not-connected", "throttled", "none");

/** Plays until everything is registered. */
async function play(script: readonly Call[], searches: readonly Search[], workers: readonly number[], seed: number) {
  const { time, queue, upstream, service } = harness(script, searches, { seed });
  for (const worker of workers) queue.record(worker, time.wallMs());
  service.start();
  const isOpen = (): boolean => queue.scans.some(({ state }) => state !== "registered");
  for (let minute = 0; isOpen() && minute < 400; minute += 1) await time.advance(60_000);
  await time.advance(120_000);
  await service[Symbol.asyncDispose]();
  await settled();
  return { queue, upstream };
}

test("whatever fails, each scan ends at the service once, or marked", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(call, { maxLength: 12 }),
      fc.array(search, { maxLength: 12 }),
      fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 12 }),
      fc.integer(),
      async (script, searches, workers, seed) => {
        const { queue, upstream } = await play(script, searches, workers, seed);
        for (const scan of queue.scans) {
          expect(scan.state).toBe("registered");
          const times = upstream.held.get(scan.scanId) ?? 0;
          expect(times).toBeGreaterThanOrEqual(1);
          if (times > 1) expect(scan.doubtAttemptId).not.toBeNull();
        }
      },
    ),
    { numRuns: 150 },
  );
});

test("where the search answers and the service is not later than the margin, each scan ends there exactly once", async () => {
  const punctual = fc.oneof(
    fc.constantFrom<Call>("registers", "lost-before", "lost-after", "not-connected", "throttled"),
    fc.record({ lateMs: fc.integer({ min: 0, max: lateProcessingMs - 1_000 }) }),
  );
  const answering = fc.constantFrom<Search>("answers", "not-connected", "throttled");
  await fc.assert(
    fc.asyncProperty(
      fc.array(punctual, { maxLength: 12 }),
      fc.array(answering, { maxLength: 12 }),
      fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 12 }),
      fc.integer(),
      async (script, searches, workers, seed) => {
        const { queue, upstream } = await play(script, searches, workers, seed);
        for (const { scanId } of queue.scans) expect(upstream.held.get(scanId)).toBe(1);
      },
    ),
    { numRuns: 150 },
  );
});

test("a service that is back is searched anew at once, and no sooner than it asked", () => {
  const now = { monotonicNs: monotonicNs(0n), wallMs: wallMs(1_780_000_000_000) };
  const failed = (retryAfterMs: number | null, reported = report("throttled", 429)) =>
    afterSearch(initialTrack(true), { kind: "failed", retryAfterMs, report: reported }, now, () => 0.5);
  expect(afterRecovery(failed(null)).nextNs).toBe(0n);
  expect(afterRecovery(failed(1_800_000)).nextNs).toBe(1_800_000_000_000n);
  expect(afterRecovery(failed(290_000, report("no-token"))).nextNs).toBe(0n);
});

test("a search that is throttled an hour at a time does not hold a worker for his whole shift", () => {
  const throttled = { kind: "failed", retryAfterMs: 3_600_000, report: report("throttled", 429) } as const;
  let track = initialTrack(true);
  let hours = 0;
  const now = () => ({
    monotonicNs: monotonicNs(BigInt(hours) * 3_600_000_000_000n),
    wallMs: wallMs(1_780_000_000_000 + hours * 3_600_000),
  });
  for (; doubtRule(track, 0, now()).kind !== "send"; hours += 1) {
    track = afterLook(track, { kind: "hold" }, false, wallMs(1_779_999_000_000), now());
    if (doubtRule(track, 0, now()).kind === "seek") track = afterSearch(track, throttled, now(), () => 0.5);
    if (doubtRule(track, 0, now()).kind === "send") break;
  }
  expect(hours).toBe(1);
});

test("nor does it where calls fail now and then, and go through again", async () => {
  const time = new ManualTime();
  const queue = new MemoryQueue();
  const good = new SearchableService(time, ["lost-before"], [], "throttled-for-long");
  let calls = 0;
  const upstream: Upstream = {
    register: async (scans) => {
      calls += 1;
      if (calls % 6 !== 0) return await good.register(scans);
      return { kind: "not-processed", retryAfterMs: null, report: report("not-connected") };
    },
    search: (scan) => good.search(scan),
  };
  await using service = forwarding({ time, queue, upstream, seed: 1 });
  queue.record(0, time.wallMs());
  service.start();
  await time.advance(1_000);
  for (let worker = 1; worker <= 60; worker += 1) {
    queue.record(worker, time.wallMs());
    service.wake();
    await time.advance(3 * 60_000);
  }
  expect(queue.scan(1)).toMatchObject({ state: "registered", doubtVerdict: null });
});

test.each<[AttemptOutcome, number, number]>([
  ["unauthorised", 40_000, 1],
  ["pin-mismatch", 40_000, 1],
  ["connection-lost", 40_000, 1],
  ["not-connected", 900_000, 6],
  ["no-token", 900_000, 6],
])(
  "after %s of calls and searches alike for %i ms a scan in doubt is searched for before it is sent",
  async (why, awayMs, seed) => {
    const time = new ManualTime();
    const queue = new MemoryQueue();
    const held: number[] = [];
    let isAway = true;
    const upstream: Upstream = {
      async register(scans) {
        const isFirst = held.length === 0;
        if (!isFirst && isAway) return { kind: "not-processed", retryAfterMs: null, report: report(why) };
        held.push(...scans.map(({ scanId }) => scanId));
        if (isFirst) return { kind: "ambiguous", retryAfterMs: null, report: report("timed-out") };
        return { kind: "answered", items: scans.map(() => created), report: report("answered", 200) };
      },
      async search() {
        if (isAway) return { kind: "failed", retryAfterMs: null, report: report(why) };
        return { ...created, kind: "found", report: report("answered", 200) };
      },
    };
    await using service = new ForwardService(
      {
        queue,
        upstream,
        clock: new TrustingClock(time),
        memory: new MemoryReceipts(),
        onOutcome: () => {},
        time,
        random: seededRandom(seed),
        log: silentLog,
      },
      { callIntervalMs: 100, receipt: openReceipt },
    );
    queue.record(1, time.wallMs());
    service.start();
    await time.advance(awayMs);
    isAway = false;
    await time.advance(1_800_000);
    expect(held).toEqual([1]);
  },
);

test("remark 32 that a search brings is alarmed, and teaches the limit", async () => {
  const time = new ManualTime();
  const queue = new MemoryQueue();
  const log = recordingLog();
  const remarks = [{ code: 32, text: "" }];
  const upstream: Upstream = {
    register: async () => ({ kind: "ambiguous", retryAfterMs: null, report: report("timed-out") }),
    search: async () => ({ ...created, kind: "found", validity: "valid", remarks, report: report("answered", 200) }),
  };
  await using service = forwarding({ time, queue, upstream, seed: 1, log });
  queue.record(1, time.wallMs() - 600_000);
  service.start();
  await time.advance(120_000);
  expect(queue.scan(1)).toMatchObject({ state: "registered", remarks });
  expect(log.lines.map(({ message }) => message)).toContain(forwardEvents.receiptRemark);
  expect(service.receipt.inForceMs).not.toBeNull();
});

test.each([
  ["", 404, ""],
  ['{"registrations":[{"id":1}]}', 200, '{"items":[]}'],
])(
  "a service that answers %j with success each time does not register one scan for ever (search: %i %s)",
  async (body, status, found) => {
    const time = new ManualTime();
    const queue = new MemoryQueue();
    let calls = 0;
    const answered = (code: number, text: string) =>
      ({ kind: "answered", head: { status: code, headers: {} }, body: text }) as const;
    const upstream: Upstream = {
      async register(scans) {
        calls += 1;
        return callOutcomeOf(answered(201, body), scans, time.wallMs());
      },
      search: async (scan) => searchOutcomeOf(answered(status, found), scan, time.wallMs()),
    };
    await using service = forwarding({ time, queue, upstream, seed: 1 });
    queue.record(1, time.wallMs());
    service.start();
    await time.advance(24 * 3_600_000);
    expect(calls).toBeLessThanOrEqual(unreadAnswersMax);
    expect(queue.scan(1).state).toBe("refused");
  },
);
