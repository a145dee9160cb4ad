import { describe, expect, test } from "vitest";
import { present } from "../base/assert.ts";
import { type Log, silentLog } from "../base/log.ts";
import { seededRandom } from "../base/random.ts";
import { parseUtcText } from "../base/system-time.ts";
import { monotonicNs, type WallMs, wallMs } from "../base/time.ts";
import { MemoryClockHistory } from "../testing/chrony/memory-clock-history.ts";
import { SimulatedBox, type SimulatedServer, trueServer } from "../testing/chrony/simulated-box.ts";
import { consistent } from "./anchor.ts";
import { ClockService } from "./clock-service.ts";
import type { ScanDating } from "./dating.ts";
import { anchorOf } from "./discipline.ts";
import type { Stamp } from "./stamp.ts";
import { retroactiveStamp } from "./stamping.ts";
import type { ClockHistory } from "./synchronisation.ts";
import { type UtcNs, utcNsOfWall } from "./utc.ts";

const bootId = "9a0c2d7e-55b7-43c1-b7f4-7cf6d3f2a101";
const hosts = ["one", "two", "three", "four"] as const;
const silent: SimulatedServer = { kind: "silent" };
const builtAt = utcNsOfWall(utcMs("2026-01-01T00:00:00Z"));

function utcMs(text: string): WallMs {
  return present(parseUtcText(text), text);
}

function serve(box: SimulatedBox, server: SimulatedServer): void {
  for (const host of hosts) box.servers.set(host, server);
}

function clockOf(
  box: SimulatedBox,
  history: ClockHistory,
  log: Log = silentLog,
  dating: ScanDating = { dateScans: async () => 0 },
): ClockService {
  return new ClockService(
    {
      transport: box,
      history,
      dating,
      askService: async () => {},
      onTime: () => {},
      time: box,
      random: seededRandom(1),
      log,
      uptimeMs: () => box.uptimeMs(),
    },
    {
      bootId,
      sources: hosts.map((host) => ({ id: host, host, port: 123, operator: host, votes: true })),
      builtAt,
      slewing: false,
      burstSpacingMs: 2000,
    },
  );
}

function holds(stamp: Stamp, truth: UtcNs): boolean {
  if (stamp.earliestMs === null || stamp.latestMs === null) return true;
  return utcNsOfWall(stamp.earliestMs) <= truth && truth <= utcNsOfWall(stamp.latestMs);
}

/** A stamp now, checked against the truth: a bound that does not hold it is the one thing that may never be. */
function stampOf(clock: ClockService, box: SimulatedBox): Stamp {
  const stamp = clock.stamp(box.monotonicNs());
  expect(holds(stamp, box.utc())).toBe(true);
  return stamp;
}

test("a store that cannot be written at the start leaves the clock without a history, not the box without a clock", async () => {
  const box = new SimulatedBox(utcMs("2026-03-14T05:59:00Z"));
  const history = new MemoryClockHistory();
  history.seeBoot = async () => {
    throw new Error("database or disk is full");
  };
  await using clock = clockOf(box, history);
  await clock.start();
  await box.pass(10);
  expect(stampOf(clock, box).state).toBe("synchronised");
});

test.each([0, 7_200_000, -7_200_000, -259_200_000])(
  "a boot with the system clock %i ms off is stamped right once synchronised",
  async (offMs) => {
    const box = new SimulatedBox(utcMs("2026-03-14T05:59:00Z"));
    box.wallOffMs = offMs;
    const history = new MemoryClockHistory();
    await using clock = clockOf(box, history);
    await clock.start();
    const early = clock.stamp(box.monotonicNs());
    const truth = box.utc();
    expect(early).toMatchObject({ state: "unsynchronised", errorBoundMs: null });
    await box.pass(10);
    expect(stampOf(clock, box)).toMatchObject({ state: "synchronised", how: "live" });
    const late = present(
      retroactiveStamp(early, await history.anchors(9), [], clock.status().rates),
      "the boot synchronised",
    );
    expect(holds(late, truth)).toBe(true);
    expect(late.errorBoundMs).toBeLessThan(20);
  },
);

