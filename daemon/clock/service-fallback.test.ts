import { describe, expect, test } from "vitest";
import { present } from "../base/assert.ts";
import { type Log, silentLog } from "../base/log.ts";
import { seededRandom } from "../base/random.ts";
import { parseUtcText } from "../base/system-time.ts";
import { type MonotonicNs, wallMs } from "../base/time.ts";
import { MemoryClockHistory } from "../testing/chrony/memory-clock-history.ts";
import { SimulatedBox, type SimulatedServer, trueServer } from "../testing/chrony/simulated-box.ts";
import { isUnbroken } from "./boot-timeline.ts";
import { ClockService } from "./clock-service.ts";
import { goodRoundsPerInterval } from "./poll-schedule.ts";
import type { DatedAnswer } from "./service-clock.ts";
import { floorMs, laterBy, nsPerMs, utcNsOfWall } from "./utc.ts";

const start = present(parseUtcText("2026-03-14T05:59:00Z"), "a moment");
const hosts = ["a", "b", "c", "d"] as const;
const silent: SimulatedServer = { kind: "silent" };
const roundTripMs = 40;

/** A box beside a service whose clock is `offMs` ahead of the truth. */
function site(options: {
  readonly servers: SimulatedServer | null;
  readonly offMs?: number;
  readonly log?: Log;
  readonly box?: SimulatedBox;
  readonly history?: MemoryClockHistory;
  readonly slewing?: boolean;
}) {
  const box = options.box ?? new SimulatedBox(start);
  for (const host of hosts) if (options.servers !== null) box.servers.set(host, options.servers);
  const history = options.history ?? new MemoryClockHistory();
  const service = { offMs: options.offMs ?? 0, isUp: true, asked: 0 };
  const answerNow = (): DatedAnswer => {
    const receivedNs = box.monotonicNs();
    const dateMs = wallMs(Math.floor((floorMs(box.utc()) + service.offMs) / 1000) * 1000);
    return { dateMs, sentNs: laterBy(receivedNs, -BigInt(roundTripMs) * nsPerMs), receivedNs, aged: false };
  };
  let times = 0;
  const clock: ClockService = new ClockService(
    {
      transport: box,
      history,
      dating: history,
      askService: async () => {
        service.asked += 1;
        if (service.isUp) clock.serviceAnswered(answerNow());
      },
      onTime: () => {
        times += 1;
      },
      time: box,
      random: seededRandom(1),
      log: options.log ?? silentLog,
      uptimeMs: () => box.uptimeMs(),
    },
    {
      bootId: "boot",
      sources:
        options.servers === null
          ? []
          : hosts.map((host) => ({ id: host, host, port: 123, operator: host, votes: true })),
      builtAt: utcNsOfWall(wallMs(1_767_225_600_000)),
      slewing: options.slewing ?? false,
      burstSpacingMs: 2000,
    },
  );
  return { box, clock, history, service, answerNow, times: () => times };
}

function expectTruthInside(clock: ClockService, box: SimulatedBox): void {
  const stamp = clock.stamp(box.monotonicNs());
  const truth = floorMs(box.utc());
  expect(present(stamp.earliestMs, "a bound")).toBeLessThanOrEqual(truth);
  expect(present(stamp.latestMs, "a bound")).toBeGreaterThanOrEqual(truth);
}

test.each([-800, 0, 800])("where NTP is blocked the service's clock, %i ms off, bounds the time", async (offMs) => {
  const { box, clock, history, times } = site({ servers: silent, offMs });
  await using _closing = clock;
  await clock.start();
  await box.pass(60);
  expect(clock.status().state).toMatchObject({ kind: "holdover", anchor: { basis: "service" } });
  expectTruthInside(clock, box);
  expect(clock.stamp(box.monotonicNs()).errorBoundMs).toBeLessThan(1_200);
  expect(times()).toBeGreaterThan(0);
  expect(history.serviceTimes.length).toBeGreaterThan(1);
  for (const { anchor, answers } of history.serviceTimes)
    expect([anchor.basis, answers.length > 0]).toEqual(["service", true]);
});

