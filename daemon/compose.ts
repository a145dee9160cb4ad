import type { Configuration } from "../config/configuration.ts";
import type { Reader } from "../drivers/contract.ts";
import { closeTogether } from "./base/close-together.ts";
import { BadgedError, messageOf, systemCode } from "./base/errors.ts";
import { makeFolder } from "./base/folders.ts";
import { loadAgent } from "./base/http-exchange.ts";
import type { ClockService } from "./clock/clock-service.ts";
import { readAddresses } from "./clock/host-readings.ts";
import { watchNetwork } from "./clock/network-watch.ts";
import type { Clock, Stamp } from "./clock/stamp.ts";
import { rereadBadgesAtStart } from "./compose/badges-at-start.ts";
import { tellOfCall } from "./compose/call-observation.ts";
import { composeClock } from "./compose/clock.ts";
import { startClockwork } from "./compose/clockwork.ts";
import type { DaemonPorts } from "./compose/daemon-ports.ts";
import { composeEvidence, type Evidence } from "./compose/evidence.ts";
import { liveStatus } from "./compose/live.ts";
import { composeOutages } from "./compose/outages.ts";
import { placesAtStart } from "./compose/places-at-start.ts";
import { composeReaders, readerEvents } from "./compose/readers.ts";
import { composeRemarks } from "./compose/remarks.ts";
import { importRosterAtStart, type RosterLater, rosterLater } from "./compose/roster-at-start.ts";
import { type ComposedService, composeService, tokenOf } from "./compose/service.ts";
import { storeSettings } from "./compose/store-settings.ts";
import { webhooksAtStart } from "./compose/webhooks-at-start.ts";
import { ForwardService } from "./forward/forward-service.ts";
import type { AttemptOutcome } from "./forward/queue.ts";
import type { SendingClock } from "./forward/receipt-guard.ts";
import type { Upstream } from "./forward/upstream.ts";
import { WebhookService } from "./forward/webhook/webhook-service.ts";
import type { OutageService } from "./outage/outage-service.ts";
import type { BadgeReading, ReaderRule } from "./scan/draft.ts";
import { Intake } from "./scan/intake.ts";
import { Store } from "./store/store.ts";
import type { LiveStatus } from "./supervisor/live-status.ts";
import { createServiceNotifier, type ServiceNotifier } from "./supervisor/service-notifier.ts";
import { StatusSocket, statusSocketPath } from "./supervisor/status-socket.ts";
import { holdStore, type StoreHold } from "./supervisor/store-hold.ts";

/** A composed site. Readers take badges from `start` on. Disposing answers every badge taken over, then stops. */
export interface Daemon extends AsyncDisposable {
  start(): Promise<void>;
}

/**
 * Builds every part of a site by hand, and hands each only what it uses. What is built later is closed earlier: readers
 * stop first, then intake is answered, then the forwarder ends its call, and the store closes last but for the socket and
 * the hold on its folder, which keep a second daemon out until then.
 */
export async function composeDaemon(configuration: Configuration, ports: DaemonPorts): Promise<Daemon> {
  const { time, log } = ports;
  const composed = Promise.withResolvers<() => LiveStatus>();
  await using building = new AsyncDisposableStack();
  makeDirectory(configuration.store.directory);
  const hold = building.use(await holdStore(configuration.store.directory, log.child({ room: "supervisor" })));
  building.use(
    await StatusSocket.open(statusSocketPath(configuration.store.directory), async () => (await composed.promise)()),
  );
  const notifier = building.use(composeNotifier(() => store, ports));
  const { store, roster } = await openStore(configuration, building, { hold, notifier }, ports);
  const service: ComposedService = building.use(
    composeService(configuration.service, {
      bystanders: configuration.outage,
      clock: () => clock,
      tokenSeen: (state, askedNs) => outages.tokenSeen(state, askedNs),
      ...ports,
    }),
  );
  const { client } = service;
  const evidence: Evidence = building.use(
    composeEvidence(configuration, store, (): Stamp => clock.stamp(time.monotonicNs()), ports),
  );
  const clock: ClockService = building.use(
    await composeClock(configuration, store.clock, { client, evidence, onTime: () => forwarder.wake() }, ports),
  );
  building.use(watchNetwork(readAddresses, () => clock.networkUp(), time));
  const outages: OutageService = building.use(
    await composeOutages(
      configuration,
      store.outages,
      { client, clock, evidence, onOver: () => service.hasten(forwarder) },
      ports,
    ),
  );
  const forwarder = building.use(
    composeForwarder(
      configuration,
      store,
      { client, clock, onOutcome: (outcome) => tellOfCall(outcome, outages) },
      ports,
    ),
  );
  const { tokens: token } = service;
  const remarks = building.use(composeRemarks(configuration, { store, token, clock, forwarder }, ports));
  const webhooks = composeWebhooks(configuration, store, building, ports);
  const readers = composeReaders(configuration, ports);
  const recorded = (scanId: number): void => tellRecorded(scanId, remarks, [forwarder, ...webhooks]);
  const intake = building.use(await composeIntake(configuration, store, clock, readers, recorded, ports));
  building.defer(() => closeTogether(readers, "readers"));

  building.use(startClockwork(configuration, store, { clock, evidence, roster, forwarder }, ports));
  composed.resolve(
    liveStatus(configuration, {
      startedAt: time.wallMs(),
      readers,
      intake: intake.intake,
      clock,
      outages,
      evidence,
      service,
      forwarder,
      remarks,
      webhooks,
    }),
  );

  const parts = building.move();
  return {
    async start() {
      const events = readerEvents(intake.intake, log.child({ room: "drivers" }));
      await remarks.start();
      for (const reader of readers) reader.start(events);
      // In this order: the log notes the last sign of life before the watch of outages writes over it.
      for (const each of [clock, evidence, outages, service, forwarder, ...webhooks]) await each.start();
      await rereadBadgesAtStart(intake.rules, configuration.roster.badgeForm, store, log.child({ room: "scan" }));
      log.info({ site: configuration.site.name, configuration: configuration.fingerprint }, "badged started");
      await notifier.ready(`site ${configuration.site.name}`);
    },
    async [Symbol.asyncDispose]() {
      // A manager that takes no notice takes none of the time to stop: it is told while the others close.
      void notifier.stopping("finishing what is under way");
      await parts.disposeAsync();
    },
  };
}

