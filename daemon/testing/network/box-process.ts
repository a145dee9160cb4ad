/** The watch as a daemon has it, in a network namespace; tells its parent every change and what it last saw. */
import { once } from "node:events";
import { silentLog } from "../../base/log.ts";
import { seededRandom } from "../../base/random.ts";
import { keepAlive, systemTime } from "../../base/system-time.ts";
import { type MonotonicNs, type WallMs, wallMs } from "../../base/time.ts";
import { composeService } from "../../compose/service.ts";
import { CiaoClient } from "../../forward/ciao/ciao-client.ts";
import { noToken } from "../../forward/ciao/token.ts";
import { NetworkProbes } from "../../outage/network-probes.ts";
import { OutageService } from "../../outage/outage-service.ts";
import type { Heartbeat } from "../../outage/outage-store.ts";
import { loadSecondWay } from "../../outage/second-way.ts";
import type { OutageWindow } from "../../outage/windows.ts";
import { addresses, type BoxReport, paces, serviceName, tokenUrl } from "./world.ts";

const [theta = "0", pace = "quick", hasSecondWay = "no", keyFile = "", firstHop = ""] = process.argv.slice(2);
const { cadence, patience } = paces[pace === "default" || pace === "merging" || pace === "patient" ? pace : "quick"];
const loaded = await loadSecondWay(systemTime);
if ("obstacle" in loaded) throw new Error(loaded.obstacle);
const utcOf = (atNs: MonotonicNs): WallMs => wallMs(Number((atNs + BigInt(theta)) / 1_000_000n));
const serviceUrl = `https://${serviceName}/v1`;
const tell = (report: BoxReport): void => void process.send?.(report);

const client = new CiaoClient(
  { baseUrl: serviceUrl, registerPath: "/r", healthPath: "/health", timeoutMs: patience.beyondMs },
  noToken,
  systemTime,
);
const bystanders = {
  anchors: addresses.anchors.map((host) => ({ host, port: addresses.anchorPort })),
  resolvers: [addresses.resolver],
};
const probes = new NetworkProbes(
  {
    ...bystanders,
    firstHop: firstHop === "" ? null : firstHop,
    secondInterface: hasSecondWay === "yes" ? "modem" : null,
    serviceUrl,
    patience,
  },
  {
    time: systemTime,
    nowMs: () => utcOf(systemTime.monotonicNs()),
    askHealth: (signal) => client.askHealth(signal),
    secondWay: loaded,
  },
);
/** As a daemon has it, whose calls need a token. */
const service = composeService(
  {
    ...{ url: serviceUrl, tokenFile: null, pins: [], limosaField: null, receiptLimitMs: null, late: "withhold" },
    ...{ timeoutMs: 10_000, callIntervalMs: 0 },
    oauth: { tokenUrl, clientId: "box", keyFile, keyId: null, scope: null, audience: tokenUrl },
    paths: { register: "/r", search: null, registration: "none", health: "/health" },
  },
  {
    bystanders,
    clock: () => ({
      now: () => ({ utcMs: utcOf(systemTime.monotonicNs()), errorBoundMs: 1, phi: null }),
      serviceAnswered: () => {},
    }),
    tokenSeen: (state, askedNs) => outages.tokenSeen(state, askedNs),
    time: systemTime,
    random: seededRandom(1),
    log: silentLog,
  },
);
const outages: OutageService = new OutageService(
  {
    probes,
    store: {
      saveWindow: async (_: OutageWindow) => {},
      openWindow: async () => null,
      lastHeartbeat: async () => null,
      beat: async (_: Heartbeat) => tell({ kind: "watching" }),
    },
    moment: (atNs) => ({ bootId: "box", monotonicNs: atNs, utcMs: utcOf(atNs), errorBoundMs: 1 }),
    sleeps: () => 0,
    power: async () => "unknown",
    onSample: () => {},
    onChange: ({ kind, window }) => {
      if (kind === "closed") service.hasten({ hasten: () => {} });
      const causes = window.segments.map(({ finding }) => [finding.cause, finding.exemption] as const);
      const { lastGood, firstBad, end } = window;
      tell({
        kind,
        causes,
        lastGoodMs: lastGood?.utcMs ?? null,
        firstBadMs: firstBad.utcMs,
        lastBadMs: end?.lastBad.utcMs ?? null,
        firstGoodMs: end?.firstGood.utcMs ?? null,
        flaps: window.flaps,
        layers: outages.status.layers,
      });
    },
    time: systemTime,
    log: silentLog,
  },
  cadence,
);
using _alive = keepAlive();
await outages.start();
service.start();
// Somebody badges all the time; how asking for a token ended is told by `tokenSeen`.
const wanted = new AbortController();
using _badging = systemTime.every(300, () => void service.tokens.token(wanted.signal).then(nothing, nothing));
// A parent that was killed leaves nobody behind.
await once(process, "disconnect");
await outages[Symbol.asyncDispose]();
wanted.abort();
await service[Symbol.asyncDispose]();
await client[Symbol.asyncDispose]();

function nothing(): void {}
