import { describe, expect, test } from "vitest";
import { present } from "../base/assert.ts";
import { elapsedMs, type MonotonicNs, monotonicNs, wallMs } from "../base/time.ts";
import { ManualTime } from "../testing/manual-time.ts";
import { recordingLog } from "../testing/store-fixture.ts";
import { otherChannelMessage } from "./change-log.ts";
import { beginningOf, durationOf, endOf, exemptionOf } from "./explanation.ts";
import { type Layers, nothingSeen } from "./layers.ts";
import { OutageService, type Probes } from "./outage-service.ts";
import type { Heartbeat, OutageStore } from "./outage-store.ts";
import type { Moment, OutageWindow } from "./windows.ts";

const noon = 1_780_000_000_000;

class MemoryOutages implements OutageStore {
  readonly windows = new Map<string, OutageWindow>();
  heartbeat: Heartbeat | null = null;
  beats = 0;

  async saveWindow(window: OutageWindow, heartbeat?: Heartbeat): Promise<void> {
    this.windows.set(window.key, window);
    if (heartbeat !== undefined) await this.beat(heartbeat);
  }
  async openWindow(): Promise<OutageWindow | null> {
    return [...this.windows.values()].find(({ end }) => end === null) ?? null;
  }
  async lastHeartbeat(): Promise<Heartbeat | null> {
    return this.heartbeat;
  }
  async beat(heartbeat: Heartbeat): Promise<void> {
    this.heartbeat = heartbeat;
    this.beats += 1;
  }
}

const well: Layers = { ...nothingSeen, link: "up", lan: "ok", dns: "ok", anchors: "all", service: "ok" };
const cable: Layers = { ...well, link: "down", lan: "failed" };
const provider: Layers = { ...well, anchors: "none", dns: "failed", service: "unreachable" };

/** A site whose layers the test sets; every look takes no time. */
function site(store = new MemoryOutages(), bootId = "boot", time = new ManualTime(noon)) {
  const seen = {
    layers: well,
    dated: true,
    /** Earlier moments are beyond what the clock can reach. */
    datedFromNs: monotonicNs(0n),
    beyond: 0,
    clockOffMs: 0,
    sleeps: 0,
    power: "unknown" as Layers["power"],
    asksUps: async (): Promise<Layers["power"]> => seen.power,
    whileLooking: (): void => {},
  };
  const startNs = time.monotonicNs();
  const moment = (atNs: MonotonicNs): Moment => ({
    bootId,
    monotonicNs: atNs,
    utcMs: wallMs(noon + seen.clockOffMs + elapsedMs(startNs, atNs)),
    errorBoundMs: seen.dated && atNs >= seen.datedFromNs ? 5 : null,
  });
  const probes: Probes = {
    looks: [],
    local: async () => ({ link: seen.layers.link, lan: seen.layers.lan }),
    beyond: async () => {
      seen.beyond += 1;
      const { firstHop, dns, anchors, service, otherChannel } = seen.layers;
      seen.whileLooking();
      return { firstHop, dns, anchors, service, otherChannel };
    },
  };
  const changes: string[] = [];
  const log = recordingLog();
  const service = new OutageService({
    probes,
    store,
    moment,
    power: () => seen.asksUps(),
    sleeps: () => seen.sleeps,
    onSample: () => {},
    onChange: ({ kind }) => changes.push(kind),
    time,
    log,
  });
  return { time, store, seen, changes, service, log };
}

const causesOf = (window: OutageWindow): readonly string[] => window.segments.map(({ finding }) => finding.cause);

test("in peace the local layers are looked at every 5 s, what lies beyond every 30 s, and one beat in ten minutes is written", async () => {
  const { time, store, seen, service } = site();
  await using _closing = service;
  await service.start();
  await time.advance(3_600_000);
  expect(seen.beyond).toBeGreaterThanOrEqual(119);
  expect(seen.beyond).toBeLessThanOrEqual(121);
  expect(store.beats).toBeLessThanOrEqual(7);
  expect([...store.windows.values()]).toEqual([]);
});

