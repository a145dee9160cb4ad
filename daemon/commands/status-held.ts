import { counted } from "../base/counted.ts";
import { BadgedError } from "../base/errors.ts";
import type { HeldScans } from "../forward/held-scans.ts";
import type { LiveStatus } from "../supervisor/live-status.ts";
import { visitStore } from "./visit.ts";

/** `null` where no daemon tells of any such scan. */
export async function heldOf(configurationFile: string, live: LiveStatus | null): Promise<HeldScans | null> {
  const failing = live?.failingAlone ?? [];
  if (failing.length === 0) return null;
  try {
    await using site = await visitStore(configurationFile);
    return await site.store.heldScans(failing);
  } catch (error) {
    if (error instanceof BadgedError && error.code === "store-missing") return null;
    throw error;
  }
}

/** Why some scans wait while the service is reachable and others are registered. */
export function heldLines(held: HeldScans | null): readonly string[] {
  if (held === null || held.failing === 0) return [];
  const { failing, behind } = held;
  const wait = behind === 1 ? "waits" : "wait";
  const others = behind === 0 ? "" : `; ${counted(behind, "later scan")} of the same workers ${wait} behind them`;
  return [
    `scans     ${failing} of those to be sent: calls with one of them fail, others go through; each is tried again by itself, minutes apart${others} (the log says how they fail)`,
  ];
}
