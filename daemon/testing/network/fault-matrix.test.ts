import { globSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemTime } from "../../base/system-time.ts";
import { faults, patientFaults } from "./faults.ts";
import { Heard, sampleMs, tryFault } from "./trial.ts";
import { addresses, networkObstacle, paces, World } from "./world.ts";

const obstacle = networkObstacle();
const pace = paces.quick;

describe.skipIf(obstacle !== null)(`faults in a real network${obstacle === null ? "" : ` (${obstacle})`}`, () => {
  const heard = new Heard(systemTime);
  let world: World;

  beforeAll(async () => {
    world = await World.open(systemTime, "matrix");
    await world.watch({}, heard.take);
  }, 60_000);
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
  });

  test.each(Object.entries(faults))(
    "%s",
    async (_, fault) => {
      const report = await tryFault(world, heard, fault, pace, systemTime);
      expect({ found: report.found, layers: report.layers }).toMatchObject({ found: fault.expected });
      expect(report).toMatchObject({ holdsBeginning: true, holdsEnd: true });
    },
    120_000,
  );

  test("a router that dies behind a switch is never the provider's failure, though the box remembers its address", async () => {
    heard.forget();
    await systemTime.sleep(4 * pace.cadence.lookMs);
    // The switch keeps the carrier up, and nothing is flushed: for the kernel the neighbour is still there.
    world.ip("router", "addr", "delete", `${addresses.router}/24`, "dev", "lan");
    world.ip("router", "link", "set", "lan", "address", "02:00:00:00:00:02");
    const ownNetwork = (): boolean =>
      heard.reports.some(({ causes }) => causes.some(([cause]) => cause === "own-network"));
    while (!ownNetwork()) await systemTime.sleep(50);
    world.ip("router", "addr", "add", `${addresses.router}/24`, "dev", "lan");
    const { report } = await heard.next("closed");
    expect(report.causes).toEqual([
      ["unknown", "ambiguous"],
      ["own-network", "not-exempt"],
    ]);
  }, 150_000);
});

describe.skipIf(obstacle !== null)("a box that holds back itself what it sends", () => {
  const heard = new Heard(systemTime);
  let world: World;

  beforeAll(async () => {
    world = await World.open(systemTime, "firewall");
    await world.watch({ pace: "patient" }, heard.take);
  }, 60_000);
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
  });

  test.each(Object.entries(patientFaults))(
    "%s",
    async (_, fault) => {
      const report = await tryFault(world, heard, fault, paces.patient, systemTime);
      expect({ found: report.found, layers: report.layers }).toMatchObject({ found: fault.expected });
      expect(report).toMatchObject({ holdsBeginning: true, holdsEnd: true });
    },
    180_000,
  );
});

describe.skipIf(obstacle !== null)("a line that comes and goes", () => {
  test("is one window that says how often it was briefly over", async () => {
    await using world = await World.open(systemTime, "flaps");
    const heard = new Heard(systemTime);
    await world.watch({ pace: "merging" }, heard.take);
    await systemTime.sleep(4 * paces.merging.cadence.lookMs);
    world.ip("router", "link", "set", "wan", "down");
    const { report: opened } = await heard.next("opened");
    for (let flap = 0; flap < 2; flap += 1) {
      heard.forget();
      world.ip("router", "link", "set", "wan", "up");
      await heard.next("closed");
      heard.forget();
      world.ip("router", "link", "set", "wan", "down");
      await heard.next("reopened");
    }
    heard.forget();
    world.ip("router", "link", "set", "wan", "up");
    const { report: closed } = await heard.next("closed");
    expect(closed).toMatchObject({ firstBadMs: opened.firstBadMs, flaps: 2 });
    expect(closed.causes).toEqual([["internet-provider", "presumed"]]);
  }, 120_000);
});

describe.skipIf(obstacle !== null)("a box that knows of no first hop", () => {
  test("sees the provider's failure, though its router's name server remembers the service's address", async () => {
    await using world = await World.open(systemTime, "remembering");
    const heard = new Heard(systemTime);
    world.useResolver(addresses.router);
    await world.watch({ firstHop: null }, heard.take);
    const lineDead = faults["line dead behind the router"];
    if (lineDead === undefined) throw new Error("the fault has another name");
    const report = await tryFault(world, heard, lineDead, pace, systemTime);
    expect(report).toMatchObject({ found: lineDead.expected, holdsBeginning: true, holdsEnd: true });
  }, 60_000);
});

describe.skipIf(obstacle !== null)("a box with a second way out", () => {
  test("is not exempt while the service answers over it, and the provider's failure is seen when it does not", async () => {
    await using world = await World.open(systemTime, "second");
    const heard = new Heard(systemTime);
    await world.watch({ hasSecondWay: true }, heard.take);
    const lineDead = faults["line dead behind the router"];
    if (lineDead === undefined) throw new Error("the fault has another name");
    const worked = await tryFault(world, heard, lineDead, pace, systemTime);
    expect(worked.found).toEqual({ cause: "other-channel-worked", exemption: "not-exempt" });
    world.ip("box", "link", "set", "modem", "down");
    const neither = await tryFault(world, heard, lineDead, pace, systemTime);
    expect(neither.found).toEqual(lineDead.expected);
  }, 120_000);
});

describe.skipIf(obstacle !== null)("a box with a second way out that starts in an outage", () => {
  test("does not know where to try it, and presumes nothing", async () => {
    await using world = await World.open(systemTime, "start");
    const heard = new Heard(systemTime);
    world.ip("router", "link", "set", "wan", "down");
    await world.watch({ hasSecondWay: true }, heard.take);
    const { report } = await heard.next("opened");
    expect(report.causes.at(-1)).toEqual(["unknown", "ambiguous"]);
  }, 60_000);
});

const [library] = globSync("/usr/lib/*/faketime/libfaketime.so.1");

describe.skipIf(obstacle !== null || library === undefined)("a box whose own system clock is two years ahead", () => {
  test("takes a good certificate for expired, and knows that the fault is its own", async () => {
    await using world = await World.open(systemTime, "clock");
    const clockFile = join(tmpdir(), `badged-clock-${process.pid}`);
    writeFileSync(clockFile, "+730d\n");
    const heard = new Heard(systemTime);
    const environment = {
      LD_PRELOAD: library ?? "",
      FAKETIME_TIMESTAMP_FILE: clockFile,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    };
    await world.watch({ environment }, heard.take);
    const { report } = await heard.next("opened");
    expect(report.causes.at(-1)).toEqual(["own-software", "not-exempt"]);
    await systemTime.sleep(sampleMs(pace));
    expect(heard.reports.every(({ causes }) => causes.at(-1)?.[1] === "not-exempt")).toBe(true);
  }, 60_000);
});