test("a fault of a local layer opens a window within 15 s, dated from the first failing look, closed within 5 s", async () => {
  const { time, store, seen, changes, service } = site();
  await using _closing = service;
  await service.start();
  await time.advance(12_000);
  const faultMs = noon + 12_000;
  seen.layers = cable;
  await time.advance(15_000);
  expect(changes).toEqual(["opened"]);
  const [opened] = [...store.windows.values()];
  expect(causesOf(present(opened, "opened"))).toEqual(["own-network"]);
  expect(present(opened, "opened").firstBad.utcMs - faultMs).toBeLessThanOrEqual(5_000);
  expect(present(opened, "opened").lastGood?.utcMs).toBeLessThanOrEqual(faultMs);
  seen.layers = well;
  await time.advance(5_000);
  expect(changes).toEqual(["opened", "closed"]);
});

test("a fault that only the anchors see opens a window within 45 s", async () => {
  const { time, changes, seen, service } = site();
  await using _closing = service;
  await service.start();
  await time.advance(31_000);
  seen.layers = provider;
  await time.advance(45_000);
  expect(changes).toEqual(["opened"]);
});

test("a store that cannot be read at the start leaves the watch at work", async () => {
  const store = new MemoryOutages();
  const time = new ManualTime(noon);
  store.lastHeartbeat = async () => {
    throw new Error("database or disk is full");
  };
  const { seen, changes, service } = site(store, "boot", time);
  await using _closing = service;
  await service.start();
  await time.advance(6_000);
  seen.layers = cable;
  await time.advance(15_000);
  expect(changes).toEqual(["opened"]);
});

test.each([
  ["the site's own", cable, 1],
  ["the provider's", provider, 0],
] as const)("a failure that is %s has people told of another channel at once, or not", async (_, layers, times) => {
  const { time, log, seen, service } = site();
  await using _closing = service;
  await service.start();
  await time.advance(31_000);
  seen.layers = layers;
  await time.advance(300_000);
  const told = log.lines.filter(({ message }) => message === otherChannelMessage);
  expect(told).toHaveLength(times);
  for (const { fields } of told) {
    expect(fields).toMatchObject({ onlineService: "https://checkinout-management.socialsecurity.be/" });
  }
});