test("where the clock may be slewed, old answers promise no more than the box can keep", async () => {
  const { box, clock, service } = site({ servers: silent, slewing: true });
  await using _closing = clock;
  box.crystalPpm = 590;
  await clock.start();
  await box.pass(120);
  expect(clock.status().state.kind).toBe("holdover");
  service.isUp = false;
  for (let minute = 0; minute < 65; minute += 1) {
    await box.pass(60);
    expectTruthInside(clock, box);
  }
});

test("without any server it is asked at once, and in one polite series", async () => {
  const { box, clock, history, service } = site({ servers: null });
  await using _closing = clock;
  await clock.start();
  await box.pass(3);
  expect(clock.status().state.kind).toBe("holdover");
  await box.pass(1200);
  expect(service.asked).toBeGreaterThan(2);
  expect(service.asked).toBeLessThanOrEqual(8);
  expect(history.serviceTimes.length).toBeLessThan(30);
});

test("servers that answer stand before the service's clock, which never overrules them", async () => {
  const { box, clock, history } = site({ servers: trueServer, offMs: 900 });
  await using _closing = clock;
  await clock.start();
  await box.pass(60);
  expect(clock.status().state).toMatchObject({ kind: "synchronised", anchor: { basis: "quorum" } });
  expect(history.serviceTimes).toEqual([]);
  const { phi } = present(clock.now(), "synchronised");
  expect(phi?.loMs).toBeLessThanOrEqual(900);
  expect(phi?.hiMs).toBeGreaterThanOrEqual(900);
});

test("a quorum takes over from the service's clock at once", async () => {
  const { box, clock } = site({ servers: silent });
  await using _closing = clock;
  await clock.start();
  await box.pass(10);
  for (const host of hosts) box.servers.set(host, trueServer);
  await box.pass(70);
  expect(clock.status().state).toMatchObject({ kind: "synchronised", anchor: { basis: "quorum" } });
});

test("the alarm comes when service and quorum are proven more than a second apart, once, and is taken back", async () => {
  const told: string[] = [];
  const tell = (_: object, message: string): void => void told.push(message);
  const log: Log = { ...silentLog, error: tell, info: tell, child: () => log };
  const { box, clock, service } = site({ servers: trueServer, offMs: 3_000, log });
  await using _closing = clock;
  await clock.start();
  await box.pass(60);
  expect(told.filter((message) => message.includes("disagree"))).toHaveLength(1);
  service.offMs = 0;
  await box.pass(2 * 3600);
  expect(told).toContain("service's clock and the quorum agree again");
});

test("nothing may be sent before anything is proven, and something may then", async () => {
  const { box, clock, service } = site({ servers: silent });
  await using _closing = clock;
  service.isUp = false;
  await clock.start();
  await box.pass(30);
  expect(clock.now()).toBeNull();
  service.isUp = true;
  await box.pass(70);
  expect(clock.now()).not.toBeNull();
});

test.each([
  ["that answered a minute before", 1],
  ["that answered twenty minutes before", 20],
])("an inserted leap second leaves no clock of a service %s outside what is known of it", async (_name, minutes) => {
  const box = new SimulatedBox(present(parseUtcText("2026-06-30T23:00:00Z"), "a moment"));
  const { clock, service } = site({ servers: trueServer, box });
  await using _closing = clock;
  await clock.start();
  await box.pass(60 * (60 - minutes));
  service.isUp = false;
  await box.pass(60 * minutes + 1);
  box.insertLeapSecond();
  for (let minute = 0; minute < 30; minute += 1) {
    const { utcMs, phi } = present(clock.now(), "synchronised");
    const trueMs = floorMs(box.utc()) - utcMs;
    expect(present(phi, "the service told").loMs - 1).toBeLessThanOrEqual(trueMs);
    expect(present(phi, "the service told").hiMs + 1).toBeGreaterThanOrEqual(trueMs);
    await box.pass(60);
  }
});

