import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { silentLog } from "../../base/log.ts";
import { between, type Random, seededRandom } from "../../base/random.ts";
import type { Time } from "../../base/time.ts";
import { openDatabase } from "../../store/database.ts";
import { StoreCore } from "../../store/store-core.ts";
import { createTestDisk, type TestDisk } from "../disk/test-disk.ts";
import { powerCutSettings, powerCutStoreFolder } from "./settings.ts";

export type PowerCutOptions = {
  readonly seed: number;
  readonly scans: number;
  readonly cuts: number;
  /** Where the disk's image is kept; a tmpfs is quickest. */
  readonly directory: string;
  readonly time: Time;
};

export type PowerCutReport = {
  readonly acknowledged: number;
  readonly cuts: number;
  readonly flushes: number;
  /** Cuts before the first acknowledgement, where nothing had to survive. */
  readonly cutsBeforeAny: number;
  /** Each line is a broken promise. */
  readonly broken: readonly string[];
};

type Acknowledgement = { readonly scanId: number; readonly position: number };

/**
 * Records scans on a real ext4, then cuts the power of its disk at random moments: whatever was acknowledged before a
 * cut must be in the store that is found after it, and that store must open by itself.
 */
export async function runPowerCuts(options: PowerCutOptions): Promise<PowerCutReport> {
  const random = seededRandom(options.seed);
  await using disk = await createTestDisk({ directory: options.directory, sizeMiB: 48, time: options.time });
  const acknowledgements = await recordScans(disk, options.scans);
  const last = disk.position();
  const positions = Array.from({ length: options.cuts }, () => between(random, 0, last)).sort((a, b) => a - b);
  const broken: string[] = [];
  for (const at of positions) broken.push(...(await checkCut(disk, at, acknowledgements, random, options.time)));
  const first = acknowledgements[0]?.position ?? last;
  return {
    acknowledged: acknowledgements.length,
    cuts: positions.length,
    flushes: disk.entries().filter((entry) => entry.kind === "flush").length,
    cutsBeforeAny: positions.filter((at) => at < first).length,
    broken,
  };
}

/** The position is read when the acknowledgement is seen here, so it is at or after everything that made it durable. */
async function recordScans(disk: TestDisk, scans: number): Promise<readonly Acknowledgement[]> {
  const acknowledgements: Acknowledgement[] = [];
  const program = fileURLToPath(new URL("./record-scans.ts", import.meta.url));
  const child = fork(program, [disk.mountPoint, String(scans)], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  child.on("message", (scanId) => {
    if (typeof scanId === "number") acknowledgements.push({ scanId, position: disk.position() });
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  if (code !== 0) throw new Error(`the recording program ended with ${code}`);
  return acknowledgements;
}

async function checkCut(
  disk: TestDisk,
  at: number,
  acknowledgements: readonly Acknowledgement[],
  random: Random,
  time: Time,
): Promise<readonly string[]> {
  const due = acknowledgements.filter((acknowledgement) => acknowledgement.position <= at);
  try {
    return await disk.cut({ at, random }, (mountPoint) => {
      // Without the thread that a daemon has: hundreds of them in one process meet a defect of V8 13's JIT pages.
      const settings = powerCutSettings(powerCutStoreFolder(mountPoint));
      using store = new StoreCore(openDatabase(settings, { log: silentLog, now: time.wallMs() }), settings);
      const scans = store.list({
        states: [],
        readerId: null,
        from: null,
        to: null,
        doubtfulOnly: false,
        limit: 1e6,
      });
      const found = new Set(scans.map((scan) => scan.scanId));
      return due
        .filter(({ scanId }) => !found.has(scanId))
        .map(({ scanId }) => `cut at ${at}: scan ${scanId} was acknowledged and is lost`);
    });
  } catch (error) {
    return [`cut at ${at}: the store does not open by itself: ${String(error)}`];
  }
}
