import { silentLog } from "../../base/log.ts";
import { between, seededRandom } from "../../base/random.ts";
import type { Time } from "../../base/time.ts";
import type { ArchivedScan, ScanFilter } from "../../scan/archive.ts";
import { type ServiceSimulator, startServiceSimulator } from "../../simulator/service/service-simulator.ts";
import { Store } from "../../store/store.ts";
import { fictionalBadge, fictionalSsin } from "../fictional-worker.ts";
import { CampaignBox, stepDelayMs } from "./box.ts";
import { DaemonProcess } from "./daemon-process.ts";
import { pickFault } from "./faults.ts";
import { Gate } from "./gate.ts";
import { type CampaignSite, writeSite } from "./site.ts";
import { TimeServers } from "./time-servers.ts";
import { judge, type Presentation, type Verdict } from "./verdict.ts";

export type CampaignOptions = {
  readonly seed: number;
  /** SIGKILLs, each at a random moment after a start or after the first badge that was accepted. */
  readonly kills: number;
  /** At most this many workers badge, each once. */
  readonly workers: number;
  /** An empty folder of the campaign's own. */
  readonly directory: string;
  /** `daemon/main.ts`, or what it was built to. */
  readonly program: string;
  /** Whether the system clock is stepped and the box rebooted as well, see `boxObstacle`. */
  readonly clockFaults: boolean;
  readonly time: Time;
};

export type CampaignReport = Verdict & {
  readonly seed: number;
  readonly kills: number;
  readonly unplugs: number;
  readonly serviceFaults: number;
  readonly boots: number;
  readonly clockSteps: number;
  /** Whether the last daemon ended as it should on SIGTERM. */
  readonly endedWell: boolean;
};

/** A start takes some hundred milliseconds: the shortest life ends within it. */
const lifeMs = { from: 60, to: 1_500 } as const;
/** This share of lives is counted from the start; the others from the first green light, however slow the machine is. */
const shortLifeShare = 0.4;
const firstGreenMaxMs = 30_000;
const faultMs = { from: 100, to: 1_200 } as const;
const peaceMs = { from: 50, to: 600 } as const;
const pluggedMs = { from: 300, to: 3_000 } as const;
const unpluggedMs = { from: 0, to: 300 } as const;
const betweenBadgesMs = 12;
/** The backoff that the last fault may have left, scans put off so that others go first, and what then still waits. */
const drainMaxMs = 300_000;
const answerMaxMs = 60_000;

const everything: ScanFilter = { states: [], readerId: null, from: null, to: null, doubtfulOnly: false, limit: 1e6 };

/** This share of lives begins with a reboot of the box. */
const rebootShare = 0.3;

/**
 * Workers badge without pause while the daemon is killed, the reader unplugged, the service taken through every fault,
 * the time servers silent now and then, the system clock stepped and the box rebooted, all at random moments of one seed. Then everything is well again, and the promises are held against what the
 * workers saw, what the store holds and what the service has.
 */
export async function runCampaign(options: CampaignOptions): Promise<CampaignReport> {
  const { time, seed } = options;
  await using simulator = await startServiceSimulator({
    port: 0,
    log: silentLog,
    time,
    random: seededRandom(seed + 1),
  });
  await using servers = await TimeServers.open(time);
  const box = options.clockFaults ? new CampaignBox(options.directory, time) : null;
  const site = writeSite(options.directory, options.workers, simulator.url, { timeServers: servers.yaml });
  await box?.reboot(seededRandom(seed + 7));
  await using gate = await Gate.open(site.port, time);
  const killed = new AbortController();
  const tooLate = new AbortController();
  const badged = badge(gate, options, killed.signal, tooLate.signal);
  const trouble = [
    troubleService(simulator, options, killed.signal),
    troubleReader(gate, options, killed.signal),
    box === null ? 0 : troubleClock(box, options, killed.signal),
    servers.trouble(seededRandom(seed + 9), time, killed.signal),
  ] as const;
  await killAgainAndAgain(site, box, gate, options);
  killed.abort();
  const deadline = time.after(answerMaxMs, () => tooLate.abort());
  await using last = new DaemonProcess(options.program, site.configuration, box?.launch());
  const [presentations, serviceFaults, unplugs, clockSteps] = await Promise.all([badged, ...trouble]);
  deadline[Symbol.dispose]();
  if (tooLate.signal.aborted) throw new Error(`the last badge was never answered; the daemon wrote: ${last.output}`);
  const drained =
    (await drain(site, last, time)) && (await releaseBrackets(site, time)) && (await drain(site, last, time));
  const { code } = await last.kill("SIGTERM");
  await using store = await visit(site, time);
  const scans = await store.list(everything);
  const verdict = judge(presentations, scans, simulator.registrations());
  const broken = drained ? verdict.broken : [`not drained; the daemon wrote: ${last.output}`, ...verdict.broken];
  const boots = box?.boots ?? 0;
  const kills = { kills: options.kills, unplugs, serviceFaults, boots, clockSteps };
  return { ...verdict, broken, seed, ...kills, endedWell: code === 0 };
}

