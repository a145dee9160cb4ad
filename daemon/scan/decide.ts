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
  const { sinceMs, closestMs, farthestMs } = distance(stamp, last);
  const sameAct = rule.kind === "toggle" || last.direction === null || last.direction === rule.direction;
  if (sameAct && closestMs >= 0 && farthestMs < doubleScanMs) return { kind: "double", ofScanId: last.id };
  if (rule.kind === "fixed") return { kind: "keep", direction: rule.direction };
  return { kind: "keep", direction: sinceMs < toggleWindowMs && last.direction === "in" ? "out" : "in" };
}

/** From the last scan to this one: what counts for a toggle, and what is certain. */
type Distance = { readonly sinceMs: number; readonly closestMs: number; readonly farthestMs: number };

/**
 * Monotonic time where both scans share a boot, wall time otherwise. A box without a clock of its own boots with the time
 * at which it went off: between two boots only proven times make a double, for a double is not sent, and a last scan
 * whose time nobody proved, or which seems to lie ahead, counts for a toggle as long as it may.
 */
function distance(stamp: Stamp, last: LastScan): Distance {
  if (stamp.bootId === last.bootId) {
    const ms = elapsedMs(monotonicNs(last.monotonicNs), stamp.monotonicNs);
    return { sinceMs: ms, closestMs: ms, farthestMs: ms };
  }
  const ms = stamp.utcMs - last.utcMs;
  if (stamp.errorBoundMs === null || last.errorBoundMs === null) {
    const isLastUnproven = last.errorBoundMs === null && stamp.errorBoundMs !== null;
    return { sinceMs: isLastUnproven ? 0 : ms, closestMs: Number.NEGATIVE_INFINITY, farthestMs: Infinity };
  }
  return { sinceMs: ms, closestMs: ms, farthestMs: ms + stamp.errorBoundMs + last.errorBoundMs };
}
