import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { silentLog } from "../../base/log.ts";
import { between, seededRandom } from "../../base/random.ts";
import type { Time } from "../../base/time.ts";
import type { ScanFilter } from "../../scan/archive.ts";
import { parseRoster } from "../../scan/roster-csv.ts";
import { startServiceSimulator } from "../../simulator/service/service-simulator.ts";
import { Store } from "../../store/store.ts";
import { fictionalBadge, fictionalSsin } from "../fictional-worker.ts";
import { TrustingClock } from "../trusting-clock.ts";
import { DaemonProcess } from "./daemon-process.ts";
import { writeSite } from "./site.ts";
import { TimeServers } from "./time-servers.ts";
import { judge, type Presentation } from "./verdict.ts";

export type DrainKillsOptions = {
  readonly seed: number;
  /** Waiting scans, one of each worker; no more than a list shows, 10,000. */
  readonly scans: number;
  readonly kills: number;
  /** An empty folder of the campaign's own. */
  readonly directory: string;
  readonly program: string;
  readonly time: Time;
};

export type DrainKillsReport = {
  readonly kills: number;
  readonly registered: number;
  readonly possibleDuplicates: number;
  readonly duplicatesExplained: number;
  /** Each line is a broken promise. */
  readonly broken: readonly string[];
};

/**
 * A kill comes within this share of what its turn could send, counted in registrations: some calls are written by then and
 * some are not, and however fast the machine is, enough is left for the kills to come.
 */
const killWithin = 1 / 3;
const startMaxMs = 60_000;
const everything: ScanFilter = { states: [], readerId: null, from: null, to: null, doubtfulOnly: false, limit: 1e6 };

/**
 * A backlog is sent as fast as it goes, call upon call, by a daemon that is killed again and again in the middle of it.
 * Searching is switched off, so that every doubt becomes a call: what is registered twice has to say so.
 */
export async function runDrainKills(options: DrainKillsOptions): Promise<DrainKillsReport> {
  const { time, seed, directory, scans, program } = options;
  const random = seededRandom(seed);
  await using simulator = await startServiceSimulator({ port: 0, log: silentLog, time });
  await using servers = await TimeServers.open(time);
  mkdirSync(directory, { recursive: true });
  const site = writeSite(directory, scans, simulator.url, {
    timeServers: servers.yaml,
    callInterval: "0 s",
    service: ", paths: { search: none }",
  });
  const presentations = await fill(join(directory, "roster.csv"), site.store, scans, time);
  let kills = 0;
  for (let isDrained = false; !isDrained; ) {
    const before = simulator.registrations().length;
    const turn = Math.max(1, Math.floor(((scans - before) / (options.kills - kills + 1)) * killWithin));
    const goal = before + (kills < options.kills ? between(random, 1, turn) : 1);
    await using daemon = new DaemonProcess(program, site.configuration);
    const isOver = (): boolean => simulator.registrations().length >= goal;
    if (!(await waitFor(isOver, time)))
      throw new Error(`too little was registered; the daemon wrote: ${daemon.output}`);
    if (kills < options.kills) {
      await daemon.kill("SIGKILL");
      kills += 1;
      // A fast machine may send all of it before the last kill. Who looks into the store changes what the next daemon finds.
      isDrained = simulator.registrations().length >= scans && (await waitingIn(site.store, time)) === 0;
    } else {
      while ((await waitingIn(site.store, time)) > 0) await time.sleep(100);
      await daemon.kill("SIGTERM");
      isDrained = true;
    }
  }
  await using store = await openStore(site.store, "visitor", time);
  const verdict = judge(presentations, await store.list(everything), simulator.registrations());
  const { registered, possibleDuplicates, duplicatesExplained, broken } = verdict;
  return { kills, registered, possibleDuplicates, duplicatesExplained, broken };
}

async function fill(
  rosterFile: string,
  directory: string,
  scans: number,
  time: Time,
): Promise<readonly Presentation[]> {
  await using store = await openStore(directory, "daemon", time);
  const roster = parseRoster(readFileSync(rosterFile, "utf8"), "hex");
  await store.replaceRoster(roster.entries, roster.fingerprint);
  const workSiteId = await store.internWorkSite({
    place: { kind: "coordinates", latitude: 51.05, longitude: 3.72 },
    declarationOfWorks: null,
  });
  const clock = new TrustingClock(time);
  return await Promise.all(
    Array.from({ length: scans }, async (_, worker) => {
      const number = fictionalBadge(worker);
      const stamp = clock.stamp(time.monotonicNs());
      const badge = { raw: number, number };
      const outcome = await store.record({ readerId: "gate", badge, rule: { kind: "toggle" }, workSiteId, stamp });
      const accepted = outcome.kind === "recorded";
      return {
        badge: number,
        ssin: fictionalSsin(worker),
        accepted,
        between: { fromMs: stamp.utcMs, toMs: stamp.utcMs },
      };
    }),
  );
}

async function waitingIn(directory: string, time: Time): Promise<number> {
  await using visitor = await openStore(directory, "visitor", time);
  return (await visitor.backlog()).waiting;
}

async function waitFor(isOver: () => boolean, time: Time): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < startMaxMs; waitedMs += 1) {
    if (isOver()) return true;
    await time.sleep(1);
  }
  return false;
}

function openStore(directory: string, mode: "daemon" | "visitor", time: Time): Promise<Store> {
  const limits = { maxScans: 1_000_000, alarmFraction: 0.8, doubleScanMs: 60_000, keepSettledMs: 35 * 86_400_000 };
  return Store.open({ directory, ...limits, mode }, { time, log: silentLog });
}