describe("what the forwarder's calls say", () => {
  test("a failing call has everything looked into at once", async () => {
    const { time, changes, seen, service } = site();
    await using _closing = service;
    await service.start();
    await time.advance(31_000);
    seen.layers = { ...well, service: "unreachable" };
    service.callEnded("unreachable");
    await time.advance(15_000);
    expect(changes).toEqual(["opened"]);
  });

  test("a service that refuses us is our fault until it takes a call, however healthy it says it is", async () => {
    const { time, store, changes, service } = site();
    await using _closing = service;
    await service.start();
    await time.advance(1_000);
    service.callEnded("refuses-us");
    await time.advance(60_000);
    expect(changes).toEqual(["opened"]);
    expect(causesOf(present([...store.windows.values()][0], "opened"))).toEqual(["own-software"]);
    service.callEnded("ok");
    await time.advance(5_000);
    expect(changes).toEqual(["opened", "closed"]);
  });

  test("calls that all end in 5xx are an outage whose cause nobody knows, however healthy the service says it is", async () => {
    const { time, store, changes, service } = site();
    await using _closing = service;
    await service.start();
    await time.advance(1_000);
    service.callEnded("server-error");
    await time.advance(60_000);
    expect(changes).toEqual([]);
    for (let call = 0; call < 5; call += 1) {
      service.callEnded("server-error");
      await time.advance(60_000);
    }
    expect(changes).toEqual(["opened"]);
    const [window] = [...store.windows.values()];
    expect(causesOf(present(window, "opened"))).toEqual(["unknown"]);
    service.callEnded("ok");
    await time.advance(5_000);
    expect(changes).toEqual(["opened", "closed"]);
  });

  test("calls that nobody answers are one as well, however healthy the service says it is", async () => {
    const { time, store, changes, service } = site();
    await using _closing = service;
    await service.start();
    await time.advance(1_000);
    for (let call = 0; call < 5; call += 1) {
      service.callEnded("unreachable");
      await time.advance(60_000);
    }
    expect(changes).toEqual(["opened"]);
    expect([...store.windows.values()].map(causesOf)).toEqual([["unknown"]]);
    service.callEnded("ok");
    await time.advance(5_000);
    expect(changes).toEqual(["opened", "closed"]);
  });

  test.each(["server-error", "unreachable"] as const)(
    "a service that takes our calls is no failure of its own, however often its health is %s",
    async (health) => {
      const { time, store, seen, changes, service } = site();
      await using _closing = service;
      await service.start();
      await time.advance(31_000);
      seen.layers = { ...well, service: health };
      for (let call = 0; call < 18; call += 1) {
        service.callEnded("ok");
        await time.advance(41_000);
      }
      const windows = [...store.windows.values()];
      expect(windows.map((window) => exemptionOf({ window, otherChannelWorked: false }))).toEqual(["ambiguous"]);
      // When calls fail as well it is the service's failure.
      service.callEnded("server-error");
      await time.advance(20_000);
      const [window] = [...store.windows.values()];
      expect(causesOf(present(window, "opened")).at(-1)).toBe("service");
      seen.layers = well;
      await time.advance(10_000);
      expect(changes.at(-1)).toBe("closed");
    },
  );

  test("a service that takes calls before it says that it is well again was the one that failed", async () => {
    const { time, store, seen, changes, service } = site();
    await using _closing = service;
    await service.start();
    await time.advance(31_000);
    seen.layers = { ...well, service: "server-error" };
    service.callEnded("ok");
    await time.advance(3_600_000);
    for (let call = 0; call < 5; call += 1) {
      service.callEnded("ok");
      await time.advance(21_000);
    }
    seen.layers = well;
    await time.advance(6_000);
    expect(changes).toEqual(["opened", "closed"]);
    expect([...store.windows.values()].map(causesOf)).toEqual([["service"]]);
  });

  test("that were taken say nothing more of it once there is no token to call with", async () => {
    const { time, store, seen, service } = site();
    await using _closing = service;
    await service.start();
    await time.advance(32_000);
    seen.layers = { ...well, service: "server-error" };
    for (let minute = 0; minute < 12; minute += 1) {
      await time.advance(60_000);
      service.callEnded("ok");
    }
    await time.advance(60_000);
    service.tokenSeen("failed", time.monotonicNs());
    await time.advance(60_000);
    expect([...store.windows.values()].map(causesOf)).toEqual([["service", "unknown", "service"]]);
  });

  test("a service that is down and takes a call now and then, or for minutes as it comes back, was the one that failed", async () => {
    const { time, store, seen, service } = site();
    await using _closing = service;
    await service.start();
    await time.advance(31_000);
    seen.layers = { ...well, service: "server-error" };
    const calls = async (states: readonly Layers["service"][], everyMs: number): Promise<void> => {
      for (const state of states) {
        await time.advance(everyMs);
        service.callEnded(state);
      }
    };
    for (let hour = 0; hour < 6; hour += 1) await calls(["server-error", "ok", "ok", "unreachable"], 900_000);
    await calls(Array(20).fill("ok"), 20_000);
    seen.layers = well;
    await time.advance(6_000);
    expect([...store.windows.values()].map(causesOf)).toEqual([["service"]]);
  });

  test.each(["server-error", "unreachable"] as const)(
    "a service that says that it is well before it takes calls again was the one that failed, though they end in %s",
    async (end) => {
      const { time, store, seen, service } = site();
      await using _closing = service;
      await service.start();
      await time.advance(32_000);
      seen.layers = { ...well, service: "unreachable" };
      await time.advance(6 * 3_600_000);
      seen.layers = well;
      await time.advance(6_000);
      for (const backoffMs of [1_000, 2_000, 4_000, 8_000, 16_000]) {
        service.callEnded(end);
        await time.advance(backoffMs);
      }
      service.callEnded("ok");
      await time.advance(300_000);
      const windows = [...store.windows.values()];
      expect(windows.map((window) => [causesOf(window), window.flaps])).toEqual([[["service"], 0]]);
    },
  );

  test("a line that lets a call through now and then is the provider's failure all the same", async () => {
    const { time, store, seen, service } = site();
    await using _closing = service;
    await service.start();
    await time.advance(31_000);
    seen.layers = provider;
    for (let call = 0; call < 5; call += 1) {
      service.callEnded("ok");
      await time.advance(40_000);
    }
    expect([...store.windows.values()].map(causesOf)).toEqual([["internet-provider"]]);
  });

  test("calls in vain while the service said that it was down keep no window open after that", async () => {
    const { time, seen, changes, service } = site();
    await using _closing = service;
    await service.start();
    await time.advance(1_000);
    seen.layers = { ...well, service: "server-error" };
    for (let call = 0; call < 5; call += 1) {
      service.callEnded("server-error");
      await time.advance(20_000);
    }
    seen.layers = well;
    await time.advance(6_000);
    expect(changes).toEqual(["opened", "closed"]);
  });

  test("a call speaks no longer than the longest wait for the next", async () => {
    const { time, changes, service } = site();
    await using _closing = service;
    await service.start();
    await time.advance(1_000);
    for (let call = 0; call < 2; call += 1) {
      service.callEnded("server-error");
      await time.advance(60_000);
    }
    expect(changes).toEqual(["opened"]);
    await time.advance(60 * 60_000);
    expect(changes).toEqual(["opened"]);
    await time.advance(15 * 60_000);
    expect(changes).toEqual(["opened", "closed"]);
  });

  test("a call that was taken just before the cable was out does not hide that it is", async () => {
    const { time, changes, seen, service } = site();
    await using _closing = service;
    await service.start();
    await time.advance(32_000);
    service.callEnded("ok");
    seen.layers = cable;
    await time.advance(18_000);
    expect(changes).toEqual(["opened"]);
  });

  test("a call that failed while the cable was out is not the first of two in vain after it", async () => {
    const { time, store, seen, service } = site();
    await using _closing = service;
    await service.start();
    await time.advance(32_000);
    seen.layers = cable;
    await time.advance(30_000);
    service.callEnded("unreachable");
    await time.advance(60_000);
    seen.layers = well;
    await time.advance(6_000);
    service.callEnded("unreachable");
    await time.advance(60_000);
    expect([...store.windows.values()].map(causesOf)).toEqual([["own-network"]]);
  });

  test("one failed call is no outage when the service is well", async () => {
    const { time, changes, service } = site();
    await using _closing = service;
    await service.start();
    await time.advance(1_000);
    service.callEnded("unreachable");
    await time.advance(120_000);
    expect(changes).toEqual([]);
  });
});

