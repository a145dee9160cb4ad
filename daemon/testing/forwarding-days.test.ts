import fc from "fast-check";
import { expect, test } from "vitest";
import { silentLog } from "../base/log.ts";
import { seededRandom } from "../base/random.ts";
import { ForwardService } from "../forward/forward-service.ts";
import type { AttemptOutcome, DueScan, ForwardQueue } from "../forward/queue.ts";
import type { CallOutcome, CallReport, SearchOutcome, Upstream } from "../forward/upstream.ts";
import { ManualTime } from "./manual-time.ts";
import { MemoryQueue } from "./memory-queue.ts";
import { MemoryReceipts, openReceipt } from "./receipt-windows.ts";
import { TrustingClock } from "./trusting-clock.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** How the service fails calls. */
const failures = [
  "not-connected",
  "throttled",
  "unauthorised",
  "forbidden",
  "malformed",
  "names-one",
  "too-large",
  "lost-before",
  "lost-after",
  "breaks",
  "answers-some",
  "answers-none",
] as const;
const moods = ["registers", ...failures] as const;
type Mood = (typeof moods)[number];

/** Searches included. Some 80 were the most that were seen: the first backoffs are short, and so is each search for a culprit. */
const failedCallsMaxPerHour = 120;

/** One a second. Every five seconds a doubt may be looked for that an older scan of the worker keeps away, which is three looks. */
const looksMaxPerHalf = 1_800;

/** In four hours in which others go through; some 100 were the most that were seen, and twice that cost scans not known to halt. */
const haltingCallsMax = 180;

/** What happens in a day of a box. */
type Happening =
  | { readonly kind: "badge"; readonly worker: number }
  | { readonly kind: "mood"; readonly mood: Mood }
  | { readonly kind: "pass"; readonly ms: number }
  | { readonly kind: "clock"; readonly byMs: number }
  | { readonly kind: "store-fails"; readonly times: number }
  | { readonly kind: "outage-over" }
  | { readonly kind: "killed" };

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("badge" as const), worker: fc.integer({ min: 0, max: 6 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("mood" as const), mood: fc.constantFrom(...moods) }) },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.constantFrom(50, 3_000, 40_000, 600_000) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("clock" as const),
      byMs: fc.constantFrom(-hourMs, -5_000, 7_000, 2 * hourMs),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("store-fails" as const), times: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "outage-over" as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: "killed" as const }) },
);

/** A box with its service. Looks at every call as it leaves. */
class Days {
  readonly time: ManualTime = new ManualTime();
  readonly queue: MemoryQueue = new MemoryQueue();
  readonly held: Map<number, number> = new Map();
  readonly failedAtMs: number[] = [];
  /** How often the store was asked for what to send or to search. */
  looks = 0;
  readonly faults: string[] = [];
  mood: Mood = "registers";
  /** How it treats every call that carries a scan of one of these workers, whenever it registers others. */
  readonly #halting: ReadonlyMap<number, Mood>;
  readonly #searches: boolean;
  readonly #seed: number;
  /** Counts the processes: what an earlier one still does comes to nothing. */
  #run = 0;
  #service: ForwardService;

  constructor(searches: boolean, seed: number, halting: ReadonlyMap<number, Mood> = new Map()) {
    this.#halting = halting;
    this.#searches = searches;
    this.#seed = seed;
    this.#service = this.#started();
  }

  async happens(what: Happening): Promise<void> {
    switch (what.kind) {
      case "badge":
        this.queue.record(what.worker, this.time.wallMs());
        this.#service.wake();
        return;
      case "mood":
        this.mood = what.mood;
        return;
      case "pass":
        return await this.time.advance(what.ms);
      case "clock":
        return this.time.setWall(this.time.wallMs() + what.byMs);
      case "store-fails":
        for (let times = 0; times < what.times; times += 1) this.queue.failures.push(new Error("disk I/O error"));
        return;
      case "outage-over":
        return this.#service.hasten();
      case "killed":
        this.#service = this.#started();
    }
  }

  async stop(): Promise<void> {
    const stopped = this.#service[Symbol.asyncDispose]();
    // A call that is under way is let end.
    await this.time.advance(minuteMs);
    await stopped;
  }

