import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { silentLog } from "../../base/log.ts";
import { between, pick, type Random, seededRandom } from "../../base/random.ts";
import type { Time } from "../../base/time.ts";
import type { ScanFilter } from "../../scan/archive.ts";
import type { CallKind } from "../../simulator/service/call-kind.ts";
import type { CallRecord } from "../../simulator/service/call-log.ts";
import type { CallFault, FaultRule } from "../../simulator/service/fault.ts";
import { type ServiceSimulator, startServiceSimulator } from "../../simulator/service/service-simulator.ts";
import { Store } from "../../store/store.ts";
import { fictionalBadge, fictionalSsin } from "../fictional-worker.ts";
import { plainLaunch } from "./box.ts";
import { DaemonProcess } from "./daemon-process.ts";
import { serviceFaults } from "./faults.ts";
import { Gate } from "./gate.ts";
import { type CampaignSite, writeSite } from "./site.ts";
import { SsinWatch } from "./ssin-watch.ts";
import { TimeServers } from "./time-servers.ts";
import { judge, type Presentation, type Verdict } from "./verdict.ts";

export type ServiceCampaignOptions = {
  readonly seed: number;
  /** How often the whole list of faults is gone through. */
  readonly rounds: number;
  /** Only every n-th fault of the list, for a short run. */
  readonly everyNth: number;
  /** An empty folder of the campaign's own. */
  readonly directory: string;
  /** `daemon/main.ts`, or what it was built to. */
  readonly program: string;
  readonly time: Time;
};

export type ServiceCampaignReport = Verdict & {
  readonly seed: number;
  readonly calls: Readonly<Partial<Record<CallKind, number>>>;
  /** How many different faults struck, by the kind of call. */
  readonly faultsStruck: Readonly<Record<string, number>>;
  /** Calls made although a 429 had asked to stay away for longer. */
  readonly quotaViolations: number;
  readonly failedCallsPeak: number;
  readonly registeredTwice: number;
  readonly logLines: number;
  readonly residentMaxMb: number;
  readonly endedWell: boolean;
};

/** An answer of 10 MB, or one without an end, must not stay in memory; the daemon without anything to do takes 115 MB. */
export const residentLimitMb = 256;

const clientId = "campaign";
/** More than can badge in that time, so that there is always something to send. */
const workersPerRound = 6_000;
const betweenBadgesMs = 40;
/** How long a fault stays after it struck for the first time, and peace after the first call that went through. */
const faultMs = { from: 0, to: 1_200 } as const;
const peaceMs = { from: 0, to: 800 } as const;
/** A backoff may keep calls away for a while; so may a token that cannot be had. */
const patienceMs = 20_000;
/** Chance that a search meets a fault of its own. */
const searchShare = 0.4;
/** A token fails once in this share of the faults, and all are revoked in this one. */
const tokenShare = 0.4;
const revokeShare = 0.3;
const tokenLifetimeSeconds = 4;
/** As many failed calls as an outage with its backoff may make now and then: the quota is met, and has to be respected. */
const quota = { callsMax: null, failedMax: 5, windowMs: 10_000 } as const;
const drainMaxMs = 300_000;
const sampleEveryMs = 100;
const everything: ScanFilter = { states: [], readerId: null, from: null, to: null, doubtfulOnly: false, limit: 1e6 };

/**
 * Workers badge while every kind of call meets every fault: the calls that register one fault after the other, searches
 * and requests for a token at random beside them. The daemon is as it is shipped, in a process of its own, and logs all it
 * can. Then everything is well again, and what the service holds is held against what the workers saw.
 */
