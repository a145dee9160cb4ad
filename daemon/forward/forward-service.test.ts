import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Log } from "../base/log.ts";
import { seededRandom } from "../base/random.ts";
import { ManualTime, settled } from "../testing/manual-time.ts";
import { MemoryQueue } from "../testing/memory-queue.ts";
import { MemoryReceipts, openReceipt, openWindow } from "../testing/receipt-windows.ts";
import { TrustingClock } from "../testing/trusting-clock.ts";
import { forwardEvents } from "./events.ts";
import { ForwardService, finishMaxMs, pollPeriodMs } from "./forward-service.ts";
import type { AttemptOutcome, DueScan } from "./queue.ts";
import type { CallOutcome, CallReport, Upstream } from "./upstream.ts";

const report = (outcome: AttemptOutcome, httpStatus: number | null = null): CallReport => ({
  outcome,
  httpStatus,
  relatedTraceId: null,
  detail: "",
});

/** How the service treats one call. */
type Treatment =
  | "registers"
  | "registers-some"
  | "refuses-some"
  | "names-one"
  | "names-none"
  | "too-large"
  | "unauthorised"
  | "throttled"
  | "not-connected"
  | "lost-before"
  | "lost-after";

const treatments: readonly Treatment[] = [
  "registers",
  "registers-some",
  "refuses-some",
  "names-one",
  "names-none",
  "too-large",
  "unauthorised",
  "throttled",
  "not-connected",
  "lost-before",
  "lost-after",
];

/** A service that treats call after call as it is told, then registers everything; it knows what it holds. */
class ScriptedService implements Upstream {
  readonly calls: (readonly number[])[] = [];
  readonly held: Map<number, number> = new Map();
  readonly #script: Treatment[];

  constructor(script: readonly Treatment[] = []) {
    this.#script = [...script];
  }

  async register(scans: readonly DueScan[]): Promise<CallOutcome> {
    this.calls.push(scans.map((scan) => scan.scanId));
    const treatment = this.#script.shift() ?? "registers";
    switch (treatment) {
      case "registers":
        return { kind: "answered", items: scans.map((scan) => this.#hold(scan)), report: report("answered", 200) };
      case "registers-some": {
        const items = scans.map((scan, index) =>
          index % 2 === 0 ? this.#hold(scan) : ({ kind: "unanswered" } as const),
        );
        return { kind: "answered", items, report: report("answered", 200) };
      }
      case "refuses-some": {
        const items = scans.map((scan, index) =>
          index % 2 === 1 ? this.#hold(scan) : ({ kind: "refused", reason: "service: item" } as const),
        );
        return { kind: "answered", items, report: report("answered", 200) };
      }
      case "names-one":
        return refusal([{ index: scans.length - 1, reason: "service: named" }]);
      case "names-none":
        return refusal([]);
      case "too-large":
        return { kind: "not-processed", retryAfterMs: null, report: report("call-refused", 413) };
      case "unauthorised":
        return { kind: "not-processed", retryAfterMs: null, report: report("unauthorised", 401) };
      case "throttled":
        return { kind: "not-processed", retryAfterMs: 20_000, report: report("throttled", 429) };
      case "not-connected":
        return { kind: "not-processed", retryAfterMs: null, report: report("not-connected") };
      case "lost-before":
        return { kind: "ambiguous", retryAfterMs: null, report: report("timed-out") };
      case "lost-after":
        for (const scan of scans) this.#hold(scan);
        return { kind: "ambiguous", retryAfterMs: null, report: report("server-error", 500) };
    }
  }

  #hold(scan: DueScan) {
    this.held.set(scan.scanId, (this.held.get(scan.scanId) ?? 0) + 1);
    return { kind: "created", registrationId: `r${scan.scanId}`, validity: "pending", remarks: [] } as const;
  }
}

function refusal(culprits: readonly { readonly index: number; readonly reason: string }[]): CallOutcome {
  return { kind: "refused", culprits, reason: "service: whole", report: report("call-refused", 400) };
}

type Line = { readonly level: string; readonly message: string; readonly fields: object };

function recordingLog(lines: Line[]): Log {
  const at = (level: string) => (fields: object, message: string) => {
    lines.push({ level, message, fields });
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    fatal: at("fatal"),
    child: () => recordingLog(lines),
  };
}

function harness(
  upstream: Upstream,
  callIntervalMs = 1_000,
  seed = 1,
  { time, queue } = { time: new ManualTime(), queue: new MemoryQueue() },
) {
  const lines: Line[] = [];
  const service = new ForwardService(
    {
      queue,
      upstream,
      clock: new TrustingClock(time),
      memory: new MemoryReceipts(),
      onOutcome: () => {},
      time,
      random: seededRandom(seed),
      log: recordingLog(lines),
    },
    { callIntervalMs, receipt: openReceipt },
  );
  return { time, queue, service, lines };
}

/** An upstream whose one call ends when the test says so. */
class HeldCall implements Upstream {
  signal: AbortSignal | null = null;
  #end: (outcome: CallOutcome) => void = () => {};