describe("after a suspend", () => {
  /** How far a stamp made now is from the truth, in ms; `null` when it claims nothing. */
  const errorOf = (clock: ClockService, box: SimulatedBox): number | null => {
    const stamp = clock.stamp(box.monotonicNs());
    return stamp.errorBoundMs === null ? null : Math.abs(stamp.utcMs - floorMs(box.utc()));
  };

  test("what the service answered before says nothing any more", async () => {
    const { box, clock, history, service } = site({ servers: trueServer });
    await using _closing = clock;
    await clock.start();
    await box.pass(1200);
    service.isUp = false;
    for (const host of hosts) box.servers.set(host, silent);
    box.suspend(3 * 3600);
    await box.pass(300);
    expect(errorOf(clock, box)).toBeNull();
    expect(clock.now()).toBeNull();
    expect(history.serviceTimes).toEqual([]);
    for (const host of hosts) box.servers.set(host, trueServer);
    service.isUp = true;
    await box.pass(70);
    const { phi } = present(clock.now(), "synchronised again");
    expect(Math.abs(phi?.loMs ?? 0)).toBeLessThan(1_500);
    expect(Math.abs(phi?.hiMs ?? 0)).toBeLessThan(1_500);
  });

  test.each([0, 2])("an answer that was on its way in it and comes %i s after it is none", async (afterS) => {
    const { box, clock, service, answerNow } = site({ servers: trueServer });
    await using _closing = clock;
    await clock.start();
    await box.pass(300);
    service.isUp = false;
    for (const host of hosts) box.servers.set(host, silent);
    const written = answerNow();
    box.suspend(600);
    if (afterS > 0) await box.pass(afterS);
    clock.serviceAnswered({ ...written, receivedNs: box.monotonicNs() });
    await box.pass(1);
    expect(errorOf(clock, box)).toBeNull();
    for (const host of hosts) box.servers.set(host, trueServer);
    await box.pass(140);
    expect(present(clock.now(), "synchronised again").phi).toBeNull();
  });

  test("answers of the same burst from before it are no quorum", async () => {
    const { box, clock, service } = site({ servers: trueServer });
    await using _closing = clock;
    service.isUp = false;
    await clock.start();
    await box.pass(3.5);
    for (const host of hosts) box.servers.set(host, silent);
    box.suspend(3600);
    await box.pass(10);
    expect(errorOf(clock, box)).toBeNull();
  });

  test("one that badged did not see, for it did not run, is found at the next start", async () => {
    const first = site({ servers: trueServer });
    await first.clock.start();
    await first.box.pass(100);
    const stoppedNs = laterBy(first.box.monotonicNs(), -1n);
    await first.clock[Symbol.asyncDispose]();
    first.box.suspend(3600);
    const second = site({ servers: silent, box: first.box, history: first.history });
    await using _closing = second.clock;
    await second.clock.start();
    expect(first.history.events).toMatchObject([{ kind: "suspend", forMs: 3_600_000 }]);
    const breaks = await first.history.breaks();
    const lastAnchor = present((await first.history.anchors(1))[0], "the first run synchronised");
    const reached = (atNs: MonotonicNs) => isUnbroken({ anchors: [], breaks }, lastAnchor.atNs, atNs);
    // It came after all that the first run noted, and before the second.
    expect(reached(stoppedNs)).toBe(true);
    expect(reached(laterBy(first.box.monotonicNs(), 1n))).toBe(false);
  });

  test("whoever asks first for the time finds it", async () => {
    const { box, clock } = site({ servers: trueServer });
    await using _closing = clock;
    await clock.start();
    await box.pass(100);
    const before = box.monotonicNs();
    box.suspend(7200);
    expect(clock.now()).toBeNull();
    expect(clock.momentAt(before).errorBoundMs).toBeNull();
  });
});