test("a step of the system clock is recorded, moves no stamp and makes the next poll urgent", async () => {
  const box = new SimulatedBox(utcMs("2026-03-14T05:59:00Z"));
  const history = new MemoryClockHistory();
  await using clock = clockOf(box, history);
  await clock.start();
  await box.pass(1000);
  const polls = history.rows.length;
  box.wallOffMs = -7_200_000;
  expect(stampOf(clock, box).state).toBe("synchronised");
  expect(history.events).toMatchObject([{ kind: "step", byMs: -7_200_000 }]);
  await box.pass(70);
  expect(history.rows.length).toBe(polls + 1);
});

test("servers gone for three polls mean holdover, back again synchronised, and every bound holds", async () => {
  const box = new SimulatedBox(utcMs("2026-03-14T05:59:00Z"));
  box.crystalPpm = 14;
  const history = new MemoryClockHistory();
  await using clock = clockOf(box, history);
  await clock.start();
  await box.pass(10);
  serve(box, silent);
  await box.pass(150);
  expect(stampOf(clock, box).state).toBe("synchronised");
  await box.pass(70);
  expect(stampOf(clock, box).state).toBe("holdover");
  await box.pass(6 * 3600);
  expect(stampOf(clock, box).state).toBe("untrusted");
  serve(box, trueServer);
  await box.pass(80);
  expect(stampOf(clock, box).state).toBe("synchronised");
  expect(history.changes.map(({ to }) => to)).toEqual(["synchronised", "holdover", "untrusted", "synchronised"]);
});

test.each([-95, -14, 14, 95])(
  "a day on a crystal %i ppm off, with liars and outages: no stamp outside its bound",
  async (ppm) => {
    const box = new SimulatedBox(utcMs("2026-03-14T05:59:00Z"));
    box.crystalPpm = ppm;
    const random = seededRandom(ppm + 1000);
    const history = new MemoryClockHistory();
    await using clock = clockOf(box, history);
    await clock.start();
    let bounded = 0;
    for (let quarter = 0; quarter < 96; quarter += 1) {
      serve(box, random() < 0.2 ? silent : trueServer);
      const liar = hosts[Math.floor(random() * hosts.length)] ?? "one";
      if (random() < 0.5) box.servers.set(liar, { kind: "off-by", offMs: (random() - 0.5) * 20_000, leap: 0 });
      if (random() < 0.1) box.wallOffMs += (random() - 0.5) * 10_000_000;
      await box.pass(random() * 1800);
      if (stampOf(clock, box).errorBoundMs !== null) bounded += 1;
    }
    expect(bounded).toBeGreaterThan(80);
    expect(history.changes.filter(({ why }) => why === "contradicted")).toEqual([]);
  },
);

test("a false ticker is named in the log", async () => {
  const told: object[] = [];
  const log: Log = { ...silentLog, warn: (fields) => told.push(fields), child: () => log };
  const box = new SimulatedBox(utcMs("2026-03-14T05:59:00Z"));
  box.servers.set("three", { kind: "off-by", offMs: 2000, leap: 0 });
  await using clock = clockOf(box, new MemoryClockHistory(), log);
  await clock.start();
  await box.pass(10);
  expect(told).toContainEqual({ sourceId: "three", beyondMs: expect.closeTo(1969, 0) });
});

test("a server that sends us away is asked no more, which is told, and the others go on", async () => {
  const told: object[] = [];
  const log: Log = { ...silentLog, warn: (fields) => told.push(fields), child: () => log };
  const box = new SimulatedBox(utcMs("2026-03-14T05:59:00Z"));
  box.servers.set("four", { kind: "kiss", code: "DENY" });
  await using clock = clockOf(box, new MemoryClockHistory(), log);
  await clock.start();
  await box.pass(3600);
  expect(box.asked.filter((host) => host === "four")).toHaveLength(1);
  expect(box.asked.filter((host) => host === "one").length).toBeGreaterThan(4);
  expect(stampOf(clock, box).state).toBe("synchronised");
  expect(told).toEqual([{ sourceId: "four", code: "DENY" }]);
});