describe("the run before", () => {
  const lastBeat = (ended: boolean, bootId: string, power: Layers["power"] = "unknown"): Heartbeat => ({
    at: { bootId, monotonicNs: monotonicNs(5n), utcMs: wallMs(noon - 600_000), errorBoundMs: 5 },
    ended,
    power,
  });

  test.each([
    ["died in this boot", lastBeat(false, "boot"), "own-software"],
    ["was stopped", lastBeat(true, "boot"), "operator"],
    ["was shut down with its box", lastBeat(true, "earlier"), "operator"],
    ["lost its power", lastBeat(false, "earlier"), "power-unproven"],
    ["lost its power behind a UPS on battery", lastBeat(false, "earlier", "battery"), "power-supplier"],
    ["was unplugged behind a UPS on mains", lastBeat(false, "earlier", "mains"), "own-power"],
  ])("that %s is a window of its own", async (_, heartbeat, cause) => {
    const store = new MemoryOutages();
    store.heartbeat = heartbeat;
    const { time, service } = site(store);
    await using _closing = service;
    await service.start();
    await time.advance(1_000);
    const [window] = [...store.windows.values()];
    expect(causesOf(present(window, "told"))).toEqual([cause]);
    expect(window).toMatchObject({ lastGood: heartbeat.at, end: { firstGood: { utcMs: noon } } });
  });

  test("is told once the clock can date it, and its sign of life is kept until then", async () => {
    const store = new MemoryOutages();
    store.heartbeat = lastBeat(false, "earlier");
    const { time, seen, service } = site(store);
    await using _closing = service;
    seen.dated = false;
    await service.start();
    await time.advance(1_200_000);
    expect([store.windows.size, store.beats, store.heartbeat?.at.bootId]).toEqual([0, 1, "earlier"]);
    seen.dated = true;
    await time.advance(10_000);
    expect([store.windows.size, store.beats, store.heartbeat?.at.bootId]).toEqual([1, 2, "boot"]);
  });

  test("is told without a bound when the clock knows the time now, and will never know that of the start", async () => {
    const store = new MemoryOutages();
    store.heartbeat = lastBeat(false, "earlier");
    const { time, seen, service } = site(store);
    await using _closing = service;
    seen.dated = false;
    await service.start();
    await time.advance(60_000);
    seen.datedFromNs = time.monotonicNs();
    seen.dated = true;
    await time.advance(10_000);
    expect([store.windows.size, store.heartbeat?.at.bootId]).toEqual([1, "boot"]);
    const [window] = [...store.windows.values()];
    expect(window).toMatchObject({ firstBad: { errorBoundMs: null }, end: { firstGood: { errorBoundMs: null } } });
    expect(beginningOf(present(window, "told")).isProven).toBe(false);
  });

  test("that lost its power did not lose it for as long as the box then ran without badged", async () => {
    const store = new MemoryOutages();
    const beat = lastBeat(false, "earlier", "battery");
    store.heartbeat = { ...beat, at: { ...beat.at, utcMs: wallMs(noon - 3 * 24 * 3_600_000) } };
    const time = new ManualTime(noon);
    await time.advance(2 * 24 * 3_600_000);
    const startedNs = time.monotonicNs();
    const { service } = site(store, "boot", time);
    await using _closing = service;
    await service.start();
    await time.advance(1_000);
    const told = [...store.windows.values()].map((window) => [
      causesOf(window),
      beginningOf(window),
      endOf(window)?.toMs,
    ]);
    const bootedMs = noon - elapsedMs(monotonicNs(0n), startedNs);
    expect(told).toEqual([
      [["own-software"], { fromMs: bootedMs - 5, toMs: noon + 5, isProven: true }, noon + 5],
      [["power-supplier"], { fromMs: noon - 3 * 24 * 3_600_000 - 5, toMs: bootedMs + 5, isProven: true }, bootedMs + 5],
    ]);
  });

  test("that lost its power is told once, and not as the end of the run that told of it and was killed", async () => {
    const store = new MemoryOutages();
    store.heartbeat = lastBeat(false, "earlier", "battery");
    const first = site(store);
    first.seen.asksUps = () => new Promise(() => {});
    await first.service.start();
    await first.time.advance(60_000);
    expect([...store.windows.values()].map(causesOf)).toEqual([["power-supplier"]]);
    // Killed while its UPS was asked.
    const second = site(store, "boot", first.time);
    await using _closing = second.service;
    await second.service.start();
    await first.time.advance(10_000);
    expect([...store.windows.values()].map(causesOf)).toEqual([["power-supplier"], ["own-software"]]);
  });

  test.each([1, 2])(
    "whose power and start are two windows is told of once, killed before commit %i of them",
    async (commit) => {
      const store = new MemoryOutages();
      store.heartbeat = lastBeat(false, "earlier", "battery");
      const time = new ManualTime(noon);
      await time.advance(3_600_000);
      const first = site(store, "boot", time);
      const save = store.saveWindow.bind(store);
      let commits = 0;
      store.saveWindow = async (window, heartbeat) => {
        commits += 1;
        await (commits < commit ? save(window, heartbeat) : new Promise(() => {}));
      };
      await first.service.start();
      await time.advance(10_000);
      store.saveWindow = save;
      const second = site(store, "boot", time);
      await using _closing = second.service;
      await second.service.start();
      await time.advance(10_000);
      expect([...store.windows.values()].map(causesOf)).toEqual([["own-software"], ["power-supplier"]]);
    },
  );

  test("that died before it learned the time of its boot is no part of the power cut before that", async () => {
    const store = new MemoryOutages();
    store.heartbeat = lastBeat(false, "earlier", "battery");
    const time = new ManualTime(noon);
    await time.advance(20_000);
    const first = site(store, "boot", time);
    first.seen.dated = false;
    await first.service.start();
    await time.advance(200_000);
    const second = site(store, "boot", time);
    await using _closing = second.service;
    await second.service.start();
    await time.advance(10_000);
    expect([...store.windows.values()].map(causesOf)).toEqual([["own-software"], ["power-supplier"]]);
  });

  test("that lost its power is told as nobody knows why when a run in between never learned the time, and ended who knows how", async () => {
    const store = new MemoryOutages();
    store.heartbeat = lastBeat(false, "earlier", "battery");
    const between = site(store, "between");
    between.seen.dated = false;
    await between.service.start();
    await between.time.advance(60_000);
    await between.service[Symbol.asyncDispose]();
    expect(store.windows.size).toBe(0);
    const { time, service } = site(store, "boot");
    await using _closing = service;
    await service.start();
    await time.advance(1_000);
    const findings = [...store.windows.values()].flatMap(({ segments }) => segments.map(({ finding }) => finding));
    expect(findings.map(({ cause, exemption }) => [cause, exemption])).toEqual([["power-unproven", "ambiguous"]]);
  });

  test("a first start follows no run", async () => {
    const { time, store, service } = site();
    await using _closing = service;
    await service.start();
    await time.advance(60_000);
    expect(store.windows.size).toBe(0);
  });
});

