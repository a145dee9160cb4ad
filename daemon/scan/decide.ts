import { elapsedMs, monotonicNs } from "../base/time.ts";
import type { Stamp } from "../clock/stamp.ts";
import type { Direction, DirectionRule, LastScan } from "./scan.ts";

/** A toggle looks back this far for the worker's last scan; remark 24 speaks of the same 24 hours. */
export const toggleWindowMs: number = 24 * 60 * 60 * 1000;

export type Decision =
  | { readonly kind: "keep"; readonly direction: Direction }
  | { readonly kind: "double"; readonly ofScanId: number };

/**
 * Decides direction and the double-scan rule from the last scan of the same worker that was no double.
 *
 * Runs inside the store's transaction, so that two scans of one worker can never decide on the same past.
 *
 * @param doubleScanMs a scan this soon after the last one, in the same direction, is the same act
 */
export function decide(rule: DirectionRule, stamp: Stamp, last: LastScan | null, doubleScanMs: number): Decision {
  if (last === null) return { kind: "keep", direction: rule.kind === "fixed" ? rule.direction : "in" };
  const sinceMs = sinceLastMs(stamp, last);
  const sameAct = rule.kind === "toggle" || last.direction === null || last.direction === rule.direction;
  if (sameAct && sinceMs >= 0 && sinceMs < doubleScanMs) return { kind: "double", ofScanId: last.id };
  if (rule.kind === "fixed") return { kind: "keep", direction: rule.direction };
  return { kind: "keep", direction: Math.abs(sinceMs) < toggleWindowMs && last.direction === "in" ? "out" : "in" };
}

/**
 * Monotonic time where both scans share a boot, wall time otherwise. Wall time that was set back gives a negative
 * value: the last scan then still counts for a toggle, but never makes a double, for a double is not sent.
 */
function sinceLastMs(stamp: Stamp, last: LastScan): number {
  if (stamp.bootId === last.bootId) return elapsedMs(monotonicNs(last.monotonicNs), stamp.monotonicNs);
  return stamp.utcMs - last.utcMs;
}