test("servers that ask to be left alone, each at another time, are heard together again", async () => {
  const box = new SimulatedBox(utcMs("2026-03-14T05:59:00Z"));
  const history = new MemoryClockHistory();
  await using clock = clockOf(box, history);
  await clock.start();
  await box.pass(10);
  for (const some of [
    ["one", "two"],
    ["three", "four"],
  ]) {
    const polls = history.rows.length;
    for (const host of some) box.servers.set(host, { kind: "kiss", code: "RATE" });
    while (history.rows.length === polls) await box.pass(10);
    serve(box, trueServer);
  }
  const rows = history.rows.length;
  await box.pass(2 * 3600);
  const results = history.rows.slice(rows).map(({ result }) => result.kind);
  expect(results.length).toBeGreaterThan(8);
  expect(new Set(results)).toEqual(new Set(["quorum"]));
  expect(new Set(clock.status().schedule.sources.map(({ intervalMinS }) => intervalMinS))).toEqual(new Set([64]));
});

describe("a clock that no poll confirms any more, and none misses", () => {
  const learnt = async () => {
    const box = new SimulatedBox(utcMs("2026-03-14T05:59:00Z"));
    box.crystalPpm = 14;
    const clock = clockOf(box, new MemoryClockHistory());
    await clock.start();
    await box.pass(4 * 3600);
    expect(clock.status().rates.synchronisedPpm).toBeLessThan(30);
    return { box, clock };
  };

  test.each(["DENY", "RATE"])("for its servers answered %s, is in holdover with holdover's rate", async (code) => {
    const { box, clock } = await learnt();
    await using _closing = clock;
    serve(box, { kind: "kiss", code });
    await box.pass(1200);
    box.crystalPpm = 90;
    for (let hour = 0; hour < 8; hour += 1) {
      await box.pass(3600);
      stampOf(clock, box);
    }
    expect(stampOf(clock, box).state).not.toBe("synchronised");
  });

  test("for it was stopped for hours, is in holdover with holdover's rate", async () => {
    const { box, clock } = await learnt();
    await using _closing = clock;
    box.crystalPpm = 90;
    box.stall(4 * 3600);
    const { utcMs: at, errorBoundMs } = clock.momentAt(box.monotonicNs());
    expect(Math.abs(at - box.wallMs())).toBeLessThanOrEqual(present(errorBoundMs, "an anchor is held"));
    expect(stampOf(clock, box).state).toBe("holdover");
    await box.pass(140);
    expect(stampOf(clock, box).state).toBe("synchronised");
  });

  test("for it was stopped for hours in the middle of a poll, rests on none of its answers", async () => {
    const { box, clock } = await learnt();
    await using _closing = clock;
    // The round that was under way is over.
    await box.pass(60);
    const asked = box.asked.length;
    while (box.asked.length === asked) await box.pass(1);
    box.crystalPpm = 90;
    box.stall(4 * 3600);
    for (let second = 0; second < 120; second += 1) {
      await box.pass(1);
      stampOf(clock, box);
    }
    expect(stampOf(clock, box).state).toBe("synchronised");
  });
});

test("after a suspend nothing is claimed until the next quorum", async () => {
  const box = new SimulatedBox(utcMs("2026-03-14T05:59:00Z"));
  const history = new MemoryClockHistory();
  await using clock = clockOf(box, history);
  await clock.start();
  await box.pass(100);
  box.suspend(3600);
  expect(stampOf(clock, box)).toMatchObject({ state: "untrusted", errorBoundMs: null });
  expect(history.events).toMatchObject([{ kind: "suspend", forMs: 3_600_000 }]);
  await box.pass(70);
  expect(stampOf(clock, box).state).toBe("synchronised");
});