test("a UPS that turns to battery is written down at once", async () => {
  const { time, store, seen, service } = site();
  await using _closing = service;
  seen.power = "mains";
  await service.start();
  await time.advance(31_000);
  const beats = store.beats;
  expect(store.heartbeat?.power).toBe("mains");
  seen.power = "battery";
  await time.advance(30_000);
  expect([store.heartbeat?.power, store.beats]).toEqual(["battery", beats + 1]);
});

test("a stop in order is written down", async () => {
  const { time, store, service } = site();
  await service.start();
  await time.advance(1_000);
  await service[Symbol.asyncDispose]();
  expect(store.heartbeat?.ended).toBe(true);
});

test("a window that lasted through a restart goes on, with the time between as a gap", async () => {
  const store = new MemoryOutages();
  const first = site(store);
  await first.service.start();
  await first.time.advance(6_000);
  first.seen.layers = provider;
  await first.time.advance(60_000);
  await first.service[Symbol.asyncDispose]();
  await first.time.advance(60_000);
  const second = site(store, "boot", first.time);
  await using _closing = second.service;
  second.seen.layers = provider;
  await second.service.start();
  await first.time.advance(10_000);
  second.seen.layers = well;
  await first.time.advance(10_000);
  const [outage] = [...store.windows.values()].filter(({ key }) => !key.endsWith("/run"));
  expect(outage).toMatchObject({ gaps: [{}], flaps: 0 });
  expect(outage?.end).not.toBeNull();
});