describe("an answer of the service that contradicts the quorum", () => {
  const settled = async (offMs = 0) => {
    const found = site({ servers: trueServer, offMs });
    await found.clock.start();
    // The servers are asked every 1024 s by now.
    await found.box.pass(5000);
    return { ...found, polls: found.history.rows.length };
  };

  test("has the servers asked who is right: a box that was frozen as a whole sees it by nothing else", async () => {
    const { box, clock, history, answerNow } = await settled();
    await using _closing = clock;
    box.freeze(3600);
    clock.serviceAnswered(answerNow());
    await box.pass(70);
    // The service, asked anew, takes the side of the newer quorum; the next confirms it.
    expect(clock.status().state).toMatchObject({ kind: "holdover", anchor: { basis: "quorum" } });
    expectTruthInside(clock, box);
    await box.pass(70);
    expect(clock.status().state).toMatchObject({ kind: "synchronised", anchor: { basis: "quorum" } });
    expectTruthInside(clock, box);
    expect(history.events).toMatchObject([{ kind: "contradiction" }]);
  });

  test("has them asked also where the service was known to be wrong, when it is wrong by something else now", async () => {
    const { box, clock, answerNow, polls, history } = await settled(3000);
    await using _closing = clock;
    clock.serviceAnswered(answerNow());
    await box.pass(70);
    expect(history.rows).toHaveLength(polls);
    box.freeze(3600);
    clock.serviceAnswered(answerNow());
    await box.pass(70);
    expect(history.rows.length).toBeGreaterThan(polls);
    expect(clock.now()).toBeNull();
    await box.pass(70);
    expectTruthInside(clock, box);
  });

  test("leaves nothing of what was heard before: how far the service's clock is off is known again at once", async () => {
    const { box, clock, answerNow } = await settled();
    await using _closing = clock;
    box.freeze(3600);
    clock.serviceAnswered(answerNow());
    await box.pass(140);
    expect(clock.status().state.kind).toBe("synchronised");
    const phi = present(clock.now()?.phi, "the service told");
    expect(phi.loMs).toBeGreaterThan(-1500);
    expect(phi.hiMs).toBeLessThan(1500);
  });

  test("has them asked once in an hour, however many there are of the kind", async () => {
    const { box, clock, service, answerNow, polls, history } = await settled();
    await using _closing = clock;
    for (let answers = 0; answers < 60; answers += 1) {
      service.offMs = answers % 2 === 0 ? 5000 : 0;
      clock.serviceAnswered(answerNow());
      await box.pass(59);
    }
    const asGoodRounds = 2 * goodRoundsPerInterval + 3;
    expect(history.rows.length - polls).toBeGreaterThan(goodRoundsPerInterval);
    expect(history.rows.length - polls).toBeLessThanOrEqual(asGoodRounds);
    expect(clock.status().state.kind).toBe("synchronised");
  });
});

test("what the service said before a contradiction of quorums takes no side in it", async () => {
  const { box, clock, service } = site({ servers: trueServer });
  await using _closing = clock;
  await clock.start();
  await box.pass(5000);
  // Its answers of the last hour rest on the time from before, as the older quorum does.
  service.isUp = false;
  box.freeze(600);
  clock.networkUp();
  await box.pass(70);
  expect(clock.now()).toBeNull();
  expect(clock.stamp(box.monotonicNs()).errorBoundMs).toBeNull();
  await box.pass(70);
  expect(clock.status().state).toMatchObject({ kind: "synchronised", anchor: { basis: "quorum" } });
  expectTruthInside(clock, box);
});