describe("a moment of this boot", () => {
  type Moment = { readonly utcMs: WallMs; readonly errorBoundMs: number | null };

  function holdsMoment({ utcMs: at, errorBoundMs }: Moment, truth: UtcNs): boolean {
    return errorBoundMs !== null && Math.abs(Number(utcNsOfWall(at) - truth)) / 1e6 <= errorBoundMs;
  }

  test("from before the first quorum is told as any other, for outages are written down with it", async () => {
    const box = new SimulatedBox(utcMs("2026-03-14T05:59:00Z"));
    await using clock = clockOf(box, new MemoryClockHistory());
    await clock.start();
    const atNs = box.monotonicNs();
    await box.pass(10);
    expect(clock.momentAt(atNs)).toEqual({
      bootId,
      monotonicNs: atNs,
      utcMs: utcMs("2026-03-14T05:59:00Z"),
      errorBoundMs: expect.any(Number),
    });
  });

  test("from before a suspend is bounded by an anchor from before it, and by none from after it", async () => {
    const box = new SimulatedBox(utcMs("2026-03-14T05:59:00Z"));
    await using clock = clockOf(box, new MemoryClockHistory());
    await clock.start();
    await box.pass(100);
    const [before, truth] = [box.monotonicNs(), box.utc()];
    await box.pass(2);
    box.suspend(3600);
    expect(holdsMoment(clock.momentAt(before), truth)).toBe(true);
    await box.pass(140);
    expect(stampOf(clock, box).state).toBe("synchronised");
    const late = clock.momentAt(before);
    expect(holdsMoment(late, truth)).toBe(true);
    expect(late.errorBoundMs).toBeLessThan(50);
  });

  test("from before a suspend that nothing was proven before has no bound, and is reckoned back over the sleep whatever the wall clock says", async () => {
    const box = new SimulatedBox(utcMs("2026-03-14T05:59:00Z"));
    serve(box, silent);
    await using clock = clockOf(box, new MemoryClockHistory());
    await clock.start();
    await box.pass(10);
    const [before, truth] = [box.monotonicNs(), box.wallMs()];
    box.wallOffMs = 7_200_000;
    await box.pass(2);
    box.suspend(3600);
    serve(box, trueServer);
    await box.pass(140);
    expect(stampOf(clock, box).state).toBe("synchronised");
    const { utcMs: at, errorBoundMs } = clock.momentAt(before);
    expect(errorBoundMs).toBeNull();
    expect(at).toBeCloseTo(truth, -2);
  });

  test("in the stretch in which the box slept lies between what was proven before and after it", async () => {
    const box = new SimulatedBox(utcMs("2026-03-14T05:59:00Z"));
    await using clock = clockOf(box, new MemoryClockHistory());
    await clock.start();
    await box.pass(100.5);
    const [within, truth] = [box.monotonicNs(), box.utc()];
    box.suspend(600);
    const [alsoWithin, later] = [box.monotonicNs(), box.utc()];
    expect(clock.momentAt(within).errorBoundMs).toBeNull();
    await box.pass(140);
    for (const [at, utc] of [
      [within, truth],
      [alsoWithin, later],
    ] as const) {
      expect(holdsMoment(clock.momentAt(at), utc)).toBe(true);
    }
    expect(clock.momentAt(within).errorBoundMs).toBeLessThan(301_000);
  });

  test("of the run before, and one of this run's beginning, lie on either side of a sleep between both", async () => {
    const box = new SimulatedBox(utcMs("2026-03-14T05:59:00Z"));
    const history = new MemoryClockHistory();
    const first = clockOf(box, history);
    await first.start();
    await box.pass(100);
    const [before, truth] = [box.monotonicNs(), box.utc()];
    await box.pass(2);
    await first.settled();
    await first[Symbol.asyncDispose]();
    await box.pass(5);
    box.suspend(3600);
    await box.pass(5);
    await using second = clockOf(box, history);
    const started = box.monotonicNs();
    const startedAt = box.utc();
    await box.pass(3);
    await second.start();
    await box.pass(10);
    expect(stampOf(second, box).state).toBe("synchronised");
    const earlier = second.momentAt(before);
    expect(holdsMoment(earlier, truth)).toBe(true);
    expect(earlier.errorBoundMs).toBeLessThan(50);
    const own = second.momentAt(monotonicNs(started + 1n));
    expect(holdsMoment(own, startedAt)).toBe(true);
    expect(own.errorBoundMs).toBeLessThan(50);
  });

  test("of a run whose sleep could not be written down is bounded by nothing from that run", async () => {
    const box = new SimulatedBox(utcMs("2026-03-14T05:59:00Z"));
    const history = new MemoryClockHistory();
    const first = clockOf(box, history);
    await first.start();
    await box.pass(100);
    const [before, truth] = [box.monotonicNs(), box.utc()];
    await box.pass(2);
    const { recordEvent } = history;
    history.recordEvent = async () => {
      throw new Error("database or disk is full");
    };
    box.suspend(3600);
    await box.pass(200);
    await first[Symbol.asyncDispose]();
    history.recordEvent = recordEvent;
    await using second = clockOf(box, history);
    await second.start();
    await box.pass(10);
    expect(stampOf(second, box).state).toBe("synchronised");
    const found = second.momentAt(before);
    expect(found.errorBoundMs === null || holdsMoment(found, truth)).toBe(true);
    expect(history.events).toMatchObject([{ kind: "suspend", forMs: 3_600_000 }]);
  });

  test("of a later run is bounded by nothing from before a sleep that the run between could not write down", async () => {
    const box = new SimulatedBox(utcMs("2026-03-14T05:59:00Z"));
    const history = new MemoryClockHistory();
    const run = async (): Promise<ClockService> => {
      const clock = clockOf(box, history);
      await clock.start();
      await box.pass(10);
      return clock;
    };
    await (await run())[Symbol.asyncDispose]();
    box.suspend(3600);
    serve(box, { kind: "silent" });
    const { recordEvent } = history;
    history.recordEvent = async () => {
      throw new Error("database or disk is full");
    };
    await (await run())[Symbol.asyncDispose]();
    history.recordEvent = recordEvent;
    await using last = await run();
    expect(last.momentAt(box.monotonicNs()).errorBoundMs).toBeNull();
    expect(history.events).toMatchObject([{ kind: "suspend" }]);
  });

  test("at the beginning of a boot that slept before badged ran is not known", async () => {
    const box = new SimulatedBox(utcMs("2026-03-14T05:59:00Z"));
    const began = box.wallMs();
    await box.pass(60);
    box.suspend(1800);
    await box.pass(60);
    await using clock = clockOf(box, new MemoryClockHistory());
    await clock.start();
    await box.pass(10);
    expect(stampOf(clock, box).state).toBe("synchronised");
    const { utcMs: at, errorBoundMs } = clock.momentAt(monotonicNs(0n));
    expect(errorBoundMs).toBeNull();
    // The simulated box starts 5 s into its boot.
    expect(at).toBeCloseTo(began - 5000, -2);
  });

  test("from before the contradiction of two quorums is bounded by none from after it", async () => {
    const box = new SimulatedBox(utcMs("2026-03-14T05:59:00Z"));
    const wrong: SimulatedServer = { kind: "off-by", offMs: 60_000, leap: 0 };
    await using clock = clockOf(box, new MemoryClockHistory());
    await clock.start();
    await box.pass(100);
    const [before, truth] = [box.monotonicNs(), box.utc()];
    await box.pass(2000);
    serve(box, wrong);
    await box.pass(2200);
    expect(clock.status().events).toMatchObject([{ kind: "contradiction" }]);
    expect(clock.status().state.kind).toBe("synchronised");
    expect(holdsMoment(clock.momentAt(before), truth)).toBe(true);
  });

  test("of hours without a poll is bounded by holdover's rate, also once a quorum came", async () => {
    const box = new SimulatedBox(utcMs("2026-03-14T05:59:00Z"));
    box.crystalPpm = 14;
    await using clock = clockOf(box, new MemoryClockHistory());
    await clock.start();
    await box.pass(4 * 3600);
    expect(clock.status().rates.synchronisedPpm).toBeLessThan(30);
    serve(box, silent);
    await box.pass(1800);
    box.crystalPpm = 90;
    const [within, truth] = [box.monotonicNs(), box.utc()];
    await box.pass(3600);
    serve(box, trueServer);
    await box.pass(600);
    expect(stampOf(clock, box).state).toBe("synchronised");
    expect(holdsMoment(clock.momentAt(within), truth)).toBe(true);
  });
});