test("a window that began after the last sign of life, and lasted when badged was killed, does not end before it began", async () => {
  const store = new MemoryOutages();
  const { time, service, seen } = site(store);
  await service.start();
  await time.advance(180_000);
  seen.layers = provider;
  await time.advance(120_000);
  // Killed: the service is not disposed of, and no end of the run is written.
  const began = present([...store.windows.values()][0], "opened").firstBad;
  expect(present(store.heartbeat, "one at the start").at.monotonicNs).toBeLessThan(began.monotonicNs);
  const second = site(store, "boot", time);
  await using _closing = second.service;
  await second.service.start();
  await time.advance(10_000);
  const outage = present(store.windows.get(`boot/${began.monotonicNs}`), "the same window");
  expect(outage.end?.lastBad).toEqual(began);
  expect(outage.gaps.map(({ from }) => from)).toEqual([began]);
});

test("moments from before the clock knew the time are dated when it does", async () => {
  const { time, store, seen, service } = site();
  await using _closing = service;
  seen.dated = false;
  seen.layers = cable;
  await service.start();
  await time.advance(30_000);
  expect([...store.windows.values()][0]?.firstBad.errorBoundMs).toBeNull();
  seen.dated = true;
  seen.layers = well;
  await time.advance(10_000);
  expect([...store.windows.values()][0]).toMatchObject({
    firstBad: { errorBoundMs: 5 },
    openedAt: { errorBoundMs: 5 },
  });
});

test("a sleep in the middle of an outage is a gap, though monotonic time stood still in it", async () => {
  const { time, store, seen, service } = site();
  await using _closing = service;
  await service.start();
  await time.advance(6_000);
  seen.layers = cable;
  await time.advance(60_000);
  seen.sleeps += 1;
  seen.clockOffMs = 3 * 3_600_000;
  await time.advance(60_000);
  seen.layers = well;
  await time.advance(10_000);
  const window = present([...store.windows.values()][0], "told");
  expect(window.gaps).toHaveLength(1);
  const { atLeastMs, atMostMs } = durationOf(window);
  expect(atLeastMs).toBeLessThan(120_000);
  expect(atMostMs).toBeGreaterThan(3 * 3_600_000);
});

