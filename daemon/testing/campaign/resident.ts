import { readFileSync } from "node:fs";
import type { Time } from "../../base/time.ts";

const sampleEveryMs = 100;

/** The most memory that the process was seen to hold, in megabytes. */
export async function watchResident(pid: number, time: Time, ended: AbortSignal): Promise<number> {
  let mostKb = 0;
  while (!ended.aborted) {
    const [, kb] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    mostKb = Math.max(mostKb, Number(kb ?? 0));
    await time.sleep(sampleEveryMs, ended);
  }
  return Math.round(mostKb / 1024);
}
