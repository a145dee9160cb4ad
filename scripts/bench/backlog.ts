import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { systemTime } from "../../daemon/base/system-time.ts";
import { elapsedMs } from "../../daemon/base/time.ts";
import { openWindow } from "../../daemon/testing/receipt-windows.ts";
import { type CaseReport, type Finding, milliseconds, summarise } from "./figures.ts";
import { type BenchStore, benchDraft, benchFolder, fillBacklog, openBenchStore } from "./site.ts";

const sizes = [1_000, 100_000, 1_000_000] as const;
const rounds = 300;
const burst = 64;
const batch = 200;
const goal = 1.2;

/** Cost per scan and per call with 10³, 10⁵ and 10⁶ scans waiting, the three taken in turn so that drift hits all alike. */
export async function backlogCase(): Promise<CaseReport> {
  const perScan = new Map<number, number[]>(sizes.map((size) => [size, []]));
  const perBatch = new Map<number, number[]>(sizes.map((size) => [size, []]));
  const folders = sizes.map((size) => benchFolder(`backlog-${size}`));
  await using stores = new AsyncDisposableStack();
  const benches: BenchStore[] = [];
  for (const [index, size] of sizes.entries()) {
    const bench = stores.use(await openBenchStore(folders[index] ?? ""));
    await fillBacklog(bench, size);
    benches.push(bench);
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, size] of sizes.entries()) {
      const bench = benches[index];
      if (bench === undefined) continue;
      perScan.get(size)?.push((await recordBurst(bench, round * burst)) / burst);
      if (round % 3 === 0) perBatch.get(size)?.push(await claimAndSettle(bench));
    }
  }
  await stores.disposeAsync();
  for (const folder of folders) rmSync(folder, { recursive: true });
  return {
    name: "cost with 10³, 10⁵, 10⁶ scans waiting",
    findings: [...findings("per scan (64 at once)", perScan), ...findings(`per call (${batch} scans)`, perBatch)],
    figures: { perScanMs: medians(perScan), perBatchMs: medians(perBatch) },
  };
}

async function recordBurst(bench: BenchStore, from: number): Promise<number> {
  const drafts = Array.from({ length: burst }, (_, offset) => benchDraft(from + offset, bench.workSiteId));
  const start = systemTime.monotonicNs();
  await Promise.all(drafts.map((draft) => bench.store.record(draft)));
  return elapsedMs(start, systemTime.monotonicNs());
}

/** Claims a full call, gives it back unsent, so that the backlog stays as large as it was. */
async function claimAndSettle(bench: BenchStore): Promise<number> {
  const now = systemTime.wallMs();
  const start = systemTime.monotonicNs();
  const claim = await bench.store.claim({ limit: batch, now, window: openWindow, traceId: randomUUID() });
  if (claim === null) throw new Error("nothing was due");
  await bench.store.settle(
    claim.attemptId,
    { outcome: "not-connected", httpStatus: null, relatedTraceId: null, detail: "", endedAt: now },
    claim.scans.map(({ scanId }) => ({ kind: "again", scanId, notBefore: null })),
  );
  return elapsedMs(start, systemTime.monotonicNs());
}

function medians(samples: ReadonlyMap<number, readonly number[]>): Record<string, number> {
  return Object.fromEntries([...samples].map(([size, values]) => [String(size), summarise(values).p50]));
}

function findings(what: string, samples: ReadonlyMap<number, readonly number[]>): Finding[] {
  const base = summarise(samples.get(sizes[0]) ?? []).p50;
  return sizes.map((size) => {
    const { p50 } = summarise(samples.get(size) ?? []);
    const first = size === sizes[0];
    return {
      what: `${what}, ${size} waiting`,
      measured: milliseconds(p50),
      against: first ? "–" : `${(p50 / base).toFixed(2)} × that with ${sizes[0]}`,
      goal: first ? "–" : `≤ ${goal} ×`,
      met: first ? null : p50 / base <= goal,
    };
  });
}