test("moments that the clock will never know are told as best as it can once it knows the time, and not waited for", async () => {
  const { time, store, seen, service } = site();
  await using _closing = service;
  seen.dated = false;
  seen.layers = cable;
  await service.start();
  await time.advance(30_000);
  expect(store.windows.size).toBe(1);
  seen.datedFromNs = time.monotonicNs();
  seen.dated = true;
  seen.clockOffMs = 3_600_000;
  let saves = 0;
  const { saveWindow } = store;
  store.saveWindow = (window) => {
    saves += 1;
    return saveWindow.call(store, window);
  };
  await time.advance(60_000);
  expect(saves).toBe(1);
  expect([...store.windows.values()][0]?.firstBad).toMatchObject({ errorBoundMs: null });
  expect([...store.windows.values()][0]?.firstBad.utcMs).toBeGreaterThanOrEqual(noon + 3_600_000);
  seen.layers = well;
  await time.advance(10_000);
  const [closed] = [...store.windows.values()];
  expect(closed).toMatchObject({ firstBad: { errorBoundMs: null }, end: { firstGood: { errorBoundMs: 5 } } });
});

describe("what the token endpoint says", () => {
  const looksMs = 3 * 5_000;

  test.each([
    ["failed", "service", "presumed"],
    ["refuses-us", "own-software", "not-exempt"],
  ] as const)(
    "%s with a service that is well opens a window of cause %s, and its success closes it",
    async (state, cause, exemption) => {
      const { time, store, changes, service } = site();
      await using _closing = service;
      await service.start();
      await time.advance(60_000);
      service.tokenSeen(state, time.monotonicNs());
      await time.advance(looksMs);
      expect(changes).toEqual(["opened"]);
      const window = present([...store.windows.values()][0], "opened");
      expect(window.segments.map(({ finding }) => [finding.cause, finding.exemption])).toEqual([[cause, exemption]]);
      expect(window.segments[0].layers.token).toBe(state);
      service.tokenSeen("ok", time.monotonicNs());
      await time.advance(0);
      expect(changes).toEqual(["opened", "closed"]);
    },
  );

  test("one that failed together with the network does not outlive it", async () => {
    const { time, store, seen, changes, service } = site();
    await using _closing = service;
    await service.start();
    await time.advance(31_000);
    seen.layers = provider;
    service.tokenSeen("failed", time.monotonicNs());
    await time.advance(60_000);
    seen.layers = well;
    await time.advance(5_000);
    expect(changes).toEqual(["opened", "closed"]);
    expect(causesOf(present([...store.windows.values()][0], "opened"))).toEqual(["internet-provider"]);
  });

  test("a request that left into the outage says nothing of the endpoint when it fails after its end", async () => {
    const { time, store, seen, service } = site();
    await using _closing = service;
    await service.start();
    await time.advance(31_000);
    seen.layers = provider;
    await time.advance(60_000);
    const askedNs = time.monotonicNs();
    seen.layers = well;
    await time.advance(5_000);
    service.tokenSeen("failed", askedNs);
    await time.advance(60_000);
    expect([...store.windows.values()].map(causesOf)).toEqual([["internet-provider"]]);
    expect(service.status.layers.token).toBe("unknown");
  });

  test("what it says in the middle of a look is judged with the answers of the next, not with older ones", async () => {
    const { time, store, seen, service } = site();
    await using _closing = service;
    await service.start();
    await time.advance(20_000);
    seen.whileLooking = () => {
      seen.whileLooking = () => {};
      seen.layers = { ...well, dns: "failed" };
      service.tokenSeen("failed", time.monotonicNs());
    };
    await time.advance(60_000);
    expect(causesOf(present([...store.windows.values()][0], "opened"))).toEqual(["unknown"]);
  });

  test("one that failed for want of a name server does not outlive that, though the service answered all the while", async () => {
    const { time, store, seen, changes, service } = site();
    await using _closing = service;
    await service.start();
    await time.advance(31_000);
    seen.layers = { ...well, dns: "failed" };
    service.tokenSeen("unproven", time.monotonicNs());
    await time.advance(60_000);
    seen.layers = well;
    await time.advance(5_000);
    expect(changes).toEqual(["opened", "closed"]);
    expect(causesOf(present([...store.windows.values()][0], "opened"))).toEqual(["unknown"]);
  });

  test("and one that fails on when the service is back is told as the service's failure", async () => {
    const { time, store, seen, service } = site();
    await using _closing = service;
    await service.start();
    await time.advance(31_000);
    seen.layers = provider;
    service.tokenSeen("failed", time.monotonicNs());
    await time.advance(60_000);
    seen.layers = well;
    await time.advance(5_000);
    service.tokenSeen("failed", time.monotonicNs());
    await time.advance(looksMs);
    const causes = [...store.windows.values()].flatMap(causesOf);
    expect(causes).toEqual(["internet-provider", "service"]);
  });

  test("a wrong key is not forgiven because the service came back", async () => {
    const { time, seen, service } = site();
    await using _closing = service;
    await service.start();
    service.tokenSeen("refuses-us", time.monotonicNs());
    seen.layers = provider;
    await time.advance(60_000);
    seen.layers = well;
    await time.advance(60_000);
    expect(service.status.layers.token).toBe("refuses-us");
    expect(service.status.kind).toBe("open");
  });
});