test("a badge whose first byte came before a suspend is not dated by a quorum from after it", async () => {
  const box = new SimulatedBox(utcMs("2026-03-14T05:59:00Z"));
  await using clock = clockOf(box, new MemoryClockHistory());
  await clock.start();
  await box.pass(100);
  const [firstByteNs, truth] = [box.monotonicNs(), box.utc()];
  box.suspend(3600);
  await box.pass(140);
  expect(stampOf(clock, box).state).toBe("synchronised");
  const stamp = clock.stamp(firstByteNs);
  expect(stamp).toMatchObject({ state: "untrusted", errorBoundMs: null, syncId: null });
  expect(holds(stamp, truth)).toBe(true);
});

describe("a start that loses the processor between two readings", () => {
  /** Nothing but the first `slow` questions for the uptime takes 150 ms each. */
  class SlowBox extends SimulatedBox {
    slow = 0;
    override uptimeMs(): number {
      if (this.slow > 0) {
        this.slow -= 1;
        this.stall(0.15);
      }
      return super.uptimeMs();
    }
  }

  test.each([1, 2])("%i times has seen no sleep", async (slow) => {
    const box = new SlowBox(utcMs("2026-03-14T05:59:00Z"));
    const history = new MemoryClockHistory();
    box.slow = slow;
    await using clock = clockOf(box, history);
    await clock.start();
    await box.pass(10);
    expect(history.events).toEqual([]);
    expect(clock.momentAt(monotonicNs(0n)).errorBoundMs).toBeLessThan(50);
  });

  test("sees the sleep that follows", async () => {
    const box = new SlowBox(utcMs("2026-03-14T05:59:00Z"));
    const history = new MemoryClockHistory();
    box.slow = 1;
    await using clock = clockOf(box, history);
    box.suspend(0.08);
    await clock.start();
    await box.pass(10);
    expect(history.events).toMatchObject([{ kind: "suspend", forMs: 80 }]);
  });
});