export async function runServiceCampaign(options: ServiceCampaignOptions): Promise<ServiceCampaignReport> {
  const { time, seed, directory } = options;
  const random = seededRandom(seed);
  const workers = workersPerRound * options.rounds;
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  await using simulator = await startServiceSimulator({
    port: 0,
    log: silentLog,
    time,
    random: seededRandom(seed + 1),
    client: {
      id: clientId,
      key: publicKey.export({ type: "spki", format: "pem" }).toString(),
      tokenLifetimeSeconds,
    },
    quota,
  });
  await using servers = await TimeServers.open(time);
  mkdirSync(directory, { recursive: true });
  const keyFile = join(directory, "key.pem");
  writeFileSync(keyFile, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  const site = writeSite(directory, workers, simulator.url, {
    timeServers: servers.yaml,
    service: `, oauth: { tokenUrl: ${JSON.stringify(simulator.tokenUrl)}, clientId: ${clientId}, keyFile: key.pem }`,
    logLevel: "debug",
  });
  await using gate = await Gate.open(site.port, time);
  const watch = new SsinWatch(Array.from({ length: workers }, (_, index) => fictionalSsin(index)));
  await using daemon = new DaemonProcess(options.program, site.configuration, plainLaunch, (text) => watch.add(text));
  const over = new AbortController();
  void daemon.ended.then(() => over.abort());
  const ended = new AbortController();
  const resident = watchResident(daemon.pid, time, ended.signal);
  const badged = badge(gate, workers, time, over.signal);
  const struck = await trouble(simulator, random, options, over.signal);
  const diedEarly = over.signal.aborted;
  over.abort();
  const presentations = await badged;
  const drained = !diedEarly && (await drain(site, time));
  ended.abort();
  const { code } = await daemon.kill("SIGTERM");
  await using store = await visit(site, time);
  const verdict = judge(presentations, await store.list(everything), simulator.registrations());
  const { quotaViolations, failedCallsPeak, callsByKind } = simulator.stats();
  const residentMaxMb = await resident;
  const broken = [...verdict.broken];
  if (diedEarly) broken.push(`the daemon ended by itself with ${code}: ${daemon.output}`);
  else if (!drained) broken.push(`not drained; the daemon wrote: ${daemon.output}`);
  if (quotaViolations > 0) broken.push(`${quotaViolations} calls came before the time that a 429 had named`);
  if (residentMaxMb > residentLimitMb) broken.push(`${residentMaxMb} MB resident, ${residentLimitMb} MB allowed`);
  for (const line of watch.found) broken.push(`a national number in the log: ${line}`);
  const held = Map.groupBy(simulator.registrations(), ({ ssin }) => ssin);
  return {
    ...verdict,
    broken,
    seed,
    calls: callsByKind,
    faultsStruck: Object.fromEntries([...struck].map(([kind, faults]) => [kind, faults.size])),
    quotaViolations,
    failedCallsPeak,
    registeredTwice: [...held.values()].filter(({ length }) => length > 1).length,
    logLines: watch.lines,
    residentMaxMb,
    endedWell: code === 0,
  };
}

/** @returns the different faults that struck, by the kind of call */
async function trouble(
  simulator: ServiceSimulator,
  random: Random,
  { rounds, everyNth, time }: ServiceCampaignOptions,
  over: AbortSignal,
): Promise<ReadonlyMap<CallKind, ReadonlySet<string>>> {
  const chosen = serviceFaults.filter((_, index) => index % everyNth === 0);
  await time.sleep(3_000, over);
  for (const fault of Array.from({ length: rounds }, () => chosen).flat()) {
    if (over.aborted) break;
    if (fault.kind === "refuse") await simulator.setFault(fault);
    else await simulator.setFaults([{ fault, occurs: { kind: "always" } }, ...beside(random)]);
    if (random() < revokeShare) simulator.revokeTokens();
    if (fault.kind !== "refuse") await comes(simulator, time, over, (call) => call.fault !== null);
    await time.sleep(between(random, faultMs.from, faultMs.to), over);
    // Searches go on failing in peace: that is when most of them are made.
    await simulator.setFaults(beside(random));
    await comes(simulator, time, over, (call) => call.fault === null && call.accepted > 0);
    await time.sleep(between(random, peaceMs.from, peaceMs.to), over);
  }
  await simulator.clearFaults();
  const struck = new Map<CallKind, Set<string>>();
  for (const { call, fault } of simulator.calls()) {
    if (fault === null) continue;
    const faults = struck.get(call) ?? new Set();
    struck.set(call, faults.add(fault));
  }
  return struck;
}

const callFaults = serviceFaults.filter((fault): fault is CallFault => fault.kind !== "refuse");

function beside(random: Random): readonly FaultRule[] {
  const [first, ...others] = callFaults;
  if (first === undefined) return [];
  const any = (): CallFault => pick(random, [first, ...others]);
  const search: FaultRule = { fault: any(), occurs: { kind: "chance", probability: searchShare }, at: "search" };
  const token: FaultRule = { fault: any(), occurs: { kind: "next-calls", calls: 1 }, at: "token" };
  return random() < tokenShare ? [search, token] : [search];
}

/** Waits for a new call that registers, of which `isMeant` holds. */
async function comes(
  simulator: ServiceSimulator,
  time: Time,
  over: AbortSignal,
  isMeant: (call: CallRecord) => boolean,
): Promise<void> {
  const from = simulator.calls().length;
  const late = new AbortController();
  using _deadline = time.after(patienceMs, () => late.abort());
  while (!late.signal.aborted && !over.aborted) {
    if (
      simulator
        .calls()
        .slice(from)
        .some((call) => call.call === "register" && isMeant(call))
    )
      return;
    await time.sleep(pollMs, over);
  }
}

const pollMs = 20;

async function badge(gate: Gate, workers: number, time: Time, over: AbortSignal): Promise<Presentation[]> {
  const presentations: Presentation[] = [];
  const patience = new AbortController();
  for (let index = 0; index < workers && !over.aborted; index += 1) {
    const badgeNumber = fictionalBadge(index);
    const fromMs = time.wallMs();
    const accepted = await gate.present(badgeNumber, patience.signal);
    const toMs = time.wallMs();
    presentations.push({ badge: badgeNumber, ssin: fictionalSsin(index), accepted, between: { fromMs, toMs } });
    await time.sleep(betweenBadgesMs);
  }
  return presentations;
}

/** The most memory that the process was seen to hold, in megabytes. */
async function watchResident(pid: number, time: Time, ended: AbortSignal): Promise<number> {
  let mostKb = 0;
  while (!ended.aborted) {
    const [, kb] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    mostKb = Math.max(mostKb, Number(kb ?? 0));
    await time.sleep(sampleEveryMs, ended);
  }
  return Math.round(mostKb / 1024);
}

async function drain(site: CampaignSite, time: Time): Promise<boolean> {
  const late = new AbortController();
  using _deadline = time.after(drainMaxMs, () => late.abort());
  await using store = await visit(site, time);
  while (!late.signal.aborted) {
    const { byState } = await store.summary();
    if (byState.waiting + byState.sending === 0) return true;
    await time.sleep(200, late.signal);
  }
  return false;
}

function visit(site: CampaignSite, time: Time): Promise<Store> {
  const limits = { maxScans: 1_000_000, alarmFraction: 0.8, doubleScanMs: 60_000, keepSettledMs: 35 * 86_400_000 };
  return Store.open({ directory: site.store, ...limits, mode: "visitor" }, { time, log: silentLog });
}
