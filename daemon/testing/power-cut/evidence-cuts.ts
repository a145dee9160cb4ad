import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { silentLog } from "../../base/log.ts";
import { between, seededRandom } from "../../base/random.ts";
import type { Time } from "../../base/time.ts";
import { ensureDeviceKey } from "../../evidence/device-key.ts";
import { parseCheckpoint, parseNote, publicKeyText } from "../../evidence/note.ts";
import type { StoreCore } from "../../store/store-core.ts";
import { createTestDisk, type TestDisk } from "../disk/test-disk.ts";
import { evidenceServiceOf } from "../evidence-service-fixture.ts";
import { CoreEvidence, readEpoch } from "../evidence-store.ts";
import { ManualTime } from "../manual-time.ts";
import { openCore } from "../store-fixture.ts";
import { powerCutSettings, powerCutStoreFolder } from "./settings.ts";

export type EvidenceCutOptions = {
  readonly seed: number;
  readonly steps: number;
  readonly cuts: number;
  readonly directory: string;
  readonly time: Time;
};

export type EvidenceCutReport = {
  readonly cuts: number;
  /** Checkpoints that left the box before its disk was cut. */
  readonly left: number;
  /** Cuts so early that the file system itself does not mount, before anything had left the box. */
  readonly tooEarly: number;
  /** Two checkpoints of one origin and size with another root, or one that left and is not on disk. */
  readonly contradictions: readonly string[];
  /** Logs that do not verify, or are not taken up where they end. */
  readonly broken: readonly string[];
};

type Left = { readonly origin: string; readonly size: number; readonly root: string; readonly position: number };

/**
 * Keeps a log on a real ext4, cuts the power of its disk at random moments, and starts again on what is left: whatever
 * checkpoint had left the box must be on it, and the log must go on without a second one of that size.
 */
export async function runEvidenceCuts(options: EvidenceCutOptions): Promise<EvidenceCutReport> {
  const random = seededRandom(options.seed);
  await using disk = await createTestDisk({ directory: options.directory, sizeMiB: 48, time: options.time });
  const left = await keepLog(disk, options.steps);
  const last = disk.position();
  const positions = Array.from({ length: options.cuts }, () => between(random, 0, last)).sort((a, b) => a - b);
  const [contradictions, broken]: [string[], string[]] = [[], []];
  let tooEarly = 0;
  for (const at of positions) {
    const due = left.filter(({ position }) => position <= at);
    try {
      await disk.cut({ at, random }, async (mountPoint) => {
        const found = await startAgain(powerCutStoreFolder(mountPoint), due);
        contradictions.push(...found.contradictions.map((each) => `cut at ${at}: ${each}`));
        broken.push(...found.broken.map((each) => `cut at ${at}: ${each}`));
      });
    } catch (error) {
      if (due.length === 0 && String(error).includes("cannot mount")) tooEarly += 1;
      else broken.push(`cut at ${at}: ${String(error)}`);
    }
  }
  return { cuts: positions.length, left: left.length, tooEarly, contradictions, broken };
}

async function keepLog(disk: TestDisk, steps: number): Promise<readonly Left[]> {
  const left: Left[] = [];
  const program = fileURLToPath(new URL("./record-evidence.ts", import.meta.url));
  const child = fork(program, [disk.mountPoint, String(steps)], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  child.on("message", (note) => {
    const checkpoint = parseCheckpoint(parseNote(String(note))?.text ?? "");
    if (checkpoint === null) throw new Error("what left the box is no checkpoint");
    left.push({ ...checkpoint, root: checkpoint.root.toString("hex"), position: disk.position() });
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  if (code !== 0) throw new Error(`the program that keeps a log ended with ${code}`);
  return left;
}

async function startAgain(
  directory: string,
  left: readonly Left[],
): Promise<Pick<EvidenceCutReport, "contradictions" | "broken">> {
  using core = openCore(powerCutSettings(directory));
  const key = ensureDeviceKey(directory);
  const text = publicKeyText(key.publicKey);
  const before = core.evidence.end();
  {
    await using service = evidenceServiceOf({
      store: new CoreEvidence(core),
      key,
      time: new ManualTime(),
      log: silentLog,
      anchorers: [],
    });
    await service.start();
    await service.settled();
  }
  const broken = [...readEpoch(core, 1, text).faults];
  const after = core.evidence.end();
  if (before !== null && after?.epoch !== before.epoch) broken.push(`epoch ${before.epoch} did not go on`);
  return { broken, contradictions: contradictionsOf(core, left) };
}

function contradictionsOf(core: StoreCore, left: readonly Left[]): readonly string[] {
  const roots = new Map<string, string>();
  for (const { note } of core.evidence.checkpoints(1, 0, 2000)) {
    const checkpoint = parseCheckpoint(parseNote(note)?.text ?? "");
    if (checkpoint !== null) roots.set(`${checkpoint.origin} ${checkpoint.size}`, checkpoint.root.toString("hex"));
  }
  return left.flatMap(({ origin, size, root }) =>
    roots.get(`${origin} ${size}`) === root ? [] : [`${origin} of ${size} records left the box, and is not on disk`],
  );
}