test("a whole quorum that moves is not believed at once, and settled by the next poll", async () => {
  const box = new SimulatedBox(utcMs("2026-03-14T05:59:00Z"));
  await using clock = clockOf(box, new MemoryClockHistory());
  await clock.start();
  await box.pass(2000);
  serve(box, { kind: "off-by", offMs: 60_000, leap: 0 });
  clock.networkUp();
  await box.pass(10);
  expect(stampOf(clock, box)).toMatchObject({ state: "untrusted", errorBoundMs: null });
  serve(box, trueServer);
  await box.pass(70);
  expect(stampOf(clock, box).state).toBe("synchronised");
});

test("servers that all lied by decades for an hour have no say about the era of later answers", async () => {
  const box = new SimulatedBox(utcMs("2026-03-14T05:59:00Z"));
  const history = new MemoryClockHistory();
  const first = clockOf(box, history);
  const yearMs = 365 * 86_400_000;
  serve(box, { kind: "off-by", offMs: 64 * yearMs, leap: 0 });
  await first.start();
  await box.pass(3600);
  expect(first.stamp(box.monotonicNs()).state).toBe("synchronised");
  serve(box, trueServer);
  await box.pass(4 * 3600);
  expect(stampOf(first, box).state).toBe("synchronised");
  await first[Symbol.asyncDispose]();
  await using second = clockOf(box, history);
  await second.start();
  await box.pass(10);
  expect(stampOf(second, box).state).toBe("synchronised");
});

