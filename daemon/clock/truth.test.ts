import fc from "fast-check";
import { expect, test } from "vitest";
import { present } from "../base/assert.ts";
import { silentLog } from "../base/log.ts";
import { seededRandom } from "../base/random.ts";
import { parseUtcText } from "../base/system-time.ts";
import { type MonotonicNs, wallMs } from "../base/time.ts";
import { MemoryClockHistory } from "../testing/chrony/memory-clock-history.ts";
import { SimulatedBox, type SimulatedServer, trueServer } from "../testing/chrony/simulated-box.ts";
import { ClockService } from "./clock-service.ts";
import { answerAgeMaxNs } from "./service-clock.ts";
import { agreeingMin } from "./service-dissent.ts";
import type { Stamp } from "./stamp.ts";
import { retroactiveStamp } from "./stamping.ts";
import { suspendThresholdMs, uptimeStepMs } from "./step-watch.ts";
import { floorMs, laterBy, nsPerMs, type UtcNs, utcNsOfWall } from "./utc.ts";

const start = present(parseUtcText("2026-03-14T05:59:00Z"), "a moment");
const hosts = ["a", "b", "c", "d"] as const;
const silent: SimulatedServer = { kind: "silent" };
const roundTripNs = 40n * nsPerMs;
const hourMs = 3_600_000;
/** Moments that are asked for again and again. */
const rememberedMax = 40;

type Happening =
  | { readonly kind: "passes" | "sleeps" | "stands-still"; readonly seconds: number }
  | { readonly kind: "restarts"; readonly offS: number; readonly sleptS: number }
  | { readonly kind: "system-clock-set"; readonly byMs: number }
  | { readonly kind: "temperature"; readonly byPpm: number }
  | { readonly kind: "network"; readonly isOpen: boolean }
  | { readonly kind: "liar"; readonly host: string; readonly offMs: number }
  | { readonly kind: "mute"; readonly host: string }
  | { readonly kind: "kisses"; readonly host: string; readonly code: string }
  | { readonly kind: "lopsided"; readonly outMs: number; readonly backMs: number }
  | { readonly kind: "service"; readonly isUp: boolean; readonly offMs: number }
  | { readonly kind: "odd-answer"; readonly offMs: number };

const double = (min: number, max: number): fc.Arbitrary<number> => fc.double({ min, max, noNaN: true });
const host = fc.constantFrom(...hosts);
/** Less than this the uptime may hide. */
const sleepMinS = (suspendThresholdMs + uptimeStepMs + 2) / 1000;

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("passes" as const), seconds: double(0.1, 3000) }) },
  fc.record({
    kind: fc.constant("sleeps" as const),
    seconds: fc.oneof(double(sleepMinS, 3), double(3, 20_000)),
  }),
  fc.record({ kind: fc.constant("stands-still" as const), seconds: fc.oneof(double(0.01, 5), double(5, 20_000)) }),
  fc.record({
    kind: fc.constant("restarts" as const),
    offS: double(0, 500),
    // Between two runs one of a tenth of a second is hidden.
    sleptS: fc.oneof(fc.constant(0), double(0.2, 5000)),
  }),
  fc.record({
    kind: fc.constant("system-clock-set" as const),
    byMs: fc.integer({ min: -10_000_000, max: 10_000_000 }),
  }),
  fc.record({ kind: fc.constant("temperature" as const), byPpm: fc.integer({ min: -2, max: 2 }) }),
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("network" as const), isOpen: fc.boolean() }) },
  fc.record({
    kind: fc.constant("liar" as const),
    host,
    offMs: fc.oneof(fc.integer({ min: -60, max: 60 }), fc.integer({ min: -100_000, max: 100_000 })),
  }),
  fc.record({ kind: fc.constant("mute" as const), host }),
  fc.record({ kind: fc.constant("kisses" as const), host, code: fc.constantFrom("DENY", "RATE") }),
  fc.record({
    kind: fc.constant("lopsided" as const),
    outMs: fc.integer({ min: 0, max: 900 }),
    backMs: fc.integer({ min: 0, max: 900 }),
  }),
  // As far off as nobody could tell from the truth without a quorum.
  fc.record({
    kind: fc.constant("service" as const),
    isUp: fc.boolean(),
    offMs: fc.integer({ min: -900, max: 900 }),
  }),
  // Beyond what the other answers, an hour old, leave open.
  fc.record({ kind: fc.constant("odd-answer" as const), offMs: fc.constantFrom(-hourMs, -8_000, 8_000, hourMs) }),
);

/** A box whose badges are stamped at odd moments, with the truth beside each. */
class WatchedBox {
  readonly box = new SimulatedBox(start);
  readonly history = new MemoryClockHistory();
  claims = 0;
  clock: ClockService;
  #service = { isUp: true, offMs: 0 };
  /** When the service gave which answers to this run, since the box slept last. */
  #answered: { readonly atNs: MonotonicNs; readonly isRight: boolean }[] = [];
  readonly #moments: { readonly atNs: MonotonicNs; readonly utc: UtcNs }[] = [];
  readonly #undated: { readonly stamp: Stamp; readonly utc: UtcNs }[] = [];

  constructor(crystalPpm: number) {
    this.box.crystalPpm = crystalPpm;
    this.clock = this.#compose();
  }

