import fc from "fast-check";
import { expect, test } from "vitest";
import { type WallMs, wallMs } from "../base/time.ts";
import type { Claim, Settlement } from "../forward/queue.ts";
import type { ArchivedScan } from "../scan/archive.ts";
import type { ScanState } from "../scan/scan.ts";
import { openWindow, windowAfter } from "../testing/receipt-windows.ts";
import {
  draftOf,
  entryOf,
  inRule,
  minuteMs,
  noon,
  openCore,
  outRule,
  site,
  storeSettings,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import type { StoreCore } from "./store-core.ts";

/** Whatever is asked of the store, in whatever order and with whatever clock, these hold after every step. */

type Step =
  | { readonly kind: "record"; readonly workers: readonly number[]; readonly rule: 0 | 1 | 2 }
  | { readonly kind: "claim"; readonly limit: number; readonly withholdMinutes: number | null }
  | { readonly kind: "settle"; readonly outcomes: readonly (0 | 1 | 2 | 3)[] }
  | { readonly kind: "recover" }
  | { readonly kind: "release"; readonly scan: number }
  | { readonly kind: "roster"; readonly workers: readonly number[]; readonly shift: number }
  | { readonly kind: "resolve" }
  | { readonly kind: "erase"; readonly days: number }
  | { readonly kind: "reopen" }
  /** Minutes the wall clock moves; back as well. */
  | { readonly kind: "clock"; readonly minutes: number };

const worker = fc.integer({ min: 0, max: 5 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("record" as const),
      workers: fc.array(worker, { minLength: 1, maxLength: 6 }),
      rule: fc.constantFrom(0 as const, 1 as const, 2 as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("claim" as const),
      limit: fc.integer({ min: 1, max: 4 }),
      withholdMinutes: fc.option(fc.integer({ min: 0, max: 30 })),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("settle" as const),
      outcomes: fc.array(fc.constantFrom(0 as const, 1 as const, 2 as const, 3 as const), {
        minLength: 4,
        maxLength: 4,
      }),
    }),
  },
  fc.record({ kind: fc.constant("recover" as const) }),
  fc.record({ kind: fc.constant("release" as const), scan: fc.integer({ min: 1, max: 30 }) }),
  fc.record({
    kind: fc.constant("roster" as const),
    workers: fc.uniqueArray(worker),
    shift: fc.integer({ min: 0, max: 1 }),
  }),
  fc.record({ kind: fc.constant("resolve" as const) }),
  fc.record({ kind: fc.constant("erase" as const), days: fc.integer({ min: 0, max: 10 }) }),
  fc.record({ kind: fc.constant("reopen" as const) }),
  fc.record({ kind: fc.constant("clock" as const), minutes: fc.integer({ min: -200, max: 200 }) }),
);

const legal: Readonly<Record<ScanState, readonly ScanState[]>> = {
  "unknown-badge": ["waiting", "double", "withheld", "sending"],
  double: [],
  waiting: ["sending", "withheld"],
  sending: ["waiting", "registered", "refused"],
  registered: [],
  refused: ["waiting"],
  withheld: ["waiting"],
};

class Site {
  readonly #directory: string;
  #core: StoreCore;
  #now: WallMs = noon;
  #open: Claim[] = [];
  #seen: Map<number, ArchivedScan> = new Map();
  #mayBeErased = false;

  constructor(directory: string) {
    this.#directory = directory;
    this.#core = openCore(storeSettings(directory));
    this.#core.internWorkSite(site);
  }

  close(): void {
    this.#core[Symbol.dispose]();
  }

  take(step: Step): void {
    this.#mayBeErased = step.kind === "erase";
    this.#now = wallMs(this.#now + minuteMs / 3);
    this.#do(step);
    this.#check();
  }

