import { describe, expect, test } from "vitest";
import { type Log, silentLog } from "../base/log.ts";
import { type WallMs, wallMs } from "../base/time.ts";
import { dueScan } from "../testing/memory-queue.ts";
import { MemoryReceipts } from "../testing/receipt-windows.ts";
import type { Claim, Remark } from "./queue.ts";
import { ReceiptGuard, type ReceiptSettings } from "./receipt-guard.ts";
import { assumedPhi, type ServicePhi } from "./receipt-window.ts";
import type { CallOutcome } from "./upstream.ts";

const noon = 1_780_000_000_000;
const minute = 60_000;
const settings: ReceiptSettings = { limitMs: null, late: "withhold", timeoutMs: 30_000 };

function guarded(change: Partial<ReceiptSettings> = {}, memory = new MemoryReceipts()) {
  const told: string[] = [];
  const tell = (_: object, message: string): void => void told.push(message);
  const log: Log = { ...silentLog, error: tell, warn: tell, child: () => log };
  const clock = {
    utcMs: wallMs(noon),
    phi: { loMs: -10, hiMs: 10 } as ServicePhi | null,
    isProven: true,
    errorBoundMs: 5,
  };
  const port = {
    now: () => (clock.isProven ? { utcMs: clock.utcMs, phi: clock.phi, errorBoundMs: clock.errorBoundMs } : null),
  };
  return { guard: new ReceiptGuard({ clock: port, memory, log }, { ...settings, ...change }), clock, memory, told };
}

function claimOf(...utcMs: readonly number[]): Claim {
  return {
    attemptId: 1,
    scans: utcMs.map((each, index) => dueScan({ scanId: index, worker: index, utcMs: wallMs(each) })),
  };
}

function answered(validity: string, ...remarks: readonly (readonly Remark[])[]): CallOutcome {
  return {
    kind: "answered",
    items: remarks.map((each, index) => ({ kind: "created", registrationId: `${index}`, validity, remarks: each })),
    report: { outcome: "answered", httpStatus: 200, relatedTraceId: null, detail: "" },
  };
}

const late: Remark = { code: 32, text: "Termijn voor ontvangst van de registratie overschreden" };

test("a delay is untried until one as long has passed; what a person released or chose to send is not judged", async () => {
  const { guard } = guarded();
  const late = { ...dueScan({ scanId: 1, worker: 1, utcMs: wallMs(noon - 60 * minute) }), errorBoundMs: 0 };
  const window = guard.window();
  if (window === null) throw new Error("the clock proves a bound");
  expect(guard.isUntried([late], window)).toBe(true);
  expect(guard.isUntried([dueScan({ ...late, worker: 1 })], window)).toBe(false);
  expect(guarded({ late: "forward" }).guard.isUntried([late], window)).toBe(false);
  expect(guarded({ limitMs: 240 * minute }).guard.isUntried([late], window)).toBe(false);
  await guard.answered({ attemptId: 1, scans: [late] }, answered("complete", []), window, 100);
  expect(guard.isUntried([late], window)).toBe(false);
});

describe("the window", () => {
  test("there is none while the clock proves nothing", () => {
    const { guard, clock } = guarded();
    clock.isProven = false;
    expect(guard.window()).toBeNull();
  });

  test("assumes what it does not know: the service's clock, and the longest way to it", () => {
    const { guard, clock } = guarded({ limitMs: 10 * minute });
    clock.phi = null;
    const phi = { loMs: assumedPhi.loMs - 5, hiMs: assumedPhi.hiMs + 5 };
    expect(guard.window()).toEqual({ now: noon, phi, transitP999Ms: 30_000, limitMs: 10 * minute });
  });

  test("there is none while our own bound is wide and the service has not told its time", () => {
    const { guard, clock } = guarded();
    clock.errorBoundMs = 2_001;
    expect(guard.window()).not.toBeNull();
    clock.phi = null;
    expect(guard.window()).toBeNull();
  });

  test("knows the way once it was measured", async () => {
    const { guard } = guarded();
    await guard.answered(claimOf(noon), answered("pending", []), guard.window(), 120);
    await guard.answered(claimOf(noon), answered("pending", []), guard.window(), 80);
    expect(guard.window()?.transitP999Ms).toBe(120);
  });

  test("has no limit where late scans are to be sent", () => {
    expect(guarded({ limitMs: 10 * minute, late: "forward" }).guard.window()?.limitMs).toBeNull();
  });
});