describe("while CLOCK_MONOTONIC is slewed by more than any bound allows", () => {
  /**
   * Scans of every ten seconds while the clock runs off by `ppm` and while it comes back; none may be dated wrong. And how far
   * it ends from where it began.
   */
  const slewed = async (slews: readonly { readonly ppm: number; readonly seconds: number }[]) => {
    const box = new SimulatedBox(utcMs("2026-03-14T05:59:00Z"));
    const history = new MemoryClockHistory();
    await using clock = clockOf(box, history);
    await clock.start();
    await box.pass(600);
    // A slew bends the system clock alike: no step is seen.
    const [wallThen, monoThen] = [box.wallMs(), box.monotonicNs()];
    box.wallMs = () => wallMs(wallThen + Math.floor(Number(box.monotonicNs() - monoThen) / 1e6));
    const [utcThen, heldThen] = [box.utc(), anchorOf(clock.status().state)];
    const undated: { readonly stamp: Stamp; readonly truth: UtcNs }[] = [];
    for (const { ppm, seconds } of [...slews, { ppm: 0, seconds: 400 }]) {
      box.crystalPpm = ppm;
      for (let passed = 0; passed < seconds; passed += 10) {
        await box.pass(10);
        const stamp = clock.stamp(box.monotonicNs());
        if (stamp.errorBoundMs === null) undated.push({ stamp, truth: box.utc() });
      }
    }
    expect(stampOf(clock, box).state).toBe("synchronised");
    expect(undated.length).toBeGreaterThan(5);
    const breaks = await history.breaks();
    const anchors = await history.anchors(512);
    const wrong = undated.filter(({ stamp, truth }) => {
      const dated = retroactiveStamp(stamp, anchors, breaks, clock.status().rates);
      return dated !== null && !holds(dated, truth);
    });
    const awayMs = Math.abs(Number(box.utc() - utcThen - (box.monotonicNs() - monoThen))) / 1e6;
    const held = present(heldThen, "synchronised before");
    const settled = anchors.filter(({ atNs }) => atNs > monoThen);
    const isWhereItBegan = settled.every((each) => consistent(each, held, each.atNs, 100));
    return { wrong, awayMs, breaks, isWhereItBegan };
  };

  test("no anchor reaches a scan across the second contradiction in a row", async () => {
    const { wrong, breaks } = await slewed([{ ppm: 83_333, seconds: 360 }]);
    expect(wrong).toEqual([]);
    expect(breaks.length).toBeGreaterThan(2);
  });

  test("nor across one that ends where it began", async () => {
    const away = { ppm: 83_333, seconds: 70 };
    const { wrong, awayMs, breaks, isWhereItBegan } = await slewed([away, { ...away, ppm: -away.ppm }]);
    expect(awayMs).toBeLessThan(1);
    expect(isWhereItBegan).toBe(true);
    expect(wrong).toEqual([]);
    // Away from the anchor, and back to it.
    expect(breaks.map(({ kind }) => kind)).toEqual(["contradiction", "contradiction"]);
  });
});

test("an inserted leap second leaves no stamp outside its bound, before, in and after it", async () => {
  const box = new SimulatedBox(utcMs("2026-12-31T22:00:00Z"));
  serve(box, { kind: "off-by", offMs: 0, leap: 1 });
  const history = new MemoryClockHistory();
  await using clock = clockOf(box, history);
  await clock.start();
  await box.pass(7195);
  for (let tenths = 0; tenths < 60; tenths += 1) {
    expect(stampOf(clock, box).state).toBe("synchronised");
    await box.pass(0.1);
  }
  box.insertLeapSecond();
  serve(box, trueServer);
  for (let minute = 0; minute < 60; minute += 1) {
    expect(stampOf(clock, box).state).toBe("synchronised");
    await box.pass(60);
  }
  expect(stampOf(clock, box).errorBoundMs).toBeLessThan(200);
  expect(history.changes.map(({ to }) => to)).toEqual(["synchronised"]);
});

describe("with NTP blocked", () => {
  test("the service's clock is the fallback, as holdover, until a quorum comes", async () => {
    const box = new SimulatedBox(utcMs("2026-03-14T05:59:00Z"));
    serve(box, silent);
    await using clock = clockOf(box, new MemoryClockHistory());
    await clock.start();
    await box.pass(10);
    const dateMs = wallMs(Math.floor(box.wallMs() / 1000) * 1000);
    clock.serviceAnswered({ dateMs, sentNs: box.monotonicNs(), receivedNs: box.monotonicNs(), aged: false });
    const stamp = stampOf(clock, box);
    expect(stamp.state).toBe("holdover");
    expect(stamp.errorBoundMs).toBeLessThanOrEqual(1502);
    serve(box, trueServer);
    await box.pass(70);
    expect(stampOf(clock, box).state).toBe("synchronised");
  });
});