test("a close that the disk refused once does not make the outage last until the next restart", async () => {
  const { time, store, seen, service } = site();
  await service.start();
  await time.advance(31_000);
  seen.layers = provider;
  await time.advance(60_000);
  const save = store.saveWindow.bind(store);
  store.saveWindow = async () => {
    throw new Error("database is locked");
  };
  seen.layers = well;
  await time.advance(20_000);
  store.saveWindow = save;
  await time.advance(3 * 3_600_000);
  await service[Symbol.asyncDispose]();
  await time.advance(5_000);
  const next = site(store, "boot", time);
  await next.service.start();
  await time.advance(6_000);
  await next.service[Symbol.asyncDispose]();
  const window = present(
    [...store.windows.values()].find(({ key }) => !key.endsWith("/run")),
    "window",
  );
  expect(present(window.end, "ended").lastBad.utcMs - noon).toBeLessThan(120_000);
});

test("a window that ended before the clock was known is dated once it is", async () => {
  const { time, store, seen, service } = site();
  seen.dated = false;
  seen.layers = provider;
  await service.start();
  await time.advance(20_000);
  seen.layers = well;
  await time.advance(6_000);
  seen.dated = true;
  await time.advance(600_000);
  await service[Symbol.asyncDispose]();
  const [window] = [...store.windows.values()];
  expect(present(window, "window").end).not.toBeNull();
  expect(present(window, "window").firstBad.errorBoundMs).toBe(5);
});

test("a window that opened before the clock was known stays dated over a restart", async () => {
  const { time, store, seen, service } = site();
  seen.dated = false;
  seen.layers = provider;
  await service.start();
  await time.advance(20_000);
  seen.dated = true;
  await time.advance(3 * 3_600_000);
  await service[Symbol.asyncDispose]();
  const next = site(store, "boot 2", time);
  await next.service.start();
  await time.advance(60_000);
  await next.service[Symbol.asyncDispose]();
  const window = [...store.windows.values()].find(({ key }) => !key.endsWith("/run"));
  expect(present(window, "window").firstBad.errorBoundMs).toBe(5);
});

test("a disk that refuses for a day neither fills the log nor makes the watch deaf to the UPS", async () => {
  const { time, store, seen, service, log } = site();
  await service.start();
  await time.advance(31_000);
  store.saveWindow = async () => {
    throw new Error("database or disk is full");
  };
  seen.layers = provider;
  await time.advance(60_000);
  seen.power = "battery";
  await time.advance(24 * 3_600_000);
  await service[Symbol.asyncDispose]();
  const said = log.lines.map(({ message }) => message);
  expect(said).toContain("the supply of the box changed");
  expect(said.filter((message) => message === "outage not written")).toHaveLength(1);
});