describe("what the service's answers teach", () => {
  const remarkAt = async (delayMs: number, memory = new MemoryReceipts()) => {
    const under = guarded({}, memory);
    await under.guard.answered(claimOf(noon - delayMs), answered("pending", [late]), under.guard.window(), 100);
    return under;
  };

  test("remark 32 is an alarm and a limit, and the limit survives a restart", async () => {
    const { guard, memory, told } = await remarkAt(60 * minute);
    expect(told).toEqual(["service raised remark 32 on registrations"]);
    expect(guard.window()?.limitMs).toBe(60 * minute + 10);
    const next = guarded({}, memory);
    expect(next.guard.window()?.limitMs).toBeNull();
    await next.guard.recall();
    expect(next.guard.window()?.limitMs).toBe(60 * minute + 10);
  });

  test("a configured limit stands before what was learnt, which is shown all the same", async () => {
    const { memory } = await remarkAt(60 * minute);
    const { guard } = guarded({ limitMs: 30 * minute }, memory);
    await guard.recall();
    expect(guard.status).toMatchObject({
      configuredMs: 30 * minute,
      inForceMs: 30 * minute,
      atMostMs: 60 * minute + 10,
    });
  });

  test("a delay that passed is kept when it is worth a write", async () => {
    const { guard, memory } = guarded();
    const pass = (delayMs: number) =>
      guard.answered(claimOf(noon - delayMs), answered("valid", []), guard.window(), 100);
    await pass(5 * minute);
    expect(memory.knowledge?.aboveMs).toBe(5 * minute - 10);
    await pass(5 * minute + 500);
    expect(memory.knowledge?.aboveMs).toBe(5 * minute - 10);
    await pass(6 * minute);
    expect(memory.knowledge?.aboveMs).toBe(6 * minute - 10);
  });

  test("a registration that is pending without a remark overturns no limit; one that is settled does", async () => {
    const { guard } = await remarkAt(60 * minute);
    const pass = (validity: string) =>
      guard.answered(claimOf(noon - 90 * minute), answered(validity, []), guard.window(), 100);
    await pass("pending");
    expect(guard.status).toMatchObject({ atMostMs: 60 * minute + 10, contradictions: 0 });
    await pass("valid");
    expect(guard.status).toMatchObject({ atMostMs: null, contradictions: 1 });
  });

  test("a memory that fails is told, and what was learnt holds", async () => {
    const memory = new MemoryReceipts();
    memory.keepReceiptKnowledge = () => Promise.reject(new Error("disk full"));
    const { guard, told } = await remarkAt(60 * minute, memory);
    expect(told).toContain("what is known of the receipt limit was not written");
    expect(guard.status.atMostMs).toBe(60 * minute + 10);
  });

  test("a call that was not answered teaches nothing", async () => {
    const { guard } = guarded();
    const report = { outcome: "timed-out", httpStatus: null, relatedTraceId: null, detail: "" } as const;
    await guard.answered(claimOf(noon), { kind: "ambiguous", retryAfterMs: null, report }, guard.window(), 30_000);
    expect(guard.status).toMatchObject({ aboveMs: null, atMostMs: null, transitP999Ms: 30_000 });
    await guard.answered(claimOf(noon), answered("pending", []), guard.window(), 100);
    expect(guard.status.transitP999Ms).toBe(30_000);
  });
});

test("the alarm at half the limit comes once for each time it is reached", () => {
  const { guard, clock, told } = guarded({ limitMs: 60 * minute });
  const oldest: WallMs = wallMs(noon);
  for (const minutes of [29, 30, 31]) {
    clock.utcMs = wallMs(noon + minutes * minute);
    guard.watch(oldest, 1);
  }
  guard.watch(null, 0);
  guard.watch(oldest, 1);
  expect(told).toEqual(Array(2).fill("oldest scan has waited half of the receipt limit"));
});

test("scans that wait for a clock are told of once", () => {
  const { guard, clock, told } = guarded();
  clock.isProven = false;
  guard.watch(null, 0);
  expect(told).toEqual([]);
  guard.watch(null, 3);
  guard.watch(null, 4);
  expect(told).toEqual(["scans wait for a clock that can be trusted"]);
});

describe("in the moment in which a call leaves", () => {
  const limitMs = 10 * minute;
  const scanAt = (utcMs: number, errorBoundMs?: number) => ({
    ...dueScan({ scanId: 1, worker: 1, utcMs: wallMs(utcMs) }),
    ...(errorBoundMs === undefined ? {} : { errorBoundMs }),
  });
  /** Claimed at noon: 10 min less 1 min of margin, 30 s of transit, 10 ms of the service's clock, 5 ms of its own stamp. */
  const last = noon - (limitMs - minute - 30_000 - 10 - 5) + 1;

  test("a scan that a longer way would have put past the limit stays", () => {
    const { guard, clock } = guarded({ limitMs });
    expect(guard.mayLeave([scanAt(last, 5)])).toBe(true);
    clock.utcMs = wallMs(noon + 1);
    expect(guard.mayLeave([scanAt(noon - 1_000, 5), scanAt(last, 5)])).toBe(false);
    expect(guard.mayLeave([scanAt(noon - 1_000, 5)])).toBe(true);
  });

  test("one that a person released leaves, and so does any where late scans are forwarded", () => {
    const { guard, clock } = guarded({ limitMs });
    clock.utcMs = wallMs(noon + 60 * minute);
    expect(guard.mayLeave([scanAt(last)])).toBe(true);
    expect(guarded({ limitMs, late: "forward" }).guard.mayLeave([scanAt(last - 60 * minute, 5)])).toBe(true);
  });

  test("nothing leaves without a clock", () => {
    const { guard, clock } = guarded();
    clock.isProven = false;
    expect(guard.mayLeave([scanAt(noon - 1_000, 5)])).toBe(false);
  });
});

test("a window is open for a second", () => {
  const { guard, clock } = guarded();
  const window = guard.window();
  if (window === null) throw new Error("the clock is proven");
  clock.utcMs = wallMs(noon + 1_000);
  expect(guard.isStillOpen(window)).toBe(true);
  clock.utcMs = wallMs(noon + 1_001);
  expect(guard.isStillOpen(window)).toBe(false);
});
