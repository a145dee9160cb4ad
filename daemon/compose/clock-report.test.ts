import { expect, test } from "vitest";
import { present } from "../base/assert.ts";
import { monotonicNs, wallMs } from "../base/time.ts";
import type { Anchor } from "../clock/anchor.ts";
import type { ClockStatus } from "../clock/clock-status.ts";
import type { Sample } from "../clock/ntp-exchange.ts";
import { afterRound, openSchedule } from "../clock/poll-schedule.ts";
import type { ClockEvent } from "../clock/step-watch.ts";
import { synchronise } from "../clock/synchronisation.ts";
import { nsPerMs, nsPerSecond, utcNs, utcNsOfWall } from "../clock/utc.ts";
import { liveClock } from "./clock-report.ts";

const receipt = {
  configuredMs: null,
  inForceMs: null,
  late: "withhold",
  aboveMs: null,
  atMostMs: null,
  contradictions: 0,
  clockSuspicions: 0,
  transitP999Ms: 0,
} as const;

const hosts = ["a", "b", "c", "d"] as const;
const votes = hosts.map((sourceId) => ({ sourceId, votes: true }));
const sleptNs = 7200n * nsPerSecond;
const seconds = (value: number) => monotonicNs(BigInt(Math.round(value * 1e9)));
/** UTC − monotonic time, before the box slept for two hours. */
const thetaNs = BigInt(utcNsOfWall(wallMs(1_773_467_940_000)));

/** The answer of a server that is right to a tenth of a second. */
function sampleAt(atSeconds: number, trueThetaNs: bigint): Sample {
  const [t1Ns, t4Ns] = [seconds(atSeconds - 0.02), seconds(atSeconds)];
  const served = utcNs(trueThetaNs + t1Ns + 10n * nsPerMs + 100n * nsPerMs);
  const error = { rootDelayNs: 0n, rootDispersionNs: 0n, precisionNs: 0n };
  return { t1Ns, t2Ns: served, t3Ns: served, t4Ns, ...error, stratum: 1, leap: 0, referenceId: 0 };
}

/** A status of which the clock rests on the service's own, compared at 40 s. */
function statusOf(events: readonly ClockEvent[], pollSeconds: number, trueThetaNs: bigint): ClockStatus {
  const sample = sampleAt(pollSeconds, trueThetaNs);
  const sources = hosts.map((host) => ({ id: host, host, port: 123, operator: host, votes: true }));
  const reports = sources.map((source) => ({ source, answer: { kind: "sample" as const, sample, address: null } }));
  const anchor: Anchor = {
    syncId: "boot/40",
    bootId: "boot",
    basis: "service",
    atNs: seconds(40),
    thetaNs: thetaNs + sleptNs,
    boundNs: nsPerSecond,
    oldestSampleNs: seconds(40),
    leapAnnounced: false,
  };
  return {
    bootId: "boot",
    nowNs: seconds(50),
    state: { kind: "holdover", anchor },
    rates: { synchronisedPpm: 15, holdoverPpm: 100 },
    utc: null,
    boundNs: null,
    sources,
    lastPoll: synchronise(reports, "boot", seconds(pollSeconds), 15),
    schedule: openSchedule(votes, seconds(0)),
    service: null,
    serviceApartNs: null,
    events,
  };
}

const slept: ClockEvent = { kind: "suspend", sinceNs: seconds(29), atNs: seconds(30), forMs: 7_200_000 };
const stepped: ClockEvent = { kind: "step", sinceNs: seconds(29), atNs: seconds(30), byMs: 7_200_000 };

test.each([
  ["since they were asked are shown without an offset", [slept], 20, thetaNs, null],
  ["right after they were asked are shown without an offset", [slept], 29.5, thetaNs, null],
  ["before they were asked are shown with theirs", [slept], 35, thetaNs + sleptNs, 100],
] as const)("truthful servers of a box that slept %s", (_name, events, pollSeconds, trueThetaNs, offsetMs) => {
  const { sources } = liveClock(statusOf(events, pollSeconds, trueThetaNs), receipt);
  expect(sources).toHaveLength(hosts.length);
  for (const source of sources) expect(source).toMatchObject({ verdict: "true-chimer", offsetMs, delayMs: 20 });
});

test("a system clock that was set takes no server's offset away", () => {
  const { sources } = liveClock(statusOf([stepped], 20, thetaNs + sleptNs), receipt);
  expect(sources.map((source) => source.offsetMs)).toEqual([100, 100, 100, 100]);
});

test("a service that contradicts itself is told apart from servers that do", () => {
  const status = statusOf([], 20, thetaNs);
  if (status.state.kind !== "holdover") throw new Error(status.state.kind);
  const { anchor } = status.state;
  const against = (basis: Anchor["basis"]) =>
    liveClock(
      { ...status, state: { kind: "untrusted", why: "contradicted", anchor, rival: { ...anchor, basis } } },
      receipt,
    ).why;
  expect([against("service"), against("quorum")]).toEqual(["service-contradicted", "contradicted"]);
});

test("a server that sent us away, and one that is left alone for a while, are shown when others are asked", () => {
  const status = statusOf([], 45, thetaNs);
  const lastPoll = present(status.lastPoll, "a poll");
  const codes: Readonly<Record<string, string>> = { b: "DENY", c: "RATE" };
  const reactions = hosts.map((sourceId) => ({ sourceId, answered: true, kissCode: codes[sourceId] ?? null }));
  const schedule = afterRound(status.schedule, reactions, true, seconds(40), () => 0);
  const asked = { ...lastPoll, sources: lastPoll.sources.filter(({ sourceId }) => sourceId !== "c") };
  const { sources, poll } = liveClock({ ...status, lastPoll: asked, schedule }, receipt);
  expect(sources.map(({ id, verdict, detail }) => [id, verdict, detail])).toEqual([
    ["a", "true-chimer", ""],
    ["b", "sent-away", "DENY, not asked until a restart"],
    ["c", "not-asked", "RATE, for 1 min 58 s more"],
    ["d", "true-chimer", ""],
  ]);
  // Three are needed, and no more are left.
  expect(poll?.nextInMs).toBe(118_000);
});