  #started(): ForwardService {
    this.#run += 1;
    const run = this.#run;
    const alive = <Value>(work: () => Promise<Value>): Promise<Value> =>
      run === this.#run ? work() : new Promise(() => {});
    const { queue, time } = this;
    const living: ForwardQueue = {
      claim: (request) => {
        this.looks += 1;
        return alive(() => queue.claim(request));
      },
      settle: (id, report, settlements) => alive(() => queue.settle(id, report, settlements)),
      settleAndClaim: (written, request) => alive(() => queue.settleAndClaim(written, request)),
      recoverInterrupted: (now) => alive(() => queue.recoverInterrupted(now)),
      resolveUnknown: (limit) => alive(() => queue.resolveUnknown(limit)),
      backlog: () => alive(() => queue.backlog()),
    };
    const register: Upstream["register"] = (scans) => alive(() => this.#register(scans));
    const search: Upstream["search"] = (scan) => alive(() => this.#search(scan));
    const service = new ForwardService(
      {
        queue: living,
        upstream: this.#searches ? { register, search } : { register },
        clock: new TrustingClock(time),
        memory: new MemoryReceipts(),
        onOutcome: () => {},
        time,
        random: seededRandom(this.#seed + run),
        log: silentLog,
      },
      { callIntervalMs: 100, receipt: openReceipt },
    );
    service.start();
    return service;
  }

  async #register(scans: readonly DueScan[]): Promise<CallOutcome> {
    this.#watch(scans);
    // Killed at any moment of it.
    await this.time.sleep(40);
    const outcome = this.#treat(scans, this.#moodFor(scans));
    if (outcome.kind !== "answered" || this.mood === "answers-none") this.failedAtMs.push(this.#nowMs());
    await this.time.sleep(40);
    return outcome;
  }

  /** Never in another order, nor again without a mark. */
  #watch(scans: readonly DueScan[]): void {
    for (const { scanId, workerId } of scans) {
      const { doubtAttemptId } = this.queue.scan(scanId);
      if (this.held.has(scanId) && doubtAttemptId === null) this.faults.push(`scan ${scanId} sent twice, unmarked`);
      const open = this.queue.scans.filter(
        ({ worker, state, scanId: id }) =>
          worker === workerId && id < scanId && (state === "waiting" || state === "sending"),
      );
      if (open.length > 0) this.faults.push(`scan ${scanId} sent before ${open[0]?.scanId}`);
    }
  }

  #moodFor(scans: readonly DueScan[]): Mood {
    if (this.mood !== "registers") return this.mood;
    return scans.map(({ workerId }) => this.#halting.get(workerId)).find((mood) => mood !== undefined) ?? this.mood;
  }

  #treat(scans: readonly DueScan[], mood: Mood): CallOutcome {
    const ids = scans.map(({ scanId }) => scanId);
    switch (mood) {
      case "registers":
        this.#hold(ids);
        return { kind: "answered", items: scans.map(() => created), report: told("answered", 200) };
      case "not-connected":
        return { kind: "not-processed", retryAfterMs: null, report: told("not-connected") };
      case "throttled":
        return { kind: "not-processed", retryAfterMs: 30_000, report: told("throttled", 429) };
      case "unauthorised":
        return { kind: "not-processed", retryAfterMs: null, report: told("unauthorised", 401) };
      case "forbidden":
        return { kind: "not-processed", retryAfterMs: null, report: told("call-refused", 403) };
      case "too-large":
        return { kind: "not-processed", retryAfterMs: null, report: told("call-refused", 413) };
      case "malformed":
        return { kind: "refused", culprits: [], reason: "no", report: told("call-refused", 400) };
      case "names-one":
        return {
          kind: "refused",
          culprits: [{ index: 0, reason: "no" }],
          reason: "no",
          report: told("call-refused", 400),
        };
      case "lost-before":
        return { kind: "ambiguous", retryAfterMs: null, report: told("timed-out") };
      case "lost-after":
        this.#hold(ids);
        return { kind: "ambiguous", retryAfterMs: null, report: told("connection-lost") };
      case "breaks":
        return { kind: "ambiguous", retryAfterMs: null, report: told("server-error", 500) };
      case "answers-none":
        return {
          kind: "answered",
          items: scans.map(() => ({ kind: "unanswered" }) as const),
          report: told("answered", 200),
        };
      case "answers-some":
        this.#hold(ids);
        return {
          kind: "answered",
          items: scans.map((_, index) => (index % 2 === 0 ? created : ({ kind: "unanswered" } as const))),
          report: told("answered", 200),
        };
    }
  }

  async #search({ scanId }: DueScan): Promise<SearchOutcome> {
    await this.time.sleep(40);
    if (this.mood === "registers" || this.mood === "answers-some") {
      return this.held.has(scanId)
        ? { ...created, kind: "found", report: told("answered", 200) }
        : { kind: "not-found", report: told("answered", 200) };
    }
    this.failedAtMs.push(this.#nowMs());
    if (this.mood === "forbidden" || this.mood === "malformed")
      return { kind: "refused", report: told("call-refused", 403) };
    return { kind: "failed", retryAfterMs: null, report: told("server-error", 500) };
  }

