import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { silentLog } from "../../daemon/base/log.ts";
import { keepAlive, systemTime } from "../../daemon/base/system-time.ts";
import { elapsedMs, type MonotonicNs, monotonicNs } from "../../daemon/base/time.ts";
import { createTestDisk, type TestDisk, testDiskObstacle } from "../../daemon/testing/disk/test-disk.ts";
import { createReader } from "../../drivers/index.ts";
import { type CaseReport, milliseconds, type Summary, summarise } from "./figures.ts";
import { type BenchStore, benchDraft, openBenchStore } from "./site.ts";

const frames = 300;
const slowSyncMs = 500;
const goalMs = 10;

/** How far a stamp lies behind the first byte while the disk takes half a second a sync, beside a disk that takes none. */
export async function stampLagCase(): Promise<CaseReport> {
  const name = "stamp behind the first byte";
  const obstacle = testDiskObstacle();
  if (obstacle !== null) return { name, findings: [], figures: { skipped: obstacle } };
  using _alive = keepAlive();
  await using disk = await createTestDisk({
    directory: "/dev/shm",
    sizeMiB: 128,
    time: systemTime,
    writes: "forgotten",
  });
  await using bench = await openBenchStore(`${disk.mountPoint}/store`);
  const quick = await lagOn(disk, 0, bench);
  const slow = await lagOn(disk, slowSyncMs, bench);
  await disk.setSyncDelayMs(0);
  return {
    name,
    findings: [
      {
        what: `a sync takes ${slowSyncMs} ms, ${frames} badges: p50 / p99`,
        measured: `${milliseconds(slow.p50)} / ${milliseconds(slow.p99)}`,
        against: `on a quick disk ${milliseconds(quick.p50)} / ${milliseconds(quick.p99)}`,
        goal: `p99 < ${goalMs} ms`,
        met: slow.p99 < goalMs,
      },
    ],
    figures: { quick, slow },
  };
}

async function lagOn(disk: TestDisk, syncMs: number, bench: BenchStore): Promise<Summary> {
  await disk.setSyncDelayMs(syncMs);
  const program = fileURLToPath(new URL("./frames-process.ts", import.meta.url));
  const child = fork(program, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const [{ path }] = await once(child, "message");
  const firstBytes: MonotonicNs[] = [];
  const commits: Promise<unknown>[] = [];
  {
    await using reader = createReader(
      {
        driver: "serial-line",
        id: "gate",
        path,
        line: { baudRate: 9600, dataBits: 8, parity: "none", stopBits: 1 },
        frame: { end: "auto", idleMs: 100, maxBytes: 512, prefix: "", suffix: "", pattern: null },
        presenceMs: 0,
        feedback: {},
      },
      systemTime,
      silentLog,
    );
    const online = Promise.withResolvers<void>();
    reader.start({
      badgeRead({ firstByteNs }) {
        commits.push(bench.store.record(benchDraft(firstBytes.length, bench.workSiteId)));
        firstBytes.push(firstByteNs);
      },
      badFrame: () => {},
      stateChanged: (_id, state) => (state.kind === "online" ? online.resolve() : undefined),
    });
    await online.promise;
    child.send(frames);
    const [{ writtenNs }] = await once(child, "message");
    await Promise.all(commits);
    child.disconnect();
    await once(child, "exit");
    if (firstBytes.length !== writtenNs.length)
      throw new Error(`${firstBytes.length} of ${writtenNs.length} badges were read`);
    return summarise(firstBytes.map((at, index) => elapsedMs(monotonicNs(BigInt(writtenNs[index])), at)));
  }
}
