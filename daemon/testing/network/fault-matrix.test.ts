import { globSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { present } from "../../base/assert.ts";
import { systemTime } from "../../base/system-time.ts";
import type { Cause, Exemption } from "../../outage/cause.ts";
import { addresses, cadence, networkObstacle, patience, type ServiceFault, type WindowReport, World } from "./world.ts";

const obstacle = networkObstacle();

/** What a look takes at most, and the time until the next. */
const sampleMs = cadence.lookMs + patience.gatewayMs + 2 * patience.beyondMs;
/** Reports come over a pipe of a busy machine. */
const answerWithinMs = 30_000;

type Fault = {
  readonly break: (world: World) => void | Promise<void>;
  readonly mend: (world: World) => void | Promise<void>;
};

const service = (fault: ServiceFault): Fault => ({
  break: (world) => world.order({ kind: "service", fault }),
  mend: (world) => world.order({ kind: "service", fault: "none" }),
});

const faults: Readonly<Record<string, readonly [Cause, Exemption, Fault]>> = {
  "cable out": [
    "own-network",
    "not-exempt",
    {
      break: (world) => world.ip("router", "link", "set", "lan", "down"),
      mend: (world) => world.ip("router", "link", "set", "lan", "up"),
    },
  ],
  "interface down": [
    "own-network",
    "not-exempt",
    {
      break: (world) => world.ip("box", "link", "set", "lan", "down"),
      mend: (world) => {
        world.ip("box", "link", "set", "lan", "up");
        world.ip("box", "route", "add", "default", "via", addresses.router);
      },
    },
  ],
  "default route lost": [
    "own-network",
    "not-exempt",
    {
      break: (world) => world.ip("box", "route", "delete", "default"),
      mend: (world) => world.ip("box", "route", "add", "default", "via", addresses.router),
    },
  ],
  "router dead": [
    "own-network",
    "not-exempt",
    {
      break: (world) => {
        world.ip("router", "addr", "delete", `${addresses.router}/24`, "dev", "lan");
        world.ip("box", "neigh", "flush", "all");
      },
      mend: (world) => world.ip("router", "addr", "add", `${addresses.router}/24`, "dev", "lan"),
    },
  ],
  "line dead behind the router": [
    "internet-provider",
    "presumed",
    {
      break: (world) => world.ip("router", "link", "set", "wan", "down"),
      mend: (world) => world.ip("router", "link", "set", "wan", "up"),
    },
  ],
  "DNS dead": [
    "unknown",
    "ambiguous",
    {
      break: (world) => world.order({ kind: "dns", answers: false }),
      mend: (world) => world.order({ kind: "dns", answers: true }),
    },
  ],
  "service refuses connections": ["service", "presumed", service("refuses")],
  "service silent": ["service", "presumed", service("silent")],
  "service answers 503": ["service", "presumed", service("5xx")],
  "service's certificate expired": ["service", "presumed", service("expired")],
  "service answers 401": ["own-software", "not-exempt", service("401")],
};

describe.skipIf(obstacle !== null)(`faults in a real network${obstacle === null ? "" : ` (${obstacle})`}`, () => {
  let world: World;
  let reports: WindowReport[] = [];

  /** Waits for the next change of this kind; changes of other kinds are passed over. */
  async function next(kind: WindowReport["kind"]): Promise<WindowReport> {
    for (let waitedMs = 0; waitedMs < answerWithinMs; waitedMs += 50) {
      const found = reports.find((report) => report.kind === kind);
      if (found !== undefined) return found;
      await systemTime.sleep(50);
    }
    throw new Error(`no window ${kind}; seen: ${JSON.stringify(reports)}`);
  }

  beforeAll(async () => {
    world = await World.open(systemTime, "matrix");
    await world.watch({}, (report) => reports.push(report));
  }, 60_000);
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
  });

  test.each(Object.entries(faults))(
    "%s",
    async (_, [cause, exemption, fault]) => {
      reports = [];
      // Some good looks first, so that the window has a beginning of its own.
      await systemTime.sleep(4 * cadence.lookMs);
      const fromMs = systemTime.wallMs();
      await fault.break(world);
      const brokenMs = systemTime.wallMs();
      const seen = await next("opened");
      // A first look may fall into the breaking itself; what it comes to is the last segment.
      await systemTime.sleep(sampleMs);
      const mendingMs = systemTime.wallMs();
      await fault.mend(world);
      const mendedMs = systemTime.wallMs();
      const closed = await next("closed");
      expect({ last: closed.causes.at(-1), layers: closed.layers }).toMatchObject({ last: [cause, exemption] });
      // Both ends hold the truth: good before it broke, bad after; bad before it was mended, good after.
      expect(present(seen.lastGoodMs, "good looks came before")).toBeLessThanOrEqual(brokenMs);
      expect(seen.firstBadMs).toBeGreaterThanOrEqual(fromMs);
      expect(present(closed.lastBadMs, "closed")).toBeLessThanOrEqual(mendedMs);
      expect(present(closed.firstGoodMs, "closed")).toBeGreaterThanOrEqual(mendingMs);
    },
    120_000,
  );

  test("a router that dies behind a switch is never the provider's failure, though the box remembers its address", async () => {
    reports = [];
    await systemTime.sleep(4 * cadence.lookMs);
    // The switch keeps the carrier up, and nothing is flushed: for the kernel the neighbour is still there.
    world.ip("router", "addr", "delete", `${addresses.router}/24`, "dev", "lan");
    world.ip("router", "link", "set", "lan", "address", "02:00:00:00:00:02");
    const ownNetwork = (): boolean => reports.some(({ causes }) => causes.some(([cause]) => cause === "own-network"));
    while (!ownNetwork()) await systemTime.sleep(50);
    world.ip("router", "addr", "add", `${addresses.router}/24`, "dev", "lan");
    const closed = await next("closed");
    expect(closed.causes).toEqual([
      ["unknown", "ambiguous"],
      ["own-network", "not-exempt"],
    ]);
  }, 150_000);

  test("one anchor dead is nobody's outage", async () => {
    reports = [];
    world.ip("internet", "addr", "delete", `${addresses.anchors[0]}/24`, "dev", "wan");
    await systemTime.sleep(5 * sampleMs);
    world.ip("internet", "addr", "add", `${addresses.anchors[0]}/24`, "dev", "wan");
    expect(reports.filter(({ kind }) => kind !== "closed")).toEqual([]);
  }, 60_000);
});

const [library] = globSync("/usr/lib/*/faketime/libfaketime.so.1");

describe.skipIf(obstacle !== null || library === undefined)("a box whose own system clock is two years ahead", () => {
  test("takes a good certificate for expired, and knows that the fault is its own", async () => {
    await using world = await World.open(systemTime, "clock");
    const clockFile = join(tmpdir(), `badged-clock-${process.pid}`);
    writeFileSync(clockFile, "+730d\n");
    const reports: WindowReport[] = [];
    await world.watch(
      {
        LD_PRELOAD: library ?? "",
        FAKETIME_TIMESTAMP_FILE: clockFile,
        FAKETIME_NO_CACHE: "1",
        FAKETIME_DONT_FAKE_MONOTONIC: "1",
      },
      (report) => reports.push(report),
    );
    while (reports.length === 0) await systemTime.sleep(50);
    expect(reports[0]?.causes.at(-1)).toEqual(["own-software", "not-exempt"]);
  }, 60_000);
});
