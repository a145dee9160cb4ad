import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { present } from "../../base/assert.ts";
import { silentLog } from "../../base/log.ts";
import { seededRandom } from "../../base/random.ts";
import { systemTime } from "../../base/system-time.ts";
import { wallMs } from "../../base/time.ts";
import { type Anchor, boundAt, utcAt } from "../../clock/anchor.ts";
import { ClockService } from "../../clock/clock-service.ts";
import { readUptimeMs } from "../../clock/host-readings.ts";
import { NtpClient } from "../../clock/ntp-client.ts";
import { lambdaNs, rootDistanceNs, thetaNs } from "../../clock/ntp-exchange.ts";
import { pollSource, type SourceAnswer } from "../../clock/source-poll.ts";
import { anchorFrom, type NtpSource, type Synchronisation, synchronise } from "../../clock/synchronisation.ts";
import { magnitude, nsPerMs, utcNsOfWall } from "../../clock/utc.ts";
import { ChronydFarm, chronydInstalled } from "./chronyd.ts";
import { MemoryClockHistory } from "./memory-clock-history.ts";
import { compareOffsets } from "./offset-comparison.ts";

const installed = chronydInstalled();
const builtAt = utcNsOfWall(wallMs(1_767_225_600_000));
const bootId = "5f0c9d52-6a0c-4d3e-9c55-0c3f7a1d2b11";
const client = new NtpClient(systemTime);
const never = new AbortController().signal;
const burst = { requests: 8, spacingMs: 5, pivot: builtAt };
const readyWithinRequests = 400;
/** A chronyd that has just selected its upstream says that it may be tens of milliseconds off, which is no lie. */
const readyDistanceMaxNs = 2n * nsPerMs;

type Server = "true-1" | "true-2" | "true-3" | "off-300us" | "off-20ms" | "off-2s" | "off-2h" | "nowhere" | "hangs";

function sourceOf(id: Server): NtpSource {
  return { id, host: present(addresses.get(id), id), port: farm.port, operator: id, votes: true };
}

async function ask(id: Server): Promise<SourceAnswer> {
  return await pollSource(client, systemTime, sourceOf(id), burst, never);
}

/** One poll of these servers, as the clock does it. */
async function poll(ids: readonly Server[]): Promise<Synchronisation> {
  const reports = await Promise.all(ids.map(async (id) => ({ source: sourceOf(id), answer: await ask(id) })));
  return synchronise(reports, bootId, systemTime.monotonicNs(), 15);
}

function verdictsOf(row: Synchronisation): Record<string, string> {
  return Object.fromEntries(row.sources.map(({ sourceId, verdict }) => [sourceId, verdict.kind]));
}

/** Asserts that the system clock, which the true servers serve, stands within the anchor's bound. */
function expectTruthInside(anchor: Anchor | null): void {
  const proven = present(anchor, "the poll gave a quorum");
  const before = systemTime.monotonicNs();
  const wall = systemTime.wallMs();
  const after = systemTime.monotonicNs();
  const bound = boundAt(proven, after, 15);
  expect(utcAt(proven, before) - bound).toBeLessThanOrEqual(utcNsOfWall(wallMs(wall + 1)));
  expect(utcAt(proven, after) + bound).toBeGreaterThanOrEqual(utcNsOfWall(wall));
}

let farm: ChronydFarm;
const addresses = new Map<Server, string>();

/** Asks until the server answers as it should once it runs; a chronyd needs some seconds to select its upstream. */
async function ready(id: Server): Promise<void> {
  for (let requests = 0; requests < readyWithinRequests; requests += 1) {
    const answer = await pollSource(client, systemTime, sourceOf(id), { ...burst, requests: 1 }, never);
    if (answer.kind === "sample" && rootDistanceNs(answer.sample) < readyDistanceMaxNs) return;
    if (answer.kind === "unusable" && id === "nowhere" && answer.why.kind === "unsynchronised") return;
    await systemTime.sleep(50);
  }
  throw new Error(`chronyd ${id} does not answer`);
}