async function killAgainAndAgain(
  site: CampaignSite,
  box: CampaignBox | null,
  gate: Gate,
  { seed, kills, program, time }: CampaignOptions,
): Promise<void> {
  const random = seededRandom(seed + 2);
  for (let kill = 0; kill < kills; kill += 1) {
    if (box !== null && random() < rebootShare) await box.reboot(random);
    await using daemon = new DaemonProcess(program, site.configuration, box?.launch());
    const over = new AbortController();
    void daemon.ended.then(() => over.abort());
    if (random() >= shortLifeShare) await firstGreen(gate, time, over.signal);
    await time.sleep(between(random, lifeMs.from, lifeMs.to), over.signal);
    const { code } = await daemon.kill("SIGKILL");
    if (code !== null) throw new Error(`the daemon ended by itself with ${code}: ${daemon.output}`);
  }
}

async function firstGreen(gate: Gate, time: Time, over: AbortSignal): Promise<void> {
  const late = new AbortController();
  using _deadline = time.after(firstGreenMaxMs, () => late.abort());
  await gate.nextGreen(AbortSignal.any([over, late.signal]));
}

/** The badge that is held to the reader when the killing ends is held there until it is answered. */
async function badge(
  gate: Gate,
  { seed, workers, time }: CampaignOptions,
  killed: AbortSignal,
  tooLate: AbortSignal,
): Promise<Presentation[]> {
  const random = seededRandom(seed + 3);
  const presentations: Presentation[] = [];
  for (let index = 0; index < workers && !killed.aborted; index += 1) {
    const badgeNumber = fictionalBadge(index);
    const fromMs = time.wallMs();
    const accepted = await gate.present(badgeNumber, tooLate);
    const toMs = time.wallMs();
    presentations.push({ badge: badgeNumber, ssin: fictionalSsin(index), accepted, between: { fromMs, toMs } });
    await time.sleep(between(random, 0, betweenBadgesMs));
  }
  return presentations;
}

async function troubleService(
  simulator: ServiceSimulator,
  { seed, time }: CampaignOptions,
  killed: AbortSignal,
): Promise<number> {
  const random = seededRandom(seed + 4);
  let faults = 0;
  while (!killed.aborted) {
    await simulator.setFault(pickFault(random));
    faults += 1;
    await time.sleep(between(random, faultMs.from, faultMs.to), killed);
    await simulator.clearFaults();
    await time.sleep(between(random, peaceMs.from, peaceMs.to), killed);
  }
  return faults;
}

async function troubleReader(gate: Gate, { seed, time }: CampaignOptions, killed: AbortSignal): Promise<number> {
  const random = seededRandom(seed + 5);
  let unplugs = 0;
  while (!killed.aborted) {
    await time.sleep(between(random, pluggedMs.from, pluggedMs.to), killed);
    await gate.reader.unplug();
    unplugs += 1;
    await time.sleep(between(random, unpluggedMs.from, unpluggedMs.to));
    gate.reader.replug();
  }
  return unplugs;
}

async function troubleClock(box: CampaignBox, { seed, time }: CampaignOptions, ended: AbortSignal): Promise<number> {
  const random = seededRandom(seed + 8);
  let steps = 0;
  while (!ended.aborted) {
    await time.sleep(stepDelayMs(random), ended);
    box.step(random);
    steps += 1;
  }
  return steps;
}

/**
 * The person who decides about scans whose boot never knew the time lets them go, but for one whose worker tried again
 * after the power came back: that act has its scan.
 */
async function releaseBrackets(site: CampaignSite, time: Time): Promise<boolean> {
  await using store = await visit(site, time);
  const scans = await store.list(everything);
  const kept = scans.filter(({ state }) => state === "withheld");
  const others = new Set(scans.filter(({ state }) => state !== "withheld" && state !== "double").map(badgeOf));
  const alone = kept.filter((scan) => !others.has(badgeOf(scan)));
  const outcomes = await Promise.all(
    alone.map(({ scanId }) => store.release(scanId, time.wallMs(), { bracket: true, samePerson: false })),
  );
  return outcomes.every(({ kind }) => kind === "released");
}

const badgeOf = ({ badgeNumber }: ArchivedScan): string => badgeNumber;

async function drain(site: CampaignSite, daemon: DaemonProcess, time: Time): Promise<boolean> {
  const late = new AbortController();
  using _deadline = time.after(drainMaxMs, () => late.abort());
  void daemon.ended.then(() => late.abort());
  await using store = await visit(site, time);
  while (!late.signal.aborted) {
    const { byState } = await store.summary();
    if (byState.waiting + byState.sending === 0) return true;
    await time.sleep(200, late.signal);
  }
  return false;
}

function visit(site: CampaignSite, time: Time): Promise<Store> {
  const limits = {
    maxScans: 1_000_000,
    alarmFraction: 0.8,
    doubleScanMs: 60_000,
    keepSettledMs: 35 * 24 * 60 * 60 * 1000,
  };
  return Store.open({ directory: site.store, ...limits, mode: "visitor" }, { time, log: silentLog });
}
