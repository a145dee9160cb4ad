import { silentLog } from "../../base/log.ts";
import { between, pick, seededRandom } from "../../base/random.ts";
import type { Time } from "../../base/time.ts";
import { builtAt } from "../../base/version.ts";
import { ClockService } from "../../clock/clock-service.ts";
import { readUptimeMs } from "../../clock/host-readings.ts";
import { NtpClient } from "../../clock/ntp-client.ts";
import { utcNsOfWall } from "../../clock/utc.ts";
import { CiaoClient } from "../../forward/ciao/ciao-client.ts";
import { noToken } from "../../forward/ciao/token.ts";
import { ForwardService } from "../../forward/forward-service.ts";
import { receiptRemark } from "../../forward/receipt-guard.ts";
import type { ScanFilter } from "../../scan/archive.ts";
import { registerInBulkPath } from "../../simulator/service/call-kind.ts";
import type { Fault } from "../../simulator/service/fault.ts";
import { type ServiceSimulator, startServiceSimulator } from "../../simulator/service/service-simulator.ts";
import { Store } from "../../store/store.ts";
import { fictionalBadge, fictionalSsin } from "../fictional-worker.ts";
import { TimeServers } from "./time-servers.ts";

export type ReceiptCampaignOptions = {
  readonly seed: number;
  readonly limitMs: number;
  /** How far the service's clock is ahead of the truth. */
  readonly serviceOffsetMs: number;
  readonly outages: number;
  readonly outageMs: { readonly from: number; readonly to: number };
  readonly peaceMs: { readonly from: number; readonly to: number };
  /** An empty folder of the campaign's own. */
  readonly directory: string;
  readonly time: Time;
};

export type ReceiptCampaignReport = {
  readonly serviceOffsetMs: number;
  readonly recorded: number;
  readonly registered: number;
  readonly withheld: number;
  /** Registrations with remark 32, by the service's own clock and limit: the promise is none. */
  readonly remarked: number;
  /** The longest that a registration took from badge to receipt, by the service's clock. */
  readonly delayMaxMs: number;
  /** Each line is a broken promise. */
  readonly broken: readonly string[];
};

const outageFaults: readonly [Fault, ...Fault[]] = [
  { kind: "refuse", forMs: null },
  { kind: "time-out", processed: false },
  { kind: "time-out", processed: true },
  { kind: "reset-after-processing" },
  { kind: "server-error", status: 503, processed: false, retryAfterSeconds: null },
];
const betweenBadgesMs = { from: 20, to: 120 } as const;
const callTimeoutMs = 1_000;
const workers = 4_000;
const everything: ScanFilter = { states: [], readerId: null, from: null, to: null, doubtfulOnly: false, limit: 1e6 };

/**
 * Badges come without pause while the service has outages about as long as its receipt limit, and judges by a clock of
 * its own: nothing may be registered with remark 32, and whatever is kept back has to say why.
 */
export async function runReceiptCampaign(options: ReceiptCampaignOptions): Promise<ReceiptCampaignReport> {
  const { time, seed, limitMs, serviceOffsetMs: clockOffsetMs } = options;
  const random = seededRandom(seed);
  await using simulator = await startServiceSimulator({
    port: 0,
    log: silentLog,
    time,
    receiptLimitMs: limitMs,
    clockOffsetMs,
  });
  await using servers = await TimeServers.open(time);
  await using parts = new AsyncDisposableStack();
  const store = parts.use(await openStore(options.directory, time));
  const settings = { baseUrl: simulator.url, registerPath: registerInBulkPath, healthPath: "/health" };
  const client = parts.use(
    new CiaoClient({ ...settings, timeoutMs: callTimeoutMs }, noToken, time, (answer) => clock.serviceAnswered(answer)),
  );
  const clock: ClockService = parts.use(
    new ClockService(
      {
        transport: new NtpClient(time),
        history: store.clock,
        dating: store.clock,
        askService: async (signal) => void (await client.askHealth(signal)),
        onTime: () => forwarder.wake(),
        time,
        random,
        log: silentLog,
        uptimeMs: readUptimeMs,
      },
      {
        bootId: "receipt-campaign",
        sources: servers.addresses.map((each) => ({ ...each, id: each.host, operator: each.host, votes: true })),
        builtAt: utcNsOfWall(builtAt),
        slewing: false,
        burstSpacingMs: 20,
      },
    ),
  );
  const forwarder: ForwardService = parts.use(
    new ForwardService(
      { queue: store, upstream: client, clock, memory: store, onOutcome: () => {}, time, random, log: silentLog },
      { callIntervalMs: 0, receipt: { limitMs, late: "withhold", timeoutMs: callTimeoutMs } },
    ),
  );
  await clock.start();
  forwarder.start();
  const workSiteId = await store.internWorkSite({
    place: { kind: "coordinates", latitude: 51, longitude: 4 },
    declarationOfWorks: null,
  });
  const over = new AbortController();
  const badged = badge(options, { store, clock, wake: () => forwarder.wake() }, workSiteId, over.signal);
  await trouble(simulator, options);
  over.abort();
  const recorded = await badged;
  while ((await store.backlog()).waiting > 0) await time.sleep(50);
  return await judge(options, recorded, store, simulator);
}