  #hold(ids: readonly number[]): void {
    for (const scanId of ids) this.held.set(scanId, (this.held.get(scanId) ?? 0) + 1);
  }

  #nowMs(): number {
    return Number(this.time.monotonicNs() / 1_000_000n);
  }
}

const created = { kind: "created", registrationId: "r", validity: "pending", remarks: [] } as const;

function told(outcome: AttemptOutcome, httpStatus: number | null = null): CallReport {
  return { outcome, httpStatus, relatedTraceId: null, detail: "" };
}

test("whatever happened, each scan ends at the service or refused, in its worker's order, never twice unmarked", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(happening, { minLength: 5, maxLength: 60 }),
      fc.boolean(),
      fc.nat(),
      async (day, searches, seed) => {
        const days = new Days(searches, seed);
        for (const each of day) await days.happens(each);
        days.mood = "registers";
        const isOpen = (): boolean => days.queue.scans.some(({ state }) => state === "waiting" || state === "sending");
        // The clock may have been set back by hours, and what is dated after it waits for its moment.
        for (let tenths = 0; isOpen() && tenths < 30 * 6; tenths += 1) await days.time.advance(10 * minuteMs);
        await days.stop();
        expect(days.faults).toEqual([]);
        for (const { scanId, state, doubtAttemptId } of days.queue.scans) {
          const times = days.held.get(scanId) ?? 0;
          expect(["registered", "refused"]).toContain(state);
          if (state === "registered") expect(times).toBeGreaterThanOrEqual(1);
          if (times > (state === "registered" ? 1 : 0)) expect(doubtAttemptId).not.toBeNull();
        }
      },
    ),
    { numRuns: 150 },
  );
});

/** No day has this worker, and the service halts on no scan of his. */
const neverHalting = 7;

const halting = fc.constantFrom<Mood>("breaks", "lost-after", "forbidden", "malformed", "answers-none");

test("whatever happened, scans on which the service halts keep nobody else's from it, and cost a bounded number of calls", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(happening, { minLength: 5, maxLength: 60 }),
      fc.array(fc.tuple(fc.integer({ min: 0, max: 6 }), halting), { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      fc.nat(),
      async (day, halts, searches, seed) => {
        const workers = new Map(halts);
        const days = new Days(searches, seed, workers);
        for (const each of day) await days.happens(each);
        days.mood = "registers";
        const isLeft = (): boolean =>
          days.queue.scans.some(
            ({ state, worker }) => (state === "waiting" || state === "sending") && !workers.has(worker),
          );
        for (let tenths = 0; isLeft() && tenths < 30 * 6; tenths += 1) await days.time.advance(10 * minuteMs);
        const isStillLeft = isLeft();
        const before = days.failedAtMs.length;
        for (let badges = 0; badges < 4 * 20; badges += 1) {
          await days.happens({ kind: "badge", worker: neverHalting });
          await days.time.advance(3 * minuteMs);
        }
        const cost = days.failedAtMs.length - before;
        const isKeptBack = days.queue.scans.some(
          ({ state, worker }) => worker === neverHalting && state !== "registered",
        );
        await days.stop();
        expect(days.faults).toEqual([]);
        expect([isStillLeft, isKeptBack]).toEqual([false, false]);
        expect(cost).toBeLessThanOrEqual(haltingCallsMax);
      },
    ),
    { numRuns: 30 },
  );
});

test("a service that fails in whichever ways for hours gets a bounded number of calls in each of them, the store of looks", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...failures.filter((each) => each !== "answers-some")), {
        minLength: 1,
        maxLength: 12,
      }),
      fc.integer({ min: 1, max: 40 }),
      fc.boolean(),
      fc.nat(),
      async (ways, workers, searches, seed) => {
        const days = new Days(searches, seed);
        for (let half = 0; half < 12; half += 1) {
          days.mood = ways[half % ways.length] ?? "breaks";
          for (let worker = 0; worker < workers; worker += 1) await days.happens({ kind: "badge", worker });
          const looks = days.looks;
          await days.time.advance(hourMs / 2);
          expect(days.looks - looks).toBeLessThanOrEqual(looksMaxPerHalf);
        }
        await days.stop();
        const inHourFrom = days.failedAtMs.map(
          (from) => days.failedAtMs.filter((at) => at >= from && at < from + hourMs).length,
        );
        expect(Math.max(...inHourFrom)).toBeLessThanOrEqual(failedCallsMaxPerHour);
      },
    ),
    // Searches that the service throttles in an outage which has drawn in enough scans.
    { numRuns: 12, examples: [[["throttled", "not-connected", "lost-after", "names-one", "malformed"], 6, true, 0]] },
  );
});
