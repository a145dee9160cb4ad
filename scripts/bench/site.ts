import { mkdirSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { silentLog } from "../../daemon/base/log.ts";
import { systemTime } from "../../daemon/base/system-time.ts";
import { monotonicNs } from "../../daemon/base/time.ts";
import { parseRoster } from "../../daemon/scan/roster-csv.ts";
import type { ScanDraft } from "../../daemon/scan/scan.ts";
import { Store } from "../../daemon/store/store.ts";
import type { StoreSettings } from "../../daemon/store/store-settings.ts";
import { fictionalBadge, fictionalRoster } from "../../daemon/testing/fictional-worker.ts";
import { TrustingClock } from "../../daemon/testing/trusting-clock.ts";

/** A large site; with fewer workers than a call carries scans, calls would not be full. */
export const benchWorkers = 2_000;

const benchRoot = "var/bench";
const clock = new TrustingClock(systemTime, "bench");

/** A fresh folder on the disk that the checkout is on: a tmpfs would have no fsync to measure. */
export function benchFolder(name: string): string {
  mkdirSync(benchRoot, { recursive: true });
  return mkdtempSync(join(benchRoot, `${name}-`));
}

export function benchSettings(directory: string): StoreSettings {
  return {
    directory,
    maxScans: 5_000_000,
    alarmFraction: 0.8,
    // Scans of one worker follow each other faster here than a person can badge.
    doubleScanMs: 0,
    keepSettledMs: 35 * 24 * 60 * 60 * 1000,
    mode: "daemon",
  };
}

export type BenchStore = AsyncDisposable & { readonly store: Store; readonly workSiteId: number };

export async function openBenchStore(directory: string, workers: number = benchWorkers): Promise<BenchStore> {
  const store = await Store.open(benchSettings(directory), { time: systemTime, log: silentLog });
  const roster = parseRoster(fictionalRoster(workers), "hex");
  await store.replaceRoster(roster.entries, roster.fingerprint);
  // As the forwarder does whenever the roster has changed; until then every scan looks for earlier ones of its badge.
  await store.resolveUnknown(workers);
  const workSiteId = await store.internWorkSite({
    place: { kind: "coordinates", latitude: 51.05, longitude: 3.72 },
    declarationOfWorks: null,
  });
  return { store, workSiteId, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

export function benchDraft(index: number, workSiteId: number, workers: number = benchWorkers): ScanDraft {
  const number = fictionalBadge(index % workers);
  return {
    readerId: "gate",
    badge: { raw: number, number },
    rule: { kind: "toggle" },
    workSiteId,
    stamp: clock.stamp(monotonicNs(systemTime.monotonicNs())),
  };
}

/** Puts `count` scans on disk that wait to be sent, as fast as group commit goes. */
export async function fillBacklog(bench: BenchStore, count: number): Promise<void> {
  const burst = 500;
  for (let index = 0; index < count; index += burst) {
    const drafts = Array.from({ length: Math.min(burst, count - index) }, (_, offset) =>
      benchDraft(index + offset, bench.workSiteId),
    );
    await Promise.all(drafts.map((draft) => bench.store.record(draft)));
  }
}
