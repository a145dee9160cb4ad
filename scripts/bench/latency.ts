import { mkdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { silentLog } from "../../daemon/base/log.ts";
import { keepAlive, systemTime } from "../../daemon/base/system-time.ts";
import { elapsedMs } from "../../daemon/base/time.ts";
import { Intake } from "../../daemon/scan/intake.ts";
import { ReaderSimulator } from "../../daemon/simulator/reader-simulator.ts";
import { walRoomBytes } from "../../daemon/store/wal-room.ts";
import { createTestDisk, diskSizeMaxMiB, testDiskObstacle } from "../../daemon/testing/disk/test-disk.ts";
import { fictionalBadge } from "../../daemon/testing/fictional-worker.ts";
import { TrustingClock } from "../../daemon/testing/trusting-clock.ts";
import { createReader } from "../../drivers/index.ts";
import { BareAppend } from "./bare-append.ts";
import { type CaseReport, type Finding, milliseconds, perSecond, rate, type Summary, summarise } from "./figures.ts";
import { benchFolder, benchWorkers, openBenchStore } from "./site.ts";

const atOnce = 64;
const burstsFast = 200;
/** A few are enough where the disk decides, and each waits for it. */
const burstsSlow = 30;
const fastGoalMs = 1;
const slowGoal = 1.2;
const burstGoal = 10;
/** ext4 answers a growing append with two flushes: together the 11 ms a sync of a middling SD card. */
const slowFlushMs = 5.5;

export type Gateway = {
  /** Presents one badge on the pseudo-terminal; milliseconds from its last byte to its acknowledged commit. */
  readonly present: (index: number) => Promise<number>;
  /** As many reads in one turn of the event loop; milliseconds until all commits are acknowledged. */
  readonly presentAtOnce: (from: number, count: number) => Promise<number>;
};

/** Whole frame → commit acknowledged, beside a bare append + fdatasync on the same disk, one of each in turn. */
export async function latencyCase(): Promise<CaseReport> {
  const folder = benchFolder("latency");
  const fast = await measure(folder, 1_500);
  const burst = await measureBursts(folder, burstsFast);
  rmSync(folder, { recursive: true });
  const findings: Finding[] = [
    {
      what: "one badge, this disk: p50 / p99",
      measured: `${milliseconds(fast.scan.p50)} / ${milliseconds(fast.scan.p99)}`,
      against: `bare append + fdatasync ${milliseconds(fast.bare.p50)} / ${milliseconds(fast.bare.p99)}`,
      goal: `p99 ≤ bare + ${fastGoalMs} ms`,
      met: fast.scan.p99 - fast.bare.p99 <= fastGoalMs,
    },
    burstFinding("this disk", burst),
  ];
  const slow = await measureSlow();
  if (slow !== null) {
    findings.push({
      what: "one badge, disk slowed to 11 ms a sync: p50 / p99",
      measured: `${milliseconds(slow.scan.p50)} / ${milliseconds(slow.scan.p99)}`,
      against: `${(slow.scan.p99 / slow.bare.p99).toFixed(2)} × bare p99 (${milliseconds(slow.bare.p50)} / ${milliseconds(slow.bare.p99)})`,
      goal: `p99 ≤ ${slowGoal} × bare`,
      met: slow.scan.p99 / slow.bare.p99 <= slowGoal,
    });
    findings.push(burstFinding("disk slowed to 11 ms a sync", slow.burst));
  }
  return { name: "frame → commit acknowledged", findings, figures: { fast, burst, slow } };
}

type Latency = { readonly scan: Summary; readonly bare: Summary };

async function measure(folder: string, rounds: number): Promise<Latency> {
  const scan: number[] = [];
  const bare: number[] = [];
  using append = new BareAppend(folder);
  await withGateway(folder, async ({ present }) => {
    for (let round = 0; round < rounds; round += 1) {
      bare.push(append.once());
      scan.push(await present(round));
    }
  });
  return { scan: summarise(scan), bare: summarise(bare) };
}

/** Scans a second. */
type Burst = { readonly scans: number; readonly bare: number };

function burstFinding(disk: string, { scans, bare }: Burst): Finding {
  return {
    what: `${atOnce} badges at once, ${disk}`,
    measured: rate(scans),
    against: `${(scans / bare).toFixed(1)} × bare append + fdatasync (${rate(bare)})`,
    goal: `≥ ${burstGoal} ×`,
    met: scans / bare >= burstGoal,
  };
}

async function measureBursts(folder: string, bursts: number): Promise<Burst> {
  using append = new BareAppend(folder);
  let scanMs = 0;
  let bareMs = 0;
  await withGateway(folder, async ({ presentAtOnce }) => {
    // The first of a new thread compile its code, as in the drain's bench: this is the rate of a rush, not of its first second.
    for (let round = 0; round < bursts; round += 1) await presentAtOnce(round * atOnce, atOnce);
    for (let round = 0; round < bursts; round += 1) {
      for (let each = 0; each < 4; each += 1) bareMs += append.once();
      scanMs += await presentAtOnce(round * atOnce, atOnce);
    }
  });
  return { scans: perSecond(bursts * atOnce, scanMs), bare: perSecond(bursts * 4, bareMs) };
}

async function measureSlow(): Promise<(Latency & { readonly burst: Burst }) | null> {
  if (testDiskObstacle() !== null) return null;
  await using disk = await createTestDisk({
    directory: "/dev/shm",
    // The journal grows with the file system. That of a small one is full after some hundred commits, and whoever comes
    // then, scan or bare append, waits for two flushes more; that of a card of 16 GB never fills at this pace.
    sizeMiB: diskSizeMaxMiB,
    time: systemTime,
    writes: "forgotten",
  });
  await disk.setSyncDelayMs(slowFlushMs);
  const latency = await measure(disk.mountPoint, 400);
  return { ...latency, burst: await measureBursts(disk.mountPoint, burstsSlow) };
}

/** What the store does once in its first seconds is done, and no part of what follows. */
async function rested(storeFolder: string): Promise<void> {
  const log = join(storeFolder, "badged.sqlite-wal");
  while (statSync(log).size < walRoomBytes) await systemTime.sleep(100);
}

/** A reader on a pseudo-terminal, intake and store as the daemon has them, without the process around them. */
export async function withGateway(folder: string, use: (gateway: Gateway) => Promise<void>): Promise<void> {
  using _alive = keepAlive();
  const storeFolder = join(folder, "store");
  mkdirSync(storeFolder, { recursive: true });
  await using bench = await openBenchStore(storeFolder);
  await rested(storeFolder);
  const simulated = await ReaderSimulator.open({ link: null, style: "serial-line", onFeedback: () => {} }, systemTime);
  await using _simulated = simulated;
  let open = 0;
  let answered = Promise.withResolvers<void>();
  const rule = {
    id: "gate",
    encoding: "hex",
    byteOrder: "msb",
    keys: new Map(),
    otherwise: { kind: "toggle" },
    workSiteId: bench.workSiteId,
  } as const;
  const intake = new Intake(
    {
      clock: new TrustingClock(systemTime, "bench"),
      time: systemTime,
      ledger: bench.store,
      log: silentLog,
      feedback(_reader, feedback) {
        if (feedback !== "accepted") answered.reject(new Error(`a scan ended as ${feedback}`));
        open -= 1;
        if (open === 0) answered.resolve();
      },
      onRecorded: () => {},
    },
    [rule],
    "hex",
  );
  const time = async (count: number, show: () => void): Promise<number> => {
    open = count;
    answered = Promise.withResolvers();
    const from = systemTime.monotonicNs();
    show();
    await answered.promise;
    return elapsedMs(from, systemTime.monotonicNs());
  };
  await using reader = createReader(
    {
      driver: "serial-line",
      id: "gate",
      path: simulated.path,
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
    badgeRead: (read) => intake.badgeRead(read),
    badFrame: () => {},
    stateChanged: (_id, state) => (state.kind === "online" ? online.resolve() : undefined),
  });
  await online.promise;
  await use({
    present: (index) => time(1, () => simulated.present(fictionalBadge(index % benchWorkers))),
    presentAtOnce: (from, count) =>
      time(count, () => {
        for (let index = from; index < from + count; index += 1) {
          intake.badgeRead({
            readerId: "gate",
            text: fictionalBadge(index % benchWorkers),
            firstByteNs: systemTime.monotonicNs(),
            opening: 1,
          });
        }
      }),
  });
}
