import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert } from "../../base/assert.ts";
import { silentLog } from "../../base/log.ts";
import { between, pick, type Random, seededRandom } from "../../base/random.ts";
import type { Time } from "../../base/time.ts";
import type { ScanFilter } from "../../scan/archive.ts";
import { rosterMaxBadges } from "../../scan/roster-csv.ts";
import type { CallKind } from "../../simulator/service/call-kind.ts";
import type { CallRecord } from "../../simulator/service/call-log.ts";
import type { CallFault, Fault, FaultRule } from "../../simulator/service/fault.ts";
import { type ServiceSimulator, startServiceSimulator } from "../../simulator/service/service-simulator.ts";
import { Store } from "../../store/store.ts";
import { fictionalBadge, fictionalSsin } from "../fictional-worker.ts";
import { plainLaunch } from "./box.ts";
import { DaemonProcess } from "./daemon-process.ts";
import { callFaults, serviceFaults } from "./faults.ts";
import { Gate } from "./gate.ts";
import { strikeInQuiet } from "./quiet-strikes.ts";
import { brokenOwnership, misnumberedOf } from "./registration-owners.ts";
import { watchResident } from "./resident.ts";
import { type CampaignSite, writeSite } from "./site.ts";
import { logInto, SsinWatch } from "./ssin-watch.ts";
import { StrikeTable } from "./strike-table.ts";
import { TimeServers } from "./time-servers.ts";
import { judge, type Presentation, type Verdict } from "./verdict.ts";

export type ServiceCampaignOptions = {
  readonly seed: number;
  /** How often the whole list of faults is gone through. */
  readonly rounds: number;
  /** Only every n-th fault of the list, for a short run. */
  readonly everyNth: number;
  /** Instead of all of them: those that strike registrations, and how small a quota of failed calls they meet. */
  readonly failing?: { readonly faults: readonly Fault[]; readonly failedMax: number; readonly windowMs: number };
  /** An empty folder of the campaign's own. */
  readonly directory: string;
  /** `daemon/main.ts`, or what it was built to. */
  readonly program: string;
  readonly time: Time;
};

export type ServiceCampaignReport = Verdict & {
  readonly seed: number;
  readonly calls: Readonly<Partial<Record<CallKind, number>>>;
  /** Which fault struck which call how often, as lines of text. */
  readonly strikes: readonly string[];
  /** Connections were refused this often, whatever was called. */
  readonly refusals: number;
  /** Calls made although a 429 had asked to stay away for longer. */
  readonly quotaViolations: number;
  readonly failedCallsPeak: number;
  /** Calls that the quota itself refused: as often was its end met. */
  readonly quotaRefusals: number;
  readonly remarks: number;
  /** Scans that a reordered answer, which repeats nothing of what was sent, gave each other's registration. */
  readonly misnumbered: number;
  readonly registeredTwice: number;
  readonly logLines: number;
  readonly residentMaxMb: number;
  readonly endedWell: boolean;
};

/** An answer of 10 MB, or one without an end, must not stay in memory; the daemon without anything to do takes 115 MB. */
export const residentLimitMb = 256;

const clientId = "campaign";
/** More than can badge in that time, so that there is always something to send; of four rounds no more than a roster takes. */
const workersPerRound = 4_800;
const betweenBadgesMs = 40;
/** How long a fault stays after it struck for the first time, and peace after the first call that went through. */
const faultMs = { from: 0, to: 1_200 } as const;
const peaceMs = { from: 0, to: 800 } as const;
/** No fault is tried for ever. */
const strikesMax = 400;
/** A backoff may keep calls away for a while; so may a token that cannot be had. */
const patienceMs = 45_000;
/** Chance that a search meets a fault of its own. */
const searchShare = 0.4;
/** A token fails once in this share of the faults, and all are revoked in this one. */
const tokenShare = 0.4;
const revokeShare = 0.3;
const tokenLifetimeSeconds = 4;
/** As many failed calls as an outage with its backoff may make now and then: the quota is met, and has to be respected. */
const quota = { callsMax: null, failedMax: 5, windowMs: 10_000 } as const;
const drainMaxMs = 300_000;
const everything: ScanFilter = { states: [], readerId: null, from: null, to: null, doubtfulOnly: false, limit: 1e6 };

/**
 * Workers badge while every kind of call meets every fault: the calls that register one fault after the other, searches
 * and requests for a token at random beside them. The daemon is as it is shipped, in a process of its own, and logs all it
 * can. Then everything is well again, and what the service holds is held against what the workers saw.
 */