test("a history that cannot be written is told, and the clock goes on", async () => {
  const told: string[] = [];
  const log: Log = { ...silentLog, error: (_, message) => told.push(message), child: () => log };
  const box = new SimulatedBox(utcMs("2026-03-14T05:59:00Z"));
  const history = new MemoryClockHistory();
  history.recordSynchronisation = () => Promise.reject(new Error("disk full"));
  await using clock = clockOf(box, history, log);
  await clock.start();
  await box.pass(10);
  expect(stampOf(clock, box).state).toBe("synchronised");
  expect(new Set(told)).toEqual(new Set(["clock history not written"]));
});

test("no scan is dated before the sleep that lies behind it is on disk, though its event could not be written at first", async () => {
  const box = new SimulatedBox(utcMs("2026-03-14T05:59:00Z"));
  serve(box, silent);
  const history = new MemoryClockHistory();
  const knownWhenDated: number[] = [];
  history.dateScans = async () => {
    knownWhenDated.push(history.events.length);
    return 0;
  };
  await using clock = clockOf(box, history, silentLog, history);
  await clock.start();
  await box.pass(10);
  const { recordEvent } = history;
  const isFull = async (): Promise<void> => {
    throw new Error("database or disk is full");
  };
  history.recordEvent = isFull;
  box.suspend(3600);
  await box.pass(10);
  serve(box, trueServer);
  while (clock.status().state.kind !== "synchronised") await box.pass(1);
  await clock.settled();
  expect(knownWhenDated).toEqual([]);
  history.recordEvent = recordEvent;
  await box.pass(70);
  expect(knownWhenDated).toEqual([1]);
});

test("a sleep while the history is read is behind what was proven before it", async () => {
  const box = new SimulatedBox(utcMs("2026-03-14T05:59:00Z"));
  const history = new MemoryClockHistory();
  await using first = clockOf(box, history);
  await first.start();
  await box.pass(10);
  await first[Symbol.asyncDispose]();
  await using second = clockOf(box, history);
  const read = Promise.withResolvers<void>();
  history.breaks = () => read.promise.then(() => []);
  const starting = second.start();
  await box.pass(1);
  const before = history.anchors.bind(history);
  history.anchors = async (limit) => {
    box.suspend(3600);
    await box.pass(1);
    second.stamp(box.monotonicNs());
    return await before(limit);
  };
  read.resolve();
  await starting;
  serve(box, silent);
  expect(second.momentAt(box.monotonicNs()).errorBoundMs).toBeNull();
});

test("what the box learnt of its crystal and of the era outlives a restart", async () => {
  const box = new SimulatedBox(utcMs("2026-03-14T05:59:00Z"));
  box.crystalPpm = 60;
  const history = new MemoryClockHistory();
  await using first = clockOf(box, history);
  await first.start();
  await box.pass(4 * 3600);
  expect(first.status().rates.synchronisedPpm).toBeGreaterThanOrEqual(60);
  await using second = clockOf(box, history);
  await second.start();
  expect(second.status().rates).toEqual(first.status().rates);
});

test("closing ends a round that is under way and writes nothing more", async () => {
  const box = new SimulatedBox(utcMs("2026-03-14T05:59:00Z"));
  const history = new MemoryClockHistory();
  const clock = clockOf(box, history);
  await clock.start();
  await box.pass(3);
  const [rows, anchor] = [history.rows.length, anchorOf(clock.status().state)];
  expect(box.asked.length).toBeGreaterThan(hosts.length);
  await clock[Symbol.asyncDispose]();
  expect(history.rows).toHaveLength(rows);
  expect(anchorOf(clock.status().state)).toBe(anchor);
});
