/**
 * Records scans in a store on the folder named first, as many as named second, and tells its parent each one's number
 * after its acknowledgement. Bursts, calls and settlements alternate as they do on a site, so that cuts hit all of them.
 */
import { randomUUID } from "node:crypto";
import { silentLog } from "../../base/log.ts";
import { systemTime } from "../../base/system-time.ts";
import { parseRoster } from "../../scan/roster-csv.ts";
import { Store } from "../../store/store.ts";
import { fictionalBadge, fictionalRoster } from "../fictional-worker.ts";
import { openWindow } from "../receipt-windows.ts";
import { TrustingClock } from "../trusting-clock.ts";
import { powerCutSettings, powerCutStoreFolder } from "./settings.ts";

const [mountPoint = "", count = "0"] = process.argv.slice(2);
const scans = Number(count);
const clock = new TrustingClock(systemTime, "boot");

await using store = await Store.open(powerCutSettings(powerCutStoreFolder(mountPoint)), {
  time: systemTime,
  log: silentLog,
});
const roster = parseRoster(fictionalRoster(scans), "hex");
await store.replaceRoster(roster.entries, roster.fingerprint);
const workSiteId = await store.internWorkSite({
  place: { kind: "coordinates", latitude: 51.05, longitude: 3.72 },
  declarationOfWorks: null,
});

for (let index = 0; index < scans; ) {
  const burst = Math.min(1 + (index % 7), scans - index);
  await Promise.all(Array.from({ length: burst }, (_, offset) => record(index + offset)));
  index += burst;
  if (index % 3 === 0) await sendSome();
}
process.disconnect?.();

async function record(index: number): Promise<void> {
  const number = fictionalBadge(index);
  const stamp = clock.stamp(systemTime.monotonicNs());
  const outcome = await store.record({
    readerId: "gate",
    badge: { raw: number, number },
    rule: { kind: "toggle" },
    workSiteId,
    stamp,
  });
  if (outcome.kind !== "recorded") throw new Error(`scan ${index} ended as ${outcome.kind}`);
  process.send?.(outcome.scanId);
}

async function sendSome(): Promise<void> {
  const now = systemTime.wallMs();
  const claim = await store.claim({ limit: 5, now, window: openWindow, traceId: randomUUID() });
  if (claim === null) return;
  await store.settle(
    claim.attemptId,
    { outcome: "answered", httpStatus: 200, relatedTraceId: null, detail: "", endedAt: now },
    claim.scans.map(({ scanId }) => ({
      kind: "registered",
      scanId,
      registrationId: String(scanId),
      validity: "pending",
      remarks: [],
    })),
  );
}