/** @param store called from `ready` on */
function composeNotifier(store: () => Store, { time, log }: DaemonPorts): ServiceNotifier {
  const alive = (): Promise<boolean> =>
    store()
      .backlog()
      .then(() => true);
  return createServiceNotifier({ environment: process.env, pid: process.pid, alive, time, log });
}

function tellRecorded(
  scanId: number,
  remarks: { recorded(scanId: number): void },
  senders: readonly { wake(): void }[],
): void {
  remarks.recorded(scanId);
  for (const each of senders) each.wake();
}

async function openStore(
  configuration: Configuration,
  building: AsyncDisposableStack,
  { hold, notifier }: { readonly hold: StoreHold; readonly notifier: Pick<ServiceNotifier, "progressed"> },
  ports: DaemonPorts,
): Promise<{ readonly store: Store; readonly roster: RosterLater }> {
  let roster: RosterLater | null = null;
  const onReopened = (): void => {
    hold.renew();
    void roster?.reopened();
  };
  const { time, storeThread: thread } = ports;
  const onProgress = (): void => notifier.progressed();
  const heard = { onReopened, onProgress };
  const opening = Store.open(storeSettings(configuration, "daemon"), { time, log: ports.log, ...heard, thread });
  // While the store's thread opens its database: the first call comes when the readers' ports are being opened.
  const loading = loadAgent().catch((error: unknown) => {
    // Badges are recorded without it. A part that fails here would leave the store open, with nobody to close it.
    ports.log.error({ error: messageOf(error) }, "what calls need cannot be loaded: nothing can be sent");
  });
  const store = building.use(await opening);
  await loading;
  const webhooks = configuration.webhooks.map((webhook) => webhook.name);
  await webhooksAtStart(webhooks, store.webhooks, ports.log.child({ room: "forward" }));
  const log = ports.log.child({ room: "scan" });
  const imported = (): ReturnType<typeof importRosterAtStart> => importRosterAtStart(configuration.roster, store, log);
  roster = rosterLater(await imported(), imported, store, log);
  return { store, roster };
}

function makeDirectory(directory: string): void {
  try {
    makeFolder(directory);
  } catch (error) {
    const advice =
      systemCode(error) === "EROFS"
        ? "under systemd a folder other than /var/lib/badged wants a line ReadWritePaths= (systemd/README.md); elsewhere see whether its disk was mounted read-only"
        : "create it and give it to the user that badged runs as, or name another store.directory";
    throw new BadgedError(
      "store-unusable",
      `the store's folder ${directory} cannot be made: ${messageOf(error)}`,
      advice,
      { cause: error },
    );
  }
}

function composeForwarder(
  { service }: Configuration,
  store: Store,
  {
    client: upstream,
    clock,
    onOutcome,
  }: {
    readonly client: Upstream;
    readonly clock: SendingClock;
    readonly onOutcome: (outcome: AttemptOutcome) => void;
  },
  { time, random, log }: DaemonPorts,
): ForwardService {
  const { callIntervalMs, receiptLimitMs: limitMs, late, timeoutMs } = service;
  return new ForwardService(
    { queue: store, upstream, clock, memory: store, onOutcome, time, random, log: log.child({ room: "forward" }) },
    { callIntervalMs, receipt: { limitMs, late, timeoutMs } },
  );
}

function composeWebhooks(
  configuration: Configuration,
  store: Store,
  building: AsyncDisposableStack,
  { time, random, log }: DaemonPorts,
): readonly WebhookService[] {
  const services = configuration.webhooks.map(
    ({ name, url, tokenFile, timeoutMs }) =>
      new WebhookService(
        { cursor: store.webhooks, token: tokenOf(tokenFile), time, random, log: log.child({ room: "forward" }) },
        { name, url, timeoutMs },
      ),
  );
  building.defer(() => closeTogether(services, "webhooks"));
  return services;
}

async function composeIntake(
  configuration: Configuration,
  store: Store,
  clock: Clock,
  readers: readonly Reader[],
  onRecorded: (scanId: number) => void,
  { log, time }: DaemonPorts,
): Promise<AsyncDisposable & { readonly intake: Intake; readonly rules: readonly BadgeReading[] }> {
  const readerOf = new Map(readers.map((reader) => [reader.id, reader]));
  const { idOf, ledger } = await placesAtStart(configuration.readers, store, log.child({ room: "scan" }));
  const rules: readonly ReaderRule[] = configuration.readers.map(({ id, badge, keys, direction }) => {
    return { id, ...badge, keys, otherwise: direction, workSiteId: idOf(id) };
  });
  const intake = new Intake(
    {
      clock,
      time,
      ledger,
      log: log.child({ room: "scan" }),
      feedback: ({ readerId, opening }, feedback) => void readerOf.get(readerId)?.feedback(feedback, opening),
      onRecorded,
    },
    rules,
    configuration.roster.badgeForm,
  );
  return { intake, rules, [Symbol.asyncDispose]: () => intake.settled() };
}