  register(_scans: readonly DueScan[], _traceId: string, signal: AbortSignal): Promise<CallOutcome> {
    this.signal = signal;
    return new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  end(outcome: CallOutcome): void {
    this.#end(outcome);
  }
}

const ok: CallOutcome = {
  kind: "answered",
  items: [{ kind: "created", registrationId: "r1", validity: "pending", remarks: [] }],
  report: report("answered", 200),
};

test("a stored scan is registered at once when somebody wakes the forwarder", async () => {
  const { time, queue, service, lines } = harness(new ScriptedService());
  service.start();
  await time.advance(0);
  queue.record(1, time.wallMs());
  service.wake();
  await time.advance(0);
  expect(queue.scan(1)).toMatchObject({ state: "registered", registrationId: "r1", doubtAttemptId: null });
  expect(lines).toEqual([
    { level: "info", message: "scans registered", fields: { count: 1, attemptId: 1, doubtful: 0 } },
  ]);
  await service[Symbol.asyncDispose]();
});

test("work that another process made is found without being woken", async () => {
  const { time, queue, service } = harness(new ScriptedService());
  service.start();
  await time.advance(0);
  queue.recordUnknown(1, time.wallMs());
  queue.learn(1);
  await time.advance(pollPeriodMs);
  expect(queue.scan(1).state).toBe("registered");
  await service[Symbol.asyncDispose]();
});

test("what a dead process left in a call is in doubt before the first claim", async () => {
  const { time, queue, service, lines } = harness(new ScriptedService());
  queue.record(1, time.wallMs());
  await queue.claim({ limit: 1, now: time.wallMs(), window: openWindow, traceId: "dead" });
  service.start();
  await time.advance(0);
  expect(queue.scan(1)).toMatchObject({ state: "registered", doubtAttemptId: 1 });
  expect(lines[0]).toMatchObject({ message: "scans of an interrupted call wait again, possible duplicates" });
  await service[Symbol.asyncDispose]();
});

test("1,000 scans after an outage go in full calls, one each interval", async () => {
  const upstream = new ScriptedService(["not-connected"]);
  const { time, queue, service } = harness(upstream);
  for (let worker = 0; worker < 1_000; worker += 1) queue.record(worker, time.wallMs());
  service.start();
  await time.advance(60_000);
  expect(upstream.calls.map((call) => call.length)).toEqual([200, 1, 200, 200, 200, 200, 199]);
  await service[Symbol.asyncDispose]();
});

describe("a limit that nobody told", () => {
  const hourMs = 3_600_000;

  /** Raises remark 32 from this delay on, and keeps how many scans each call carried. */
  function strictService(time: ManualTime, limitMs: number) {
    const calls: number[] = [];
    const remarks32: number[] = [];
    const upstream: Upstream = {
      async register(scans, _traceId, _signal, mayLeave) {
        if (mayLeave?.() === false) return { kind: "held-back", report: report("held-back") };
        calls.push(scans.length);
        const items = scans.map(({ scanId, utcMs }) => {
          const isLate = time.wallMs() - utcMs >= limitMs;
          if (isLate) remarks32.push(scanId);
          const remarks = isLate ? [{ code: 32, text: "Termijn voor ontvangst van de registratie overschreden" }] : [];
          return { kind: "created", registrationId: `r${scanId}`, validity: "complete", remarks } as const;
        });
        return { kind: "answered", items, report: report("answered", 200) };
      },
    };
    return { upstream, calls, remarks32 };
  }

  test("costs one scan its remark where a backlog waits that is past it, also right after a start", async () => {
    const time = new ManualTime();
    const queue = new MemoryQueue();
    const { upstream, calls, remarks32 } = strictService(time, 4 * hourMs);
    const { service } = harness(upstream, 1_000, 1, { time, queue });
    for (let worker = 0; worker < 50; worker += 1) queue.record(worker, time.wallMs() - 5 * hourMs + worker);
    for (let worker = 50; worker < 60; worker += 1) queue.record(worker, time.wallMs());
    service.start();
    await time.advance(60_000);
    expect(remarks32).toEqual([1]);
    expect(calls).toEqual([1, 10]);
    expect(queue.scans.filter(({ state }) => state === "withheld")).toHaveLength(49);
    await service[Symbol.asyncDispose]();
  });

  test("holds up no backlog that is within it by more than a call", async () => {
    const time = new ManualTime();
    const queue = new MemoryQueue();
    const { upstream, calls, remarks32 } = strictService(time, 4 * hourMs);
    const { service } = harness(upstream, 1_000, 1, { time, queue });
    for (let worker = 0; worker < 500; worker += 1) queue.record(worker, time.wallMs() - 3 * hourMs);
    service.start();
    await time.advance(60_000);
    expect(remarks32).toEqual([]);
    expect(calls.slice(0, 2)).toEqual([1, 200]);
    expect(queue.scans.every(({ state }) => state === "registered")).toBe(true);
    await service[Symbol.asyncDispose]();
  });
});

describe("a store that fails", () => {
  test("at the claim: forwarding waits and goes on", async () => {
    const { time, queue, service, lines } = harness(new ScriptedService());
    queue.record(1, time.wallMs());
    queue.failures.push(null, null, new Error("SQLITE_FULL"), new Error("SQLITE_FULL"));
    service.start();
    await time.advance(60_000);
    expect(queue.scan(1).state).toBe("registered");
    expect(lines.filter((line) => line.message === "store failed, forwarding waits")).toHaveLength(2);
    await service[Symbol.asyncDispose]();
  });

  test("at the settlement: it is written later, and the scan is sent once", async () => {
    const upstream = new ScriptedService();
    const { time, queue, service } = harness(upstream);
    queue.record(1, time.wallMs());
    // Recovery, resolving, claim and backlog go well.
    queue.failures.push(null, null, null, null, new Error("SQLITE_FULL"), new Error("SQLITE_FULL"));
    service.start();
    await time.advance(0);
    expect(queue.scan(1).state).toBe("sending");
    await time.advance(60_000);
    expect(queue.scan(1)).toMatchObject({ state: "registered", doubtAttemptId: null });
    expect(upstream.calls).toEqual([[1]]);
    await service[Symbol.asyncDispose]();
  });

  test("at the start: nothing is claimed before interrupted scans were recovered", async () => {
    const { time, queue, service } = harness(new ScriptedService());
    queue.record(1, time.wallMs());
    queue.failures.push(new Error("SQLITE_FULL"));
    service.start();
    await time.advance(0);
    expect(queue.scan(1).state).toBe("waiting");
    await time.advance(5_000);
    expect(queue.scan(1).state).toBe("registered");
    await service[Symbol.asyncDispose]();
  });
});

test("a scan whose time ran out while its call waited for a token is kept back, and never leaves", async () => {
  const time = new ManualTime();
  const queue = new MemoryQueue();
  const left: number[] = [];
  /** The first token takes 20 s, the others none. */
  let tokenMs = 20_000;
  const upstream: Upstream = {
    async register(scans, _traceId, _signal, mayLeave) {
      await time.sleep(tokenMs);
      tokenMs = 0;
      if (mayLeave?.() === false) return { kind: "held-back", report: report("held-back") };
      left.push(...scans.map(({ scanId }) => scanId));
      return {
        kind: "answered",
        items: scans.map(
          (_, index) => ({ kind: "created", registrationId: `r${index}`, validity: "pending", remarks: [] }) as const,
        ),
        report: report("answered", 200),
      };
    },
  };
  const service = new ForwardService(
    {
      queue,
      upstream,
      clock: new TrustingClock(time),
      memory: new MemoryReceipts(),
      onOutcome: () => {},
      time,
      random: seededRandom(1),
      log: recordingLog([]),
    },
    { callIntervalMs: 0, receipt: { limitMs: 60_000, late: "withhold", timeoutMs: 0 } },
  );
  // A limit of 60 s lets go what is younger than 54 s.
  queue.record(1, time.wallMs() - 40_000);
  queue.record(2, time.wallMs() - 10_000);
  service.start();
  await time.advance(19_999);
  expect(queue.scan(1).state).toBe("sending");
  await time.advance(1);
  await time.advance(10);
  expect(left).toEqual([2]);
  expect(queue.scan(1)).toMatchObject({ state: "withheld", doubtAttemptId: null });
  expect(queue.scan(2)).toMatchObject({ state: "registered", doubtAttemptId: null });
  expect(queue.attempts.get(1)?.report).toMatchObject({ outcome: "held-back" });
  expect(service.receipt.transitP999Ms).toBe(0);
  await service[Symbol.asyncDispose]();
});

describe("stopping", () => {
  test("waits for the call under way and writes its outcome", async () => {
    const upstream = new HeldCall();
    const { time, queue, service } = harness(upstream);
    queue.record(1, time.wallMs());
    service.start();
    await time.advance(0);
    const stopped = service[Symbol.asyncDispose]();
    await time.advance(finishMaxMs - 1);
    expect(upstream.signal?.aborted).toBe(false);
    upstream.end(ok);
    await stopped;
    expect(queue.scan(1)).toMatchObject({ state: "registered", doubtAttemptId: null });
    expect(time.waiting).toBe(0);
  });

  test("aborts a call that takes too long and writes its scans down as doubtful", async () => {
    const upstream = new HeldCall();
    const { time, queue, service } = harness(upstream);
    queue.record(1, time.wallMs());
    service.start();
    await time.advance(0);
    const stopped = service[Symbol.asyncDispose]();
    await time.advance(finishMaxMs);
    expect(upstream.signal?.aborted).toBe(true);
    upstream.end({ kind: "ambiguous", retryAfterMs: null, report: report("interrupted") });
    await stopped;
    expect(queue.scan(1)).toMatchObject({ state: "waiting", doubtAttemptId: 1 });
  });

  test("leaves scans sending, for the next start to find, when not even the abortion ends the call", async () => {
    const { time, queue, service } = harness(new HeldCall());
    queue.record(1, time.wallMs());
    service.start();
    await time.advance(0);
    const stopped = service[Symbol.asyncDispose]();
    await time.advance(60_000);
    await stopped;
    expect(queue.scan(1).state).toBe("sending");
    expect(await queue.recoverInterrupted(time.wallMs())).toBe(1);
  });

  test("while backing off is immediate", async () => {
    const { time, queue, service } = harness(new ScriptedService(["not-connected"]));
    queue.record(1, time.wallMs());
    service.start();
    await time.advance(0);
    await service[Symbol.asyncDispose]();
    expect(queue.scan(1).state).toBe("waiting");
    expect(time.waiting).toBe(0);
  });
});

test("status tells how the service is doing", async () => {
  const { time, queue, service } = harness(new ScriptedService(["not-connected", "unauthorised"]));
  expect(service.status).toEqual({ state: "not-tried", lastOutcome: "", retryInMs: null });
  queue.record(1, time.wallMs());
  service.start();
  await time.advance(0);
  expect(service.status).toEqual({ state: "not-reachable", lastOutcome: "not-connected", retryInMs: 1_000 });
  await time.advance(1_000);
  expect(service.status).toMatchObject({ state: "reachable", lastOutcome: "unauthorised" });
  await time.advance(10_000);
  expect(service.status).toEqual({ state: "reachable", lastOutcome: "answered", retryInMs: null });
  await service[Symbol.asyncDispose]();
});

test("how long the service asked to be left alone is told, and no backoff of our own", async () => {
  const { time, queue, service } = harness(new ScriptedService(["not-connected", "throttled"]));
  queue.record(1, time.wallMs());
  service.start();
  await time.advance(0);
  expect([service.status.retryInMs, service.quietMs]).toEqual([1_000, 0]);
  await time.advance(1_000);
  expect(service.quietMs).toBe(20_000);
  await time.advance(5_000);
  expect(service.quietMs).toBe(15_000);
  await time.advance(15_000);
  expect(service.quietMs).toBe(0);
  await service[Symbol.asyncDispose]();
});

test("an adapter that rejects against its promise leaves scans in doubt, not the forwarder dead", async () => {
  let calls = 0;
  const good = new ScriptedService();
  const { time, queue, service, lines } = harness({
    register: (scans) => {
      calls += 1;
      return calls === 1 ? Promise.reject(new TypeError("defect 93051822361")) : good.register(scans);
    },
  });
  queue.record(1, time.wallMs());
  service.start();
  await time.advance(30_000);
  expect(queue.scan(1)).toMatchObject({ state: "registered", doubtAttemptId: 1 });
  // A fault of ours: told as an answer that cannot be understood, it would be an outage of the service.
  expect(queue.attempts.get(1)?.report).toMatchObject({ outcome: "call-refused", detail: "defect [number removed]" });
  const told = lines.find(({ message }) => message === forwardEvents.upstreamDefect);
  expect(told?.fields).toMatchObject({
    err: {
      name: "TypeError",
      message: "defect [number removed]",
      stack: expect.stringMatching(/^at .*forward-service/),
    },
  });
  await service[Symbol.asyncDispose]();
});

test.each([
  [1, 2, 20],
  [8, 0, 60],
])("%i scans on which the service breaks do not halt the others", async (poisonous, before, scansOfAll) => {
  const isPoison = ({ scanId }: { readonly scanId: number }): boolean =>
    scanId > before && scanId <= before + poisonous;
  const good = new ScriptedService();
  const { time, queue, service } = harness({
    register: (scans) =>
      scans.some(isPoison)
        ? Promise.resolve({ kind: "ambiguous", retryAfterMs: null, report: report("server-error", 500) })
        : good.register(scans),
  });
  for (let worker = 0; worker < scansOfAll; worker += 1) queue.record(worker, time.wallMs());
  service.start();
  await time.advance(60 * 60_000);
  expect(queue.scans.filter((scan) => !isPoison(scan) && scan.state !== "registered")).toEqual([]);
  await service[Symbol.asyncDispose]();
});

/** Answers that refuse whatever comes, in the ways in which a service can say it. */
const refusalsOfAll: readonly [string, number, (scans: readonly DueScan[]) => CallOutcome][] = [
  ["naming none", 0, () => refusal([])],
  ["naming each", 0, (scans) => refusal(scans.map((_, index) => ({ index, reason: "service: placeOfWork is wrong" })))],
  [
    "creating none",
    2,
    (scans) => ({
      kind: "answered",
      items: scans.map(() => ({ kind: "refused", reason: "service: not created" }) as const),
      report: report("answered", 200),
    }),
  ],
];

test.each(refusalsOfAll)(
  "a service that refuses all, %s, costs %i scans of hundreds each time that badged is started",
  async (_, scansAStart, refuse) => {
    const queue = new MemoryQueue();
    const time = new ManualTime();
    for (let worker = 0; worker < 300; worker += 1) queue.record(worker, time.wallMs());
    for (let run = 0; run < 5; run += 1) {
      const { service } = harness({ register: async (scans) => refuse(scans) }, 1_000, 1, { queue, time });
      service.start();
      await time.advance(6 * 3_600_000);
      expect(service.status).toMatchObject({ state: "reachable", lastOutcome: "call-refused" });
      await service[Symbol.asyncDispose]();
    }
    expect(queue.scans.filter((scan) => scan.state !== "waiting")).toHaveLength(5 * scansAStart);
  },
);

test.each(refusalsOfAll)(
  "a service that begins to refuse all, %s, costs two scans of the backlog, and all others go once it is mended",
  async (_, __, refuse) => {
    let isMended = false;
    const good = new ScriptedService();
    const { time, queue, service } = harness({
      register: async (scans) => (good.calls.length === 0 || isMended ? await good.register(scans) : refuse(scans)),
    });
    queue.record(1_000, time.wallMs());
    service.start();
    await time.advance(1_000);
    for (let worker = 0; worker < 300; worker += 1) queue.record(worker, time.wallMs());
    await time.advance(6 * 3_600_000);
    expect(queue.scans.filter((scan) => scan.state === "refused")).toHaveLength(2);
    isMended = true;
    await time.advance(15 * 60_000);
    expect(queue.scans.filter((scan) => scan.state === "registered")).toHaveLength(299);
    await service[Symbol.asyncDispose]();
  },
);

test.each([1, 2, 5, 8])(
  "%i scans at the head, refused from the start without a name, halt no other and end refused",
  async (poisonous) => {
    const good = new ScriptedService();
    const { time, queue, service } = harness({
      register: async (scans) =>
        scans.some(({ scanId }) => scanId <= poisonous) ? refusal([]) : await good.register(scans),
    });
    for (let worker = 0; worker < 40; worker += 1) queue.record(worker, time.wallMs());
    service.start();
    await time.advance(10 * 60_000);
    expect(queue.scans.filter(({ scanId, state }) => scanId > poisonous && state !== "registered")).toEqual([]);
    for (let worker = 0; worker < 40; worker += 1) {
      queue.record(100 + worker, time.wallMs());
      await time.advance(10 * 60_000);
    }
    expect(
      queue.scans.filter(({ state }) => state !== "registered").map(({ scanId, state }) => [scanId, state]),
    ).toEqual(Array.from({ length: poisonous }, (_, index) => [index + 1, "refused"]));
    await service[Symbol.asyncDispose]();
  },
);

describe("scans that are refused without a name, among good ones", () => {
  const scansOfAll = 500;
  const places: readonly [string, (index: number, poisonous: number) => boolean][] = [
    ["at the head", (index, poisonous) => index < poisonous],
    ["at the tail", (index, poisonous) => index >= scansOfAll - poisonous],
    ["scattered", (index, poisonous) => index % 10 === 3 && index < 10 * poisonous],
  ];

  test.each(places.flatMap(([place, isAt]) => [12, 50].map((poisonous) => [poisonous, place, isAt] as const)))(
    "%i of 500, %s: no good one waits for long, and they end refused",
    async (poisonous, _, isAt) => {
      const good = new ScriptedService();
      const isPoison = ({ scanId }: { readonly scanId: number }): boolean =>
        scanId <= scansOfAll && isAt(scanId - 1, poisonous);
      let refusedCalls = 0;
      const { time, queue, service } = harness({
        register: async (scans) => {
          if (!scans.some(isPoison)) return await good.register(scans);
          refusedCalls += 1;
          return refusal([]);
        },
      });
      for (let worker = 0; worker < scansOfAll; worker += 1) queue.record(worker, time.wallMs());
      service.start();
      await time.advance(10 * 60_000);
      expect(queue.scans.filter((scan) => !isPoison(scan) && scan.state !== "registered")).toEqual([]);
      expect(refusedCalls + good.calls.length).toBeLessThan(12 * poisonous);
      // Each call that goes through lets two be found out, and more where they lie scattered.
      for (let worker = 0; worker < poisonous; worker += 1) {
        queue.record(1_000 + worker, time.wallMs());
        await time.advance(5 * 60_000);
      }
      expect(queue.scans.filter(({ state }) => state !== "registered").every(isPoison)).toBe(true);
      expect(queue.scans.filter(({ state }) => state === "refused")).toHaveLength(poisonous);
      await service[Symbol.asyncDispose]();
    },
  );
});

test("a long outage leaves a handful of scans in doubt and is asked rarely", async () => {
  const upstream = new ScriptedService(Array.from({ length: 10_000 }, (): Treatment => "lost-before"));
  const { time, queue, service } = harness(upstream, 1_000, 7);
  queue.record(0, time.wallMs());
  service.start();
  await time.advance(0);
  for (let worker = 1; worker < 100; worker += 1) queue.record(worker, time.wallMs());
  await time.advance(12 * 3_600_000);
  // Those that an outage draws in, that of the first call, and another one in an hour and a half.
  expect(queue.scans.filter((scan) => scan.doubtAttemptId !== null).length).toBeLessThanOrEqual(6 + 8);
  expect(upstream.calls.length).toBeLessThan(12 * 60);
  await service[Symbol.asyncDispose]();
});

test("a backlog without a pace leaves call after call, at most two of them not written at any moment", async () => {
  const good = new ScriptedService();
  const unwritten: number[] = [];
  const { time, queue, service } = harness(
    {
      register: (scans) => {
        unwritten.push([...queue.attempts.values()].filter((attempt) => attempt.report === null).length);
        return good.register(scans);
      },
    },
    0,
  );
  for (let worker = 0; worker < 1_000; worker += 1) queue.record(worker, time.wallMs());
  service.start();
  await time.advance(0);
  expect(good.calls.map((call) => call.length)).toEqual([200, 200, 200, 200, 200]);
  expect(Math.max(...unwritten)).toBe(2);
  expect(queue.scans.every((scan) => scan.state === "registered" && scan.doubtAttemptId === null)).toBe(true);
  await service[Symbol.asyncDispose]();
});

describe("whatever the service does, each scan ends registered or refused by it, in order, twice only with a doubt", () => {
  const wallJump = fc.integer({ min: -7_200_000, max: 3_600_000 });
  const storeFault = fc.option(fc.constant("SQLITE_FULL"), { freq: 1 });

  test.each([
    ["paced, one call after the other", 100, []],
    // Calls of one or two scans are full ones, so that each claims the next beside it.
    ["unpaced, each claiming the next beside it", 0, ["too-large", "too-large", "too-large"]],
  ] as const)("%s", async (_, callIntervalMs, prologue) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...treatments), { maxLength: 12 }),
        fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 12 }),
        fc.array(storeFault, { maxLength: 12 }),
        fc.array(wallJump, { maxLength: 3 }),
        fc.integer(),
        async (script, workers, faults, jumps, seed) => {
          const upstream = new ScriptedService([...prologue, ...script]);
          const { time, queue, service } = harness(upstream, callIntervalMs, seed);
          for (const worker of workers) queue.record(worker, time.wallMs());
          queue.failures.push(...faults.map((fault) => (fault === null ? null : new Error(fault))));
          service.start();
          const isOpen = (): boolean =>
            queue.scans.some((scan) => scan.state !== "registered" && scan.state !== "refused");
          for (let minute = 0; isOpen() && minute < 400; minute += 1) {
            const jumpMs = jumps.shift();
            if (jumpMs !== undefined) time.setWall(time.wallMs() + jumpMs);
            await time.advance(60_000);
          }
          await service[Symbol.asyncDispose]();
          await settled();
          for (const scan of queue.scans) {
            if (scan.state === "refused") expect(scan.reason).toMatch(/^service: /);
            else expect(scan.state).toBe("registered");
            const times = upstream.held.get(scan.scanId) ?? 0;
            expect(times).toBeGreaterThanOrEqual(scan.state === "registered" ? 1 : 0);
            if (times > 1) expect(scan.doubtAttemptId).not.toBeNull();
          }
          expect([...queue.attempts.values()].every((attempt) => attempt.report !== null)).toBe(true);
          expect(isOrdered(upstream.calls, queue)).toBe(true);
        },
      ),
      { numRuns: 150 },
    );
  });
});

/** A worker's scans are called for in the order they were stored; one is never called for after a later one was. */
function isOrdered(calls: readonly (readonly number[])[], queue: MemoryQueue): boolean {
  const reached = new Map<number, number>();
  for (const scanId of calls.flat()) {
    const { worker } = queue.scan(scanId);
    if (scanId < (reached.get(worker) ?? 0)) return false;
    reached.set(worker, scanId);
  }
  return true;
}