export async function runServiceCampaign(options: ServiceCampaignOptions): Promise<ServiceCampaignReport> {
  const { time, seed, directory } = options;
  const random = seededRandom(seed);
  const workers = workersIn(options.rounds);
  const table = new StrikeTable(everyNth(serviceFaults, options).filter((fault) => fault.kind !== "refuse"));
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
    quota: { ...quota, ...(options.failing ?? {}) },
    onStruck: (call, fault) => table.add(call, fault),
  });
  // A remark on everything, so that looks have something to find.
  simulator.trouble(35, 24 * 60 * 60 * 1000);
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
  const refusals = await trouble(simulator, random, options, table, over.signal);
  const diedEarly = over.signal.aborted;
  over.abort();
  const presentations = await badged;
  const drained = !diedEarly && (await drain(site, time));
  ended.abort();
  const { code } = await daemon.kill("SIGTERM");
  await using store = await visit(site, time);
  const scans = await store.list(everything);
  const verdict = judge(presentations, scans, simulator.registrations());
  const quietFrom = time.wallMs();
  if (options.failing === undefined && drained) {
    const client = { id: clientId, key: privateKey };
    await strikeInQuiet({ simulator, table, store, client, stranger: workers, time, log: logInto(watch) });
  }
  const { quotaViolations, quotaRefusals, failedCallsPeak, callsByKind } = simulator.stats();
  const remarks = await store.remarks.listRemarks({ openOnly: false, seenFrom: null, limit: 10_000 });
  const residentMaxMb = await resident;
  const broken = [...verdict.broken];
  if (diedEarly) broken.push(`the daemon ended by itself with ${code}: ${daemon.output}`);
  else if (!drained) broken.push(`not drained; the daemon wrote: ${daemon.output}`);
  if (options.failing === undefined) broken.push(...table.missing());
  else if (quotaRefusals === 0) broken.push("the quota of failed calls was never met");
  const misnumbered = misnumberedOf(scans, presentations, simulator.registrations());
  broken.push(
    ...brokenOwnership(misnumbered, remarks, {
      isReordered: table.count("register", { kind: "garbage", form: "reordered" }) > 0,
      quietFrom,
    }),
  );
  broken.push(...brokenLimits(quotaViolations, residentMaxMb, watch));
  const held = Map.groupBy(simulator.registrations(), ({ ssin }) => ssin);
  return {
    ...verdict,
    broken,
    seed,
    calls: callsByKind,
    strikes: table.lines(),
    refusals,
    quotaViolations,
    quotaRefusals,
    remarks: remarks.length,
    misnumbered: misnumbered.size,
    failedCallsPeak,
    registeredTwice: [...held.values()].filter(({ length }) => length > 1).length,
    logLines: watch.lines,
    residentMaxMb,
    endedWell: code === 0,
  };
}

function workersIn(rounds: number): number {
  const workers = workersPerRound * rounds;
  const roundsMax = Math.floor(rosterMaxBadges / workersPerRound);
  assert(workers <= rosterMaxBadges, `a roster takes the workers of ${roundsMax} rounds`);
  return workers;
}

function brokenLimits(quotaViolations: number, residentMaxMb: number, watch: SsinWatch): readonly string[] {
  const violated = `${quotaViolations} calls came before the time that a 429 had named`;
  const large = `${residentMaxMb} MB resident, ${residentLimitMb} MB allowed`;
  return [
    ...(quotaViolations > 0 ? [violated] : []),
    ...(residentMaxMb > residentLimitMb ? [large] : []),
    ...watch.found.map((line) => `a national number in the log: ${line}`),
  ];
}

/** @returns how often connections were refused */
async function trouble(
  simulator: ServiceSimulator,
  random: Random,
  options: ServiceCampaignOptions,
  table: StrikeTable,
  over: AbortSignal,
): Promise<number> {
  const { rounds, time, failing } = options;
  const chosen = everyNth(failing?.faults ?? serviceFaults, options);
  const strikeMs = failing === undefined ? faultMs : failing.windowMs;
  let refusals = 0;
  await time.sleep(3_000, over);
  const strikes = Array.from({ length: rounds }, () => chosen).flat();
  for (let turn = 0; turn < strikes.length && !over.aborted; turn += 1) {
    const fault = strikes[turn] ?? { kind: "refuse", forMs: null };
    // Once all had their turn, those that no call came for get another one.
    if (failing === undefined && turn === strikes.length - 1 && turn < strikesMax)
      strikes.push(...table.open("register"));
    if (fault.kind === "refuse") {
      refusals += 1;
      await simulator.setFault(fault);
    } else await simulator.setFaults([{ fault, occurs: { kind: "always" } }, ...beside(random, table)]);
    if (random() < revokeShare) simulator.revokeTokens();
    if (fault.kind !== "refuse") await comes(simulator, time, over, (call) => call.fault !== null);
    await time.sleep(typeof strikeMs === "number" ? strikeMs : between(random, strikeMs.from, strikeMs.to), over);
    // Searches go on failing in peace: that is when most of them are made.
    await simulator.setFaults(beside(random, table));
    await comes(simulator, time, over, (call) => call.fault === null && call.accepted > 0);
    await time.sleep(between(random, peaceMs.from, peaceMs.to), over);
  }
  await simulator.clearFaults();
  return refusals;
}

function everyNth<T>(faults: readonly T[], options: ServiceCampaignOptions): readonly T[] {
  return faults.filter((_, index) => index % options.everyNth === 0);
}

/** What has not struck these calls yet goes first. */
function beside(random: Random, table: StrikeTable): readonly FaultRule[] {
  const [first, ...others] = callFaults;
  if (first === undefined) return [];
  const any = (): CallFault => pick(random, [first, ...others]);
  const once = { kind: "next-calls", calls: 1 } as const;
  const search: FaultRule = {
    fault: table.open("search")[0] ?? any(),
    occurs: { kind: "chance", probability: searchShare },
    at: "search",
  };
  const health: FaultRule = { fault: table.open("health")[0] ?? any(), occurs: once, at: "health" };
  const token: FaultRule = { fault: table.open("token")[0] ?? any(), occurs: once, at: "token" };
  return random() < tokenShare ? [search, health, token] : [search, health];
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