  async happens(what: Happening): Promise<void> {
    const { box } = this;
    switch (what.kind) {
      case "passes":
        return await box.pass(what.seconds);
      case "sleeps":
        this.#answered = [];
        return box.suspend(what.seconds);
      case "restarts":
        await this.clock[Symbol.asyncDispose]();
        this.#answered = [];
        await box.pass(what.offS);
        box.suspend(what.sleptS);
        this.clock = this.#compose();
        await box.pass(0.5);
        return await this.clock.start();
      case "system-clock-set":
        box.wallOffMs += what.byMs;
        return;
      case "temperature":
        box.crystalPpm += what.byPpm;
        return;
      case "network":
        for (const each of hosts) box.servers.set(each, what.isOpen ? trueServer : silent);
        return;
      case "liar":
        // One at a time: more of them are a majority.
        for (const each of hosts) if (box.servers.get(each)?.kind === "off-by") box.servers.set(each, trueServer);
        if (box.servers.get(what.host) !== silent)
          box.servers.set(what.host, { kind: "off-by", offMs: what.offMs, leap: 0 });
        return;
      case "mute":
        box.servers.set(what.host, silent);
        return;
      case "kisses":
        box.servers.set(what.host, { kind: "kiss", code: what.code });
        return;
      case "lopsided":
        // The line of the box: all of them seem to be off to one side.
        for (const each of hosts) box.servers.set(each, { kind: "far", outMs: what.outMs, backMs: what.backMs });
        return;
      case "stands-still":
        return box.stall(what.seconds);
      case "service":
        this.#service = what;
        return;
      case "odd-answer":
        return this.#answersOddly(what.offMs);
    }
  }

  /** A badge now; and what is said by now of the moments and of the undated badges before it. */
  async badge(): Promise<void> {
    const { box, clock, history } = this;
    const now = { atNs: box.monotonicNs(), utc: box.utc() };
    const stamp = clock.stamp(now.atNs);
    this.#claim("live", stamp, now.utc);
    this.#moments.push(now);
    for (const { atNs, utc } of this.#moments) this.#claim("moment", clock.momentAt(atNs), utc);
    if (stamp.errorBoundMs === null) this.#undated.push({ stamp, utc: now.utc });
    const anchors = [...(await history.anchors(10_000)), ...history.serviceTimes.map(({ anchor }) => anchor)];
    const breaks = await history.breaks();
    for (const each of this.#undated) {
      const dated = retroactiveStamp(each.stamp, anchors, breaks, clock.status().rates);
      if (dated !== null) this.#claim("retroactive", dated, each.utc);
    }
    for (const kept of [this.#moments, this.#undated])
      if (kept.length > rememberedMax) kept.splice(rememberedMax / 2, 1);
  }

  #claim(what: string, { utcMs, errorBoundMs }: Pick<Stamp, "utcMs" | "errorBoundMs">, truth: UtcNs): void {
    if (errorBoundMs === null) return;
    this.claims += 1;
    const offMs = Math.abs(Number(utcNsOfWall(utcMs) - truth)) / 1e6;
    expect(offMs, what).toBeLessThanOrEqual(errorBoundMs);
  }

  #compose(): ClockService {
    const { box, history } = this;
    return new ClockService(
      {
        transport: box,
        history,
        dating: history,
        askService: async () => {
          if (this.#service.isUp) this.#answers(this.#service.offMs, true);
        },
        onTime: () => {},
        time: box,
        random: seededRandom(1),
        log: silentLog,
        uptimeMs: () => box.uptimeMs(),
      },
      {
        bootId: "boot",
        sources: hosts.map((each) => ({ id: each, host: each, port: 123, operator: each, votes: true })),
        builtAt: utcNsOfWall(wallMs(1_767_225_600_000)),
        slewing: false,
        burstSpacingMs: 2000,
      },
    );
  }

  /** Only where most of the answers of an hour are right: nobody can tell which are, otherwise. */
  #answersOddly(offMs: number): void {
    const since = laterBy(this.box.monotonicNs(), -answerAgeMaxNs);
    const recent = this.#answered.filter(({ atNs }) => atNs >= since);
    const right = recent.filter(({ isRight }) => isRight).length;
    if (right >= agreeingMin && right > recent.length - right + 1) this.#answers(offMs, false);
  }

  #answers(offMs: number, isRight: boolean): void {
    const receivedNs = this.box.monotonicNs();
    const dateMs = wallMs(Math.floor((floorMs(this.box.utc()) + offMs) / 1000) * 1000);
    this.#answered.push({ atNs: receivedNs, isRight });
    this.clock.serviceAnswered({ dateMs, sentNs: laterBy(receivedNs, -roundTripNs), receivedNs, aged: false });
  }
}

test("whatever happens to a box, no bound that its clock claims leaves the truth out", async () => {
  let claims = 0;
  const story = fc.array(happening, { minLength: 5, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: -80, max: 80 }), story, async (crystalPpm, happenings) => {
      const watched = new WatchedBox(crystalPpm);
      await watched.clock.start();
      await watched.box.pass(5);
      for (const each of happenings) {
        await watched.happens(each);
        await watched.badge();
        await watched.box.pass(2.5);
        await watched.badge();
      }
      await watched.clock[Symbol.asyncDispose]();
      claims += watched.claims;
    }),
    { numRuns: 50 },
  );
  expect(claims).toBeGreaterThan(1000);
});
