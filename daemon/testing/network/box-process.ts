/** The watch as a daemon has it, in a network namespace; tells its parent every change and what it last saw. */
import { once } from "node:events";
import { silentLog } from "../../base/log.ts";
import { keepAlive, systemTime } from "../../base/system-time.ts";
import { type MonotonicNs, type WallMs, wallMs } from "../../base/time.ts";
import { CiaoClient } from "../../forward/ciao/ciao-client.ts";
import { noToken } from "../../forward/ciao/token.ts";
import { NetworkProbes } from "../../outage/network-probes.ts";
import { OutageService } from "../../outage/outage-service.ts";
import type { Heartbeat } from "../../outage/outage-store.ts";
import type { OutageWindow } from "../../outage/windows.ts";
import { addresses, type BoxReport, cadence, patience, serviceName } from "./world.ts";

const [theta = "0"] = process.argv.slice(2);
const utcOf = (atNs: MonotonicNs): WallMs => wallMs(Number((atNs + BigInt(theta)) / 1_000_000n));
const serviceUrl = `https://${serviceName}/v1`;
const tell = (report: BoxReport): void => void process.send?.(report);

const client = new CiaoClient(
  { baseUrl: serviceUrl, registerPath: "/r", healthPath: "/health", timeoutMs: patience.beyondMs },
  noToken,
  systemTime,
);
const probes = new NetworkProbes(
  {
    anchors: addresses.anchors.map((host) => ({ host, port: addresses.anchorPort })),
    resolvers: [addresses.resolver],
    firstHop: addresses.firstHop,
    serviceUrl,
    patience,
  },
  {
    time: systemTime,
    nowMs: () => utcOf(systemTime.monotonicNs()),
    askHealth: (signal) => client.askHealth(signal),
  },
);
const outages = new OutageService(
  {
    probes,
    store: {
      saveWindow: async (_: OutageWindow) => {},
      openWindow: async () => null,
      lastHeartbeat: async () => null,
      beat: async (_: Heartbeat) => tell({ kind: "watching" }),
    },
    moment: (atNs) => ({ bootId: "box", monotonicNs: atNs, utcMs: utcOf(atNs), errorBoundMs: 1 }),
    power: async () => "unknown",
    onSample: () => {},
    onChange: ({ kind, window }) => {
      const causes = window.segments.map(({ finding }) => [finding.cause, finding.exemption] as const);
      const { lastGood, firstBad, end } = window;
      tell({
        kind,
        causes,
        lastGoodMs: lastGood?.utcMs ?? null,
        firstBadMs: firstBad.utcMs,
        lastBadMs: end?.lastBad.utcMs ?? null,
        firstGoodMs: end?.firstGood.utcMs ?? null,
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
// A parent that was killed leaves nobody behind.
await once(process, "disconnect");
await outages[Symbol.asyncDispose]();
await client[Symbol.asyncDispose]();
