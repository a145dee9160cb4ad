import type { Time } from "../../base/time.ts";
import { NtpClient } from "../../clock/ntp-client.ts";
import { delayNs, thetaNs } from "../../clock/ntp-exchange.ts";
import { loadSocketStamps } from "../../clock/socket-stamps.ts";
import { pollSource } from "../../clock/source-poll.ts";
import type { UtcNs } from "../../clock/utc.ts";
import type { ChronydFarm } from "./chronyd.ts";
import { systemOffset } from "./system-offset.ts";

/** Errors against this machine's clock, which the server serves; µs, in the order measured. */
export type OffsetComparison = {
  readonly ours: readonly { readonly errorUs: number; readonly delayUs: number; readonly truthWithinUs: number }[];
  readonly chronydUs: readonly number[];
};

/**
 * What badged and what `chronyd -Q` make of one server that serves the system clock, by turns. Each of chronyd's
 * measurements takes some seconds. Figures to be reported: nothing here says how large they may be.
 */
export async function compareOffsets(
  farm: ChronydFarm,
  address: string,
  time: Time,
  pivot: UtcNs,
  rounds: number,
): Promise<OffsetComparison> {
  const loaded = await loadSocketStamps(time);
  if ("obstacle" in loaded) throw new Error(`the kernel stamps nothing here: ${loaded.obstacle}`);
  const client = new NtpClient(time, { stamps: loaded });
  const burst = { requests: 4, spacingMs: 20, pivot };
  const ours: OffsetComparison["ours"][number][] = [];
  const chronydUs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const source = { host: address, port: farm.port };
    const answer = await pollSource(client, time, source, burst, new AbortController().signal);
    const truth = systemOffset(time);
    if (answer.kind === "sample") {
      ours.push({
        errorUs: Number(thetaNs(answer.sample) - truth.thetaNs) / 1000,
        delayUs: Number(delayNs(answer.sample)) / 1000,
        truthWithinUs: Number(truth.withinNs) / 1000,
      });
    }
    const measuredMs = await farm.measure(address);
    if (measuredMs !== null) chronydUs.push(measuredMs * 1000);
  }
  return { ours, chronydUs };
}