describe("a service that contradicts itself while it is all there is", () => {
  const onItsClock = async (history = new MemoryClockHistory()) => {
    const found = site({ servers: silent, history });
    await found.clock.start();
    await found.box.pass(120);
    expect(found.clock.status().state.kind).toBe("holdover");
    return found;
  };

  test("is believed in neither, and again once all that it said in an hour fits one clock", async () => {
    const { box, clock, history, service } = await onItsClock();
    await using _closing = clock;
    const [before, truth] = [box.monotonicNs(), floorMs(box.utc())];
    await box.pass(5);
    service.offMs = 3_600_000;
    await box.pass(2400);
    expect(clock.status().state).toMatchObject({ kind: "untrusted", why: "contradicted" });
    expect(clock.stamp(box.monotonicNs()).errorBoundMs).toBeNull();
    expect(clock.now()).toBeNull();
    expect(history.events).toMatchObject([{ kind: "contradiction" }]);
    expect(history.changes.map(({ to }) => to)).toEqual(["holdover", "untrusted"]);
    service.offMs = 0;
    await box.pass(3 * 3600);
    expect(clock.status().state).toMatchObject({ kind: "holdover", anchor: { basis: "service" } });
    expectTruthInside(clock, box);
    const { utcMs, errorBoundMs } = clock.momentAt(before);
    expect(errorBoundMs === null || Math.abs(utcMs - truth) <= errorBoundMs).toBe(true);
  });

  test.each([
    [1, undefined],
    [2, true],
  ])(
    "is not believed in what is left, be it %i answers, once those that it contradicts are forgotten",
    async (left, isConsistent) => {
      const { box, clock, service, answerNow } = await onItsClock();
      await using _closing = clock;
      service.isUp = false;
      await box.pass(1200);
      service.offMs = 3_600_000;
      for (let answer = 0; answer < left; answer += 1) clock.serviceAnswered(answerNow());
      await box.pass(2700);
      expect(clock.status().service?.consistent).toBe(isConsistent);
      expect(clock.status().state).toMatchObject({ kind: "untrusted", why: "contradicted" });
      clock.serviceAnswered({ ...answerNow(), aged: true });
      expect(clock.status().state).toMatchObject({ kind: "untrusted", why: "contradicted" });
      service.offMs = 0;
      service.isUp = true;
      await box.pass(2 * 3600);
      expectTruthInside(clock, box);
    },
  );

  test("by no more than both may err is believed on", async () => {
    const { box, clock, history, service } = await onItsClock();
    await using _closing = clock;
    service.offMs = 900;
    await box.pass(2400);
    expect(history.events).toEqual([]);
    expectTruthInside(clock, box);
  });

  test("by less than any of its servers may err is believed on, for as long as they answer in turn", async () => {
    const { box, clock, service, answerNow } = await onItsClock();
    await using _closing = clock;
    for (let scan = 0; scan < 12 * 60; scan += 1) {
      service.offMs = scan % 2 === 0 ? 0 : 400;
      await box.pass(60.3);
      clock.serviceAnswered(answerNow());
      expectTruthInside(clock, box);
    }
    expect(clock.status().service?.consistent).toBe(false);
    expect(clock.status().state).toMatchObject({ kind: "holdover", anchor: { basis: "service" } });
  });

  test("is overruled by a quorum at once", async () => {
    const { box, clock, service } = await onItsClock();
    await using _closing = clock;
    service.offMs = 3_600_000;
    await box.pass(2400);
    expect(clock.status().state.kind).toBe("untrusted");
    for (const host of hosts) box.servers.set(host, trueServer);
    await box.pass(300);
    expect(clock.status().state).toMatchObject({ kind: "synchronised", anchor: { basis: "quorum" } });
    expectTruthInside(clock, box);
  });
});

test("a service that a quorum has proven wrong never takes its place, and the alarm stays", async () => {
  const { box, clock } = site({ servers: trueServer, offMs: 10_000 });
  await using _closing = clock;
  await clock.start();
  await box.pass(10);
  for (const host of hosts) box.servers.set(host, silent);
  await box.pass(2700);
  expectTruthInside(clock, box);
  expect(clock.status().state).toMatchObject({ kind: "holdover", anchor: { basis: "quorum" } });
  expect(clock.status().serviceApartNs).toBeGreaterThan(8_000n * nsPerMs);
});