async function badge(
  { seed, time }: ReceiptCampaignOptions,
  parts: { readonly store: Store; readonly clock: ClockService; readonly wake: () => void },
  workSiteId: number,
  over: AbortSignal,
): Promise<number> {
  const random = seededRandom(seed + 1);
  let recorded = 0;
  while (!over.aborted) {
    const number = fictionalBadge(recorded % workers);
    const outcome = await parts.store.record({
      readerId: "gate",
      badge: { raw: number, number },
      rule: { kind: "toggle" },
      workSiteId,
      stamp: parts.clock.stamp(time.monotonicNs()),
    });
    if (outcome.kind === "not-recorded") throw new Error(outcome.detail);
    recorded += 1;
    parts.wake();
    await time.sleep(between(random, betweenBadgesMs.from, betweenBadgesMs.to), over);
  }
  return recorded;
}

async function trouble(
  simulator: ServiceSimulator,
  { seed, outages, outageMs, peaceMs, time }: ReceiptCampaignOptions,
): Promise<void> {
  const random = seededRandom(seed + 2);
  for (let outage = 0; outage < outages; outage += 1) {
    await time.sleep(between(random, peaceMs.from, peaceMs.to));
    await simulator.setFault(pick(random, outageFaults));
    await time.sleep(between(random, outageMs.from, outageMs.to));
    await simulator.clearFaults();
  }
  await time.sleep(peaceMs.to);
}

async function judge(
  { limitMs, serviceOffsetMs }: ReceiptCampaignOptions,
  recorded: number,
  store: Store,
  simulator: ServiceSimulator,
): Promise<ReceiptCampaignReport> {
  const scans = await store.list(everything);
  const held = simulator.registrations();
  const remarked = held.filter((each) => simulator.remarks(each).includes(receiptRemark));
  const broken = remarked.map(
    (each) => `remark 32: received ${each.receivedMs - each.registrationMs} ms after the badge`,
  );
  for (const { scanId, state, reason } of scans) {
    if (state === "withheld" && !(reason ?? "").startsWith("receipt would be "))
      broken.push(`scan ${scanId}: no reason`);
    if (state !== "withheld" && state !== "registered") broken.push(`scan ${scanId} ended as ${state}`);
  }
  if (scans.length !== recorded) broken.push(`${recorded} scans were recorded, ${scans.length} are stored`);
  const registered = scans.filter(({ state }) => state === "registered").length;
  const delayMaxMs = Math.max(0, ...held.map((each) => each.receivedMs - each.registrationMs));
  if (delayMaxMs >= limitMs) broken.push(`a registration was received ${delayMaxMs} ms after its badge`);
  const withheld = scans.length - registered;
  return { serviceOffsetMs, recorded, registered, withheld, remarked: remarked.length, delayMaxMs, broken };
}

async function openStore(directory: string, time: Time): Promise<Store> {
  const store = await Store.open(
    {
      directory,
      maxScans: 1_000_000,
      alarmFraction: 0.8,
      doubleScanMs: 0,
      keepSettledMs: 35 * 24 * 60 * 60 * 1000,
      mode: "daemon",
    },
    { time, log: silentLog },
  );
  const roster = Array.from({ length: workers }, (_, worker) => ({
    badge: fictionalBadge(worker),
    ssin: fictionalSsin(worker),
    employer: { kind: "enterprise-number", number: "0566988259" } as const,
    declarationOfWorks: "1Y1003SQ5VSSZ",
    reference: null,
    validFrom: null,
    validUntil: null,
  }));
  await store.replaceRoster(roster, "receipt-campaign");
  return store;
}