describe.skipIf(!installed)("against real chronyd servers (left out where chronyd is not installed)", () => {
  beforeAll(async () => {
    farm = await ChronydFarm.open(systemTime);
    for (const id of ["true-1", "true-2", "true-3", "hangs"] as const)
      addresses.set(id, farm.start({ kind: "system" }));
    addresses.set("nowhere", farm.start({ kind: "nowhere" }));
    const address = present(addresses.get("true-1"), "started above");
    const shifts = { "off-300us": 0.0003, "off-20ms": 0.02, "off-2s": -2, "off-2h": -7200 } as const;
    for (const [id, offsetSeconds] of Object.entries(shifts)) {
      addresses.set(id as Server, farm.start({ kind: "upstream", address, offsetSeconds }));
    }
    await Promise.all([...addresses.keys()].map(ready));
  });

  afterAll(async () => {
    await farm[Symbol.asyncDispose]();
  });

  test.each(["off-20ms", "off-2s", "off-2h"] as const)("three true servers expose the one that is %s", async (id) => {
    const row = await poll(["true-1", "true-2", "true-3", id]);
    expect(verdictsOf(row)).toEqual({
      "true-1": "true-chimer",
      "true-2": "true-chimer",
      "true-3": "true-chimer",
      [id]: "false-ticker",
    });
    expectTruthInside(anchorFrom(row));
  });

  test("two true against two false give no quorum", async () => {
    const row = await poll(["true-1", "true-2", "off-2s", "off-2h"]);
    expect(row.result).toEqual({ kind: "no-quorum", why: "no-agreement", usable: 4 });
    expect(anchorFrom(row)).toBeNull();
  });

  test("a server 300 µs off is inside the floor, and its own interval holds the truth", async () => {
    const row = await poll(["true-1", "true-2", "true-3", "off-300us"]);
    expect(new Set(Object.values(verdictsOf(row)))).toEqual(new Set(["true-chimer"]));
    expectTruthInside(anchorFrom(row));
    const [truth, , , off] = row.sources.map(({ sample }) => present(sample, "all four answered"));
    const own = present(off, "the fourth");
    const apart = magnitude(thetaNs(own) - thetaNs(present(truth, "the first")));
    expect(apart).toBeLessThan(lambdaNs(own, row.atNs, 15));
  });

  test("an unsynchronised server is unusable and the others go on without it", async () => {
    const row = await poll(["true-1", "true-2", "true-3", "nowhere"]);
    expect(row.sources.at(-1)?.verdict).toEqual({ kind: "unusable", why: { kind: "unsynchronised" } });
    expectTruthInside(anchorFrom(row));
  });

  test("a server that hangs is silent and the others go on without it", async () => {
    farm.stop(present(addresses.get("hangs"), "started above"));
    const impatient = new NtpClient(systemTime, { timeoutMs: 200 });
    const answer = await pollSource(impatient, systemTime, sourceOf("hangs"), { ...burst, requests: 1 }, never);
    expect(answer).toEqual({ kind: "unusable", why: { kind: "silent", waitedMs: 200 } });
    const reports = await Promise.all(
      (["true-1", "true-2", "true-3"] as const).map(async (id) => ({ source: sourceOf(id), answer: await ask(id) })),
    );
    const row = synchronise([...reports, { source: sourceOf("hangs"), answer }], bootId, systemTime.monotonicNs(), 15);
    expect(row.result.kind).toBe("quorum");
    expectTruthInside(anchorFrom(row));
  });

  test("chronyd -Q and badged can be asked the same in turns", async () => {
    const address = present(addresses.get("true-1"), "started above");
    const { ours, chronydUs } = await compareOffsets(farm, address, systemTime, builtAt, 1);
    expect(ours).toHaveLength(1);
    expect(chronydUs).toHaveLength(1);
  });

  test("a chronyd without upstream answers stratum 0 and is not taken for a kiss-o'-death", async () => {
    expect(await ask("nowhere")).toEqual({ kind: "unusable", why: { kind: "unsynchronised" } });
  });

  test("the service synchronises, stamps within its bound, and its history recomputes the anchor", async () => {
    const history = new MemoryClockHistory();
    await using clock = new ClockService(
      {
        transport: client,
        history,
        dating: history,
        askService: async () => {},
        onTime: () => {},
        time: systemTime,
        random: seededRandom(3),
        log: silentLog,
        uptimeMs: readUptimeMs,
      },
      {
        bootId,
        sources: (["true-1", "true-2", "true-3", "off-2s"] as const).map(sourceOf),
        builtAt,
        slewing: false,
        burstSpacingMs: 5,
      },
    );
    expect(clock.stamp(systemTime.monotonicNs())).toMatchObject({ state: "unsynchronised", errorBoundMs: null });
    await clock.start();
    await clock.settled();
    const wallBefore = systemTime.wallMs();
    const stamp = clock.stamp(systemTime.monotonicNs());
    const wallAfter = systemTime.wallMs();
    expect(stamp).toMatchObject({ state: "synchronised", how: "live", bootId, syncId: history.rows[0]?.syncId });
    expect(present(stamp.earliestMs, "bounded")).toBeLessThanOrEqual(wallAfter + 1);
    expect(present(stamp.latestMs, "bounded")).toBeGreaterThanOrEqual(wallBefore);
    expect(history.changes).toEqual([{ from: "unsynchronised", to: "synchronised", why: "quorum" }]);

    const row = present(history.rows[0], "one poll");
    const again = synchronise(
      row.sources.map(({ sourceId, sample }) => ({
        source: sourceOf(sourceId as Server),
        answer: { kind: "sample", sample: present(sample, "all answered"), address: null },
      })),
      row.bootId,
      row.atNs,
      row.ppm,
    );
    expect(anchorFrom(again)).toEqual(anchorFrom(row));
  });
});