describe("what a quorum has proven of the service's clock", () => {
  const proven = async () => {
    const found = site({ servers: trueServer, offMs: 3_000 });
    await found.clock.start();
    await found.box.pass(300);
    expect(found.clock.status().serviceApartNs).toBeGreaterThan(1_000n * nsPerMs);
    for (const host of hosts) found.box.servers.set(host, silent);
    return found;
  };

  test("outlives a suspend: it is not believed after it either, until a quorum agrees with it", async () => {
    const { box, clock, service, history } = await proven();
    await using _closing = clock;
    box.suspend(600);
    await box.pass(1200);
    expect(service.asked).toBeGreaterThan(8);
    expect(clock.stamp(box.monotonicNs()).errorBoundMs).toBeNull();
    expect(clock.now()).toBeNull();
    expect(history.serviceTimes).toEqual([]);
    service.offMs = 0;
    for (const host of hosts) box.servers.set(host, trueServer);
    await box.pass(2 * 3600);
    for (const host of hosts) box.servers.set(host, silent);
    box.suspend(600);
    await box.pass(1200);
    expect(clock.status().state).toMatchObject({ kind: "holdover", anchor: { basis: "service" } });
    expectTruthInside(clock, box);
  });

  test.each([
    ["outlives a restart, by what the run before it proved", 0, false],
    ["does not outlive a sleep between two runs, of which nobody knows how long the clocks stood", 3600, true],
  ])("%s", async (_, sleptS, isBelieved) => {
    const first = await proven();
    await first.clock.settled();
    await first.clock[Symbol.asyncDispose]();
    first.box.suspend(sleptS);
    const second = site({ servers: silent, offMs: 3_000, box: first.box, history: first.history });
    await using _closing = second.clock;
    await second.clock.start();
    await first.box.pass(300);
    expect(second.clock.now() !== null).toBe(isBelieved);
  });

  test.each([0, 600])("is what is known of it while it does not answer, also after %i s of sleep", async (sleptS) => {
    const { box, clock, service } = await proven();
    await using _closing = clock;
    service.isUp = false;
    for (const host of hosts) box.servers.set(host, trueServer);
    await box.pass(2 * 3600);
    box.suspend(sleptS);
    await box.pass(100);
    const far = present(clock.now()?.phi, "it was proven wrong");
    // As far off as it was, or put right since: then no nearer to UTC than is assumed of one that never was wrong.
    expect(far.loMs).toBeLessThanOrEqual(-2000);
    expect(far.hiMs).toBeGreaterThanOrEqual(3000);
    expect(far.hiMs).toBeLessThanOrEqual(3700);
    service.isUp = true;
    service.offMs = 0;
    await box.pass(3600);
    service.isUp = false;
    await box.pass(2 * 3600);
    expect(present(clock.now(), "synchronised").phi).toBeNull();
  });

  test("is as wide as the quorum's bound left open, whichever quorum is held by then", async () => {
    // The time of these is 450 ms ahead of the truth, as far as their bound allows.
    const { box, clock, service } = site({ servers: { kind: "far", outMs: 900, backMs: 0 }, offMs: 3_000 });
    await using _closing = clock;
    await clock.start();
    await box.pass(300);
    expect(clock.status().serviceApartNs).toBeGreaterThan(1_000n * nsPerMs);
    service.isUp = false;
    for (const host of hosts) box.servers.set(host, trueServer);
    box.suspend(600);
    await box.pass(140);
    const { utcMs, phi } = present(clock.now(), "synchronised");
    expect(present(phi, "it was proven wrong").hiMs).toBeGreaterThanOrEqual(floorMs(box.utc()) + 3_000 - utcMs);
  });

  test("opens no window while our own time is not known well enough to assume anything of it", async () => {
    const { box, clock, service } = await proven();
    await using _closing = clock;
    service.isUp = false;
    await box.pass(12 * 3600);
    expect(clock.status().state).toMatchObject({ kind: "untrusted", why: "bound-too-wide" });
    expect(present(clock.now(), "a bound is claimed").phi).toBeNull();
  });

  test("is found when the quorum comes after it was believed, though it answers no more", async () => {
    const { box, clock, service } = site({ servers: silent, offMs: 10_000 });
    await using _closing = clock;
    await clock.start();
    await box.pass(120);
    expect(clock.status().state.kind).toBe("holdover");
    service.isUp = false;
    for (const host of hosts) box.servers.set(host, trueServer);
    await box.pass(70);
    expect(clock.status().state.kind).toBe("synchronised");
    for (const host of hosts) box.servers.set(host, silent);
    service.isUp = true;
    box.suspend(600);
    await box.pass(300);
    expect(clock.now()).toBeNull();
  });

  test("is taken back while what is left of the quorum proves it right as well", async () => {
    const { box, clock, service } = await proven();
    await using _closing = clock;
    service.offMs = 0;
    await box.pass(12 * 3600);
    expect(clock.status().state).toMatchObject({ kind: "holdover", anchor: { basis: "service" } });
    expectTruthInside(clock, box);
  });

  test("outlives the quorum's bound, however wide that grows", async () => {
    const told: string[] = [];
    const tell = (_: object, message: string): void => void told.push(message);
    const log: Log = { ...silentLog, error: tell, info: tell, child: () => log };
    const { box, clock } = site({ servers: trueServer, offMs: 3_000, log });
    await using _closing = clock;
    await clock.start();
    await box.pass(300);
    for (const host of hosts) box.servers.set(host, silent);
    for (let hour = 0; hour < 12; hour += 1) {
      await box.pass(3600);
      expectTruthInside(clock, box);
    }
    expect(clock.status().state).toMatchObject({ kind: "untrusted", why: "bound-too-wide" });
    expect(told).not.toContain("service's clock and the quorum agree again");
  });
});

