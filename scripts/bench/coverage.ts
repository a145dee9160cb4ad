import { spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { keepAlive, systemTime } from "../../daemon/base/system-time.ts";
import { builtAt } from "../../daemon/base/version.ts";
import { NtpClient } from "../../daemon/clock/ntp-client.ts";
import { rootDistanceNs } from "../../daemon/clock/ntp-exchange.ts";
import { pollSource } from "../../daemon/clock/source-poll.ts";
import { nsPerMs, utcNsOfWall } from "../../daemon/clock/utc.ts";
import { ChronydFarm, chronydInstalled } from "../../daemon/testing/chrony/chronyd.ts";
import { compareOffsets } from "../../daemon/testing/chrony/offset-comparison.ts";
import { systemOffset } from "../../daemon/testing/chrony/system-offset.ts";
import { type CaseReport, type Finding, summarise } from "./figures.ts";
import { sayProgress } from "./progress.ts";
import { benchFolder } from "./site.ts";
import { type Servers, type Stamped, takeStamps } from "./stamping.ts";

const clocksPerCase = 10;
const stampsPerClock = 104;
const comparisons = 7;
const offsetGoal = 3;
const stepEveryMs = 60;
const steps = ["+2h", "-2h", "-3d", "+0", "+1s"];
const readyWithin = 400;
const pivot = utcNsOfWall(builtAt);

type Kind = "off by 20 ms" | "off by 2 s" | "off by 2 h" | "off by 300 µs" | "unsynchronised" | "silent";
const shifts: Readonly<Partial<Record<Kind, number>>> = {
  "off by 20 ms": 0.02,
  "off by 2 s": -2,
  "off by 2 h": -7200,
  "off by 300 µs": 0.0003,
};

/** Whether the truth lies inside every stamp's interval, against real time servers of which one is wrong in some way. */
export async function coverageCase(): Promise<CaseReport> {
  const name = "stamps hold the truth";
  if (!chronydInstalled()) return { name, findings: [], figures: { skipped: "chronyd is not installed" } };
  using _alive = keepAlive();
  await using farm = await ChronydFarm.open(systemTime);
  const truth = [1, 2, 3].map(() => farm.start({ kind: "system" }));
  const reference = truth[0] ?? "";
  const fourth = (kind: Kind): string => {
    const offsetSeconds = shifts[kind];
    if (offsetSeconds !== undefined) return farm.start({ kind: "upstream", address: reference, offsetSeconds });
    return farm.start({ kind: kind === "silent" ? "system" : "nowhere" });
  };
  const kinds: readonly Kind[] = [
    "off by 20 ms",
    "off by 2 s",
    "off by 2 h",
    "off by 300 µs",
    "unsynchronised",
    "silent",
  ];
  const hosts = new Map(kinds.map((kind) => [kind, fourth(kind)]));
  for (const host of truth) await ready(farm, host);
  for (const [kind, host] of hosts) if (shifts[kind] !== undefined) await ready(farm, host);
  farm.stop(hosts.get("silent") ?? "");

  const findings: Finding[] = [];
  const figures: Record<string, unknown> = {};
  const tell = (what: string, measured: Measured): void => {
    findings.push(findingOf(what, measured));
    figures[what] = measured;
  };
  for (const kind of kinds) {
    sayProgress(`clock, 3 true servers + 1 ${kind}`);
    const servers: Servers = { hosts: [...truth, hosts.get(kind) ?? ""], port: farm.port };
    tell(`3 true servers + 1 ${kind}`, await covered(() => takeStamps(servers, stampsPerClock)));
  }
  const four: Servers = { hosts: [...truth, hosts.get("off by 300 µs") ?? ""], port: farm.port };
  const stepped = await steppedStamps(four);
  if (stepped !== null) tell("the system clock stepped by ±2 h and −3 d meanwhile", stepped);
  const compared = await compareOffsets(farm, reference, systemTime, pivot, comparisons);
  const ours = summarise(compared.ours.map(({ errorUs }) => Math.abs(errorUs)));
  const chronyds = summarise(compared.chronydUs.map(Math.abs));
  findings.push({
    what: `offset of one exchange of four, ${ours.count} times: median error / max`,
    measured: `${ours.p50.toFixed(0)} µs / ${ours.max.toFixed(0)} µs`,
    against: `chronyd -Q: ${chronyds.p50.toFixed(0)} µs / ${chronyds.max.toFixed(0)} µs`,
    goal: `median ≤ ${offsetGoal} × chronyd's`,
    met: ours.p50 <= offsetGoal * chronyds.p50,
  });
  return { name, findings, figures: { ...figures, offset: { ours, chronyd: chronyds } } };
}

type Measured = {
  readonly stamps: number;
  readonly retroactive: number;
  readonly inside: number;
  readonly errorMedianMs: number;
  readonly errorMaxMs: number;
  readonly boundMedianMs: number;
  readonly boundMaxMs: number;
  readonly systemClockErrorMaxMs: number;
};

/** The true servers serve this machine's clock, which is the truth; its offset is measured before and after. */
async function covered(take: () => Promise<readonly Stamped[]>): Promise<Measured> {
  const judged = [];
  for (let clock = 0; clock < clocksPerCase; clock += 1) {
    const before = systemOffset(systemTime);
    const stamps = await take();
    const after = systemOffset(systemTime);
    judged.push(
      ...stamps.map((each) => judge(each, [before.thetaNs, after.thetaNs], before.withinNs + after.withinNs)),
    );
  }
  return measuredOf(judged);
}

type Judged = Stamped & { readonly isInside: boolean; readonly errorMs: number; readonly systemClockErrorMs: number };

function judge(stamped: Stamped, thetas: readonly [bigint, bigint], withinNs: bigint): Judged {
  const truths = thetas.map((thetaNs) => BigInt(stamped.atNs) + thetaNs);
  const isInside = truths.every(
    (truthNs) =>
      stamped.earliestMs !== null &&
      stamped.latestMs !== null &&
      BigInt(stamped.earliestMs) * nsPerMs <= truthNs - withinNs &&
      BigInt(stamped.latestMs) * nsPerMs >= truthNs + withinNs,
  );
  const truthMs = Number((truths[0] ?? 0n) / 1000n) / 1000;
  const error = (ms: number): number => Math.abs(ms - truthMs);
  return { ...stamped, isInside, errorMs: error(stamped.utcMs), systemClockErrorMs: error(stamped.systemClockMs) };
}

function measuredOf(judged: readonly Judged[]): Measured {
  const errors = summarise(judged.map(({ errorMs }) => errorMs));
  const bounds = summarise(judged.map(({ boundMs }) => boundMs ?? Number.POSITIVE_INFINITY));
  return {
    stamps: judged.length,
    retroactive: judged.filter(({ how }) => how === "retroactive").length,
    inside: judged.filter(({ isInside }) => isInside).length,
    errorMedianMs: errors.p50,
    errorMaxMs: errors.max,
    boundMedianMs: bounds.p50,
    boundMaxMs: bounds.max,
    systemClockErrorMaxMs: Math.max(...judged.map(({ systemClockErrorMs }) => systemClockErrorMs)),
  };
}

function findingOf(what: string, measured: Measured): Finding {
  const { stamps, inside, errorMedianMs, errorMaxMs, boundMedianMs, boundMaxMs, systemClockErrorMaxMs } = measured;
  return {
    what: `${what}: truth inside; error median / max, bound median / max`,
    measured: `${inside} of ${stamps}; ${errorMedianMs.toFixed(2)} / ${errorMaxMs.toFixed(2)} ms, ± ${boundMedianMs} / ${boundMaxMs} ms`,
    against: `the system clock was off by up to ${systemClockErrorMaxMs.toFixed(0)} ms`,
    goal: "all inside",
    met: inside === stamps,
  };
}

/** The same in a process whose system clock is stepped all the while; `null` where nothing can step it. */
async function steppedStamps(servers: Servers): Promise<Measured | null> {
  const [library] = globSync("/usr/lib/*/faketime/libfaketime.so.1");
  if (library === undefined) return null;
  const folder = benchFolder("coverage");
  const [clockFile, resultFile] = [join(folder, "clock"), join(folder, "stamps.json")];
  const program = fileURLToPath(new URL("./stamping-process.ts", import.meta.url));
  const environment = {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: clockFile,
    FAKETIME_NO_CACHE: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  };
  let stepsDone = 0;
  const step = (): void => writeFileSync(clockFile, `${steps[stepsDone++ % steps.length]}\n`);
  const measured = await covered(async () => {
    step();
    using _stepping = systemTime.every(stepEveryMs, step);
    const child = spawn(process.execPath, [program, JSON.stringify(servers), String(stampsPerClock), resultFile], {
      stdio: "inherit",
      env: { ...process.env, ...environment },
    });
    await once(child, "exit");
    return JSON.parse(readFileSync(resultFile, "utf8")) as readonly Stamped[];
  });
  rmSync(folder, { recursive: true });
  return measured;
}

/** A chronyd needs some seconds until it serves what its upstream says, and says so itself. */
async function ready(farm: ChronydFarm, host: string): Promise<void> {
  const client = new NtpClient(systemTime);
  const burst = { requests: 1, spacingMs: 0, pivot };
  for (let tries = 0; tries < readyWithin; tries += 1) {
    const answer = await pollSource(client, systemTime, { host, port: farm.port }, burst, new AbortController().signal);
    if (answer.kind === "sample" && rootDistanceNs(answer.sample) < 2n * nsPerMs) return;
    await systemTime.sleep(50);
  }
  throw new Error(`chronyd at ${host} does not answer`);
}