  #do(step: Step): void {
    switch (step.kind) {
      case "record": {
        const rule = step.rule === 0 ? ({ kind: "toggle" } as const) : step.rule === 1 ? inRule : outRule;
        const minutes = (this.#now - noon) / minuteMs;
        const outcomes = this.#core.record(step.workers.map((each) => draftOf(each, minutes, { rule })));
        for (const outcome of outcomes) {
          if (outcome.kind === "not-recorded") throw new Error(outcome.detail);
          expect(this.#core.show(outcome.scanId)).not.toBeNull();
        }
        return;
      }
      case "claim": {
        const window =
          step.withholdMinutes === null ? openWindow : windowAfter(wallMs(this.#now - step.withholdMinutes * minuteMs));
        const busy = new Set(this.#open.flatMap((claim) => claim.scans.map((scan) => scan.workerId)));
        const request = { limit: step.limit, now: this.#now, window, traceId: "trace" };
        const { claim } = this.#core.claim(request);
        if (claim === null) return;
        const workers = claim.scans.map((scan) => scan.workerId);
        expect(new Set(workers).size).toBe(workers.length);
        expect(workers.filter((each) => busy.has(each))).toEqual([]);
        const urgent = claim.scans.toSorted((one, other) => one.utcMs - other.utcMs || one.scanId - other.scanId);
        expect(claim.scans).toEqual(urgent);
        this.#open.push(claim);
        return;
      }
      case "settle": {
        const claim = this.#open.shift();
        if (claim === undefined) return;
        const settlements = claim.scans.map((scan, index) => this.#settlement(step.outcomes[index], scan.scanId));
        const report = { outcome: "answered", httpStatus: 200, relatedTraceId: null, detail: "" } as const;
        this.#core.settle(claim.attemptId, { ...report, endedAt: this.#now }, settlements);
        return;
      }
      case "recover":
        this.#core.recoverInterrupted(this.#now);
        this.#open = [];
        return;
      case "release":
        this.#core.release(step.scan, this.#now);
        return;
      case "roster": {
        const ssinOf = (each: number): string => entryOf(each + step.shift * 10).ssin;
        const entries = step.workers.map((each) => entryOf(each, { ssin: ssinOf(each) }));
        this.#core.replaceRoster(entries, JSON.stringify(step), this.#now);
        return;
      }
      case "resolve":
        while (this.#core.resolveUnknown(3).more);
        return;
      case "erase":
        while (this.#core.eraseSlice(wallMs(this.#now + step.days * 24 * 60 * minuteMs)).more);
        return;
      case "reopen":
        this.#core[Symbol.dispose]();
        this.#core = openCore(storeSettings(this.#directory));
        return;
      case "clock":
        this.#now = wallMs(this.#now + step.minutes * minuteMs);
        return;
    }
  }

  #settlement(outcome: 0 | 1 | 2 | 3 | undefined, scanId: number): Settlement {
    switch (outcome) {
      case 1:
        return { kind: "refused", scanId, reason: "no" };
      case 2:
        return { kind: "again", scanId, notBefore: wallMs(this.#now + minuteMs) };
      case 3:
        return { kind: "doubtful", scanId };
      default:
        return { kind: "registered", scanId, registrationId: `r${scanId}`, validity: "pending", remarks: [] };
    }
  }

  #check(): void {
    const filter = { states: [], readerId: null, from: null, to: null, doubtfulOnly: false, limit: 10_000 } as const;
    const scans = new Map(this.#core.list(filter).map((scan) => [scan.scanId, scan]));
    for (const [scanId, before] of this.#seen) this.#checkScan(before, scans.get(scanId));
    const { byState, rows, doubtful } = this.#core.summary();
    expect(rows).toBe(scans.size);
    for (const [state, count] of Object.entries(byState)) {
      expect(count).toBe([...scans.values()].filter((scan) => scan.state === state).length);
    }
    expect(doubtful).toBe([...scans.values()].filter((scan) => scan.doubt !== null).length);
    expect(byState.sending).toBe(this.#open.reduce((sum, claim) => sum + claim.scans.length, 0));
    this.#seen = scans;
  }

  #checkScan(before: ArchivedScan, after: ArchivedScan | undefined): void {
    if (after === undefined) {
      expect(this.#mayBeErased).toBe(true);
      expect(["registered", "double"]).toContain(before.state);
      return;
    }
    expect(after.stamp).toEqual(before.stamp);
    expect([after.badgeRaw, after.readerId]).toEqual([before.badgeRaw, before.readerId]);
    if (before.direction !== null) expect(after.direction).toBe(before.direction);
    if (before.doubt !== null) expect(after.doubt?.attemptId).toBe(before.doubt.attemptId);
    if (after.state !== before.state) expect(legal[before.state]).toContain(after.state);
  }
}

test("no scan is lost, no stamp changes, no worker is twice in a call, and the counts are true", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) => {
      using directory = temporaryDirectory();
      const under = new Site(directory.path);
      try {
        for (const each of steps) under.take(each);
      } finally {
        under.close();
      }
    }),
    { numRuns: 150 },
  );
}, 120_000);