test("a contradiction that no server settles is settled by the service, when it takes a side", async () => {
  const { box, clock } = site({ servers: trueServer });
  await using _closing = clock;
  await clock.start();
  await box.pass(2000);
  for (const host of hosts) box.servers.set(host, { kind: "off-by", offMs: 60_000, leap: 0 });
  clock.networkUp();
  await box.pass(3);
  for (const host of hosts) box.servers.set(host, silent);
  await box.pass(4000);
  expect(clock.status().state.kind).toBe("holdover");
  expectTruthInside(clock, box);
});

test("between two quorums that it agrees with the service's clock is the fallback, once no third one comes", async () => {
  const { box, clock } = site({ servers: trueServer });
  await using _closing = clock;
  await clock.start();
  await box.pass(2000);
  for (const host of hosts) box.servers.set(host, { kind: "off-by", offMs: 500, leap: 0 });
  clock.networkUp();
  await box.pass(10);
  expect(clock.now()).toBeNull();
  for (const host of hosts) box.servers.set(host, silent);
  await box.pass(2400);
  expect(clock.status().state).toMatchObject({ kind: "holdover", anchor: { basis: "service" } });
  expectTruthInside(clock, box);
});

describe("a service few of whose answers are wrong", () => {
  const hourMs = 3_600_000;
  const answerOff = ({ clock, service, answerNow }: ReturnType<typeof site>, offMs: number): void => {
    service.offMs = offMs;
    clock.serviceAnswered(answerNow());
    service.offMs = 0;
  };
  const onItsClock = async () => {
    const found = site({ servers: silent });
    await found.clock.start();
    await found.box.pass(120);
    return found;
  };

  test.each([hourMs, -hourMs, 3_000])(
    "one, %i ms off, is asked about at once, and passed over when the next ones agree with those before it",
    async (offMs) => {
      const found = await onItsClock();
      const { box, clock, history } = found;
      await using _closing = clock;
      answerOff(found, offMs);
      expect(clock.now()).toBeNull();
      await box.pass(10);
      expect(clock.now()).not.toBeNull();
      expect(clock.status().service?.consistent).toBe(true);
      expectTruthInside(clock, box);
      await box.pass(2 * 3600);
      expect(history.changes.map(({ to }) => to)).toEqual(["holdover", "untrusted", "holdover"]);
    },
  );

  test("each is passed over for as long as most of an hour are right, and no bound is false", async () => {
    const found = await onItsClock();
    const { box, clock } = found;
    await using _closing = clock;
    for (let scan = 0; scan < 6 * 60; scan += 1) {
      answerOff(found, scan % 3 === 0 ? hourMs + scan * 977 : 0);
      if (clock.stamp(box.monotonicNs()).errorBoundMs !== null) expectTruthInside(clock, box);
      await box.pass(59.3);
      expectTruthInside(clock, box);
      expect(clock.now()).not.toBeNull();
    }
  });

  test("the first of all is passed over once four others agree", async () => {
    const found = site({ servers: null, offMs: hourMs });
    const { box, clock, service } = found;
    await using _closing = clock;
    await clock.start();
    await box.pass(0.1);
    service.offMs = 0;
    await box.pass(60);
    expect(clock.now()).not.toBeNull();
    expectTruthInside(clock, box);
  });

  test("beside a quorum one is no measure of the service's clock before a second confirms it", async () => {
    const found = site({ servers: trueServer });
    const { box, clock } = found;
    await using _closing = clock;
    await clock.start();
    await box.pass(300);
    answerOff(found, hourMs);
    expect(Math.abs(clock.now()?.phi?.hiMs ?? Number.NaN)).toBeLessThan(1_100);
    answerOff(found, hourMs);
    expect(clock.now()?.phi?.hiMs).toBeGreaterThan(hourMs - 1_100);
    await box.pass(10);
    expect(Math.abs(clock.now()?.phi?.hiMs ?? Number.NaN)).toBeLessThan(1_100);
  });

  test("it is not asked more than its series and once a minute, however often it is in doubt", async () => {
    const found = await onItsClock();
    const { box, clock, service } = found;
    await using _closing = clock;
    const askedBefore = service.asked;
    for (let second = 0; second < 3600; second += 1) {
      service.offMs = second % 2 === 0 ? 0 : hourMs;
      await box.pass(1);
      if (second % 20 === 0) answerOff(found, hourMs);
    }
    expect(service.asked - askedBefore).toBeLessThan(8 * 60);
  });
});
