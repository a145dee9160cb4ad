import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { uptime } from "node:os";
import { join } from "node:path";
import { between, pick, type Random } from "../../base/random.ts";
import type { Time } from "../../base/time.ts";
import { faketimeLibrary } from "../faked-time.ts";
import { unitNodeOptions } from "./unit-node-options.ts";

/** How a program is started on the box: before its own path and parameters come these. */
export type Launch = {
  readonly command: string;
  readonly parameters: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
};

/** As the unit starts it. */
export const plainLaunch: Launch = { command: process.execPath, parameters: unitNodeOptions(), environment: {} };

/** What a system clock stands at, relative to the truth, in libfaketime's words; some boots begin days in the past. */
const offsetsAtBoot = ["+0", "+0", "-3d", "+2h", "-2h"] as const;
const steps = ["+0", "+2h", "-2h", "+1h", "-61m", "+3s", "-3s"] as const;

/** Why this machine can neither step a clock nor reboot a box for a test; `null` when it can. */
export function boxObstacle(): string | null {
  if (faketimeLibrary === undefined) return "faketime is not installed";
  const tried = spawnSync("unshare", ["--mount", "--time", "--fork", "--monotonic", "0", "true"]);
  return tried.status === 0 ? null : "this user may not make mount and time namespaces";
}

/**
 * A box of the campaign's own: its system clock can be stepped while programs run, and it can be rebooted, which gives it
 * another boot id and lets monotonic time begin at zero. The truth is this machine's clock.
 */
export class CampaignBox {
  readonly #time: Time;
  readonly #clockFile: string;
  readonly #bootFile: string;
  #monotonicOffsetS = 0;
  #bootOffsetS = 0;
  #boots = 0;

  constructor(directory: string, time: Time) {
    this.#time = time;
    this.#clockFile = join(directory, "system-clock");
    this.#bootFile = join(directory, "boot-id");
  }

  get boots(): number {
    return this.#boots;
  }

  /** Nothing may run on the box. */
  async reboot(random: Random): Promise<void> {
    // Offsets are whole seconds: at the turn of one, monotonic time begins at zero and not before the last boot ended.
    await this.#time.sleep(1000 - (Number(this.#time.monotonicNs() / 1_000_000n) % 1000));
    this.#monotonicOffsetS = -Number(this.#time.monotonicNs() / 1_000_000_000n);
    this.#bootOffsetS = -Math.floor(uptime());
    writeFileSync(this.#bootFile, `${randomUUID()}\n`);
    this.#setClock(pick(random, offsetsAtBoot));
    this.#boots += 1;
  }

  step(random: Random): void {
    this.#setClock(pick(random, steps));
  }

  launch(): Launch {
    const script = 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec setpriv --pdeathsig KILL "$@"';
    return {
      command: "unshare",
      parameters: [
        ...["--mount", "--time", "--fork"],
        ...["--monotonic", String(this.#monotonicOffsetS), "--boottime", String(this.#bootOffsetS)],
        ...["sh", "-c", script, this.#bootFile, "env", `LD_PRELOAD=${faketimeLibrary}`, process.execPath],
        ...unitNodeOptions(),
      ],
      // FAKETIME_NO_CACHE reads the file at each look; without the last one monotonic time would step as well.
      environment: {
        FAKETIME_TIMESTAMP_FILE: this.#clockFile,
        FAKETIME_NO_CACHE: "1",
        FAKETIME_DONT_FAKE_MONOTONIC: "1",
      },
    };
  }

  #setClock(offset: string): void {
    writeFileSync(this.#clockFile, `${offset}\n`);
  }
}

/** How often the system clock is stepped. */
export const stepEveryMs = { from: 200, to: 1_500 } as const;

export function stepDelayMs(random: Random): number {
  return between(random, stepEveryMs.from, stepEveryMs.to);
}
