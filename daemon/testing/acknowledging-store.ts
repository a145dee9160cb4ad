/**
 * Records scans in a store in the folder named, in bursts, claims some of them, and tells its parent the numbers of
 * those acknowledged, until it is killed.
 */
import { silentLog } from "../base/log.ts";
import { systemTime } from "../base/system-time.ts";
import { Store } from "../store/store.ts";
import { claimRequest, draftOf, rosterOf, site, storeSettings } from "./store-fixture.ts";

const [folder = ""] = process.argv.slice(2);
const burst = 7;
const workers = Array.from({ length: 50 }, (_, index) => index);

const store = await Store.open(storeSettings(folder, { doubleScanMs: 0 }), { time: systemTime, log: silentLog });
const workSiteId = await store.internWorkSite(site);
await store.replaceRoster(rosterOf(...workers), "fixture");

for (let index = 0; process.connected; index += burst) {
  const outcomes = await Promise.all(
    Array.from({ length: burst }, (_, offset) =>
      store.record(draftOf((index + offset) % workers.length, index + offset, { workSiteId })),
    ),
  );
  process.send?.(outcomes.map((outcome) => (outcome.kind === "not-recorded" ? 0 : outcome.scanId)));
  if (index % 3 === 0) await store.claim(claimRequest({ limit: 2 }));
}
await store[Symbol.asyncDispose]();
