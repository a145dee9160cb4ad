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
  const { shortestMs, longestMs } = sinceLast(stamp, last, doubleScanMs);
  const sameAct = rule.kind === "toggle" || last.direction === null || last.direction === rule.direction;
  if (sameAct && longestMs >= 0 && longestMs < doubleScanMs) return { kind: "double", ofScanId: last.id };
  if (rule.kind === "fixed") return { kind: "keep", direction: rule.direction };
  return { kind: "keep", direction: shortestMs < toggleWindowMs && last.direction === "in" ? "out" : "in" };
}

/**
 * The least and the most time that can have passed since the last scan: monotonic time where both share a boot, wall time
 * with both error bounds otherwise. A box without a clock of its own boots with the time at which it went off, so that an
 * unproven time now shows too little, and an unproven one then shows nothing. What is not certain makes no double, for a
 * double is not sent, and ends no toggle. Once this scan's time is proven it is judged again, so the system clock is
 * believed only where that will not help, the last scan's being unproven, and only right after a boot: it is the worker
 * who saw no light before the power went, and tries again.
 */
function sinceLast(
  stamp: Stamp,
  last: LastScan,
  doubleScanMs: number,
): { readonly shortestMs: number; readonly longestMs: number } {
  if (stamp.bootId === last.bootId) {
    const ms = elapsedMs(monotonicNs(last.monotonicNs), stamp.monotonicNs);
    return { shortestMs: ms, longestMs: ms };
  }
  const sinceMs = stamp.utcMs - last.utcMs;
  if (stamp.errorBoundMs === null || last.errorBoundMs === null) {
    const isLastUnproven = last.errorBoundMs === null;
    const isJustBooted = Number(stamp.monotonicNs) / 1e6 < doubleScanMs;
    return {
      shortestMs: isLastUnproven && stamp.errorBoundMs !== null ? 0 : sinceMs,
      longestMs: isLastUnproven && isJustBooted ? sinceMs : Number.POSITIVE_INFINITY,
    };
  }
  const boundMs = stamp.errorBoundMs + last.errorBoundMs;
  return { shortestMs: sinceMs - boundMs, longestMs: sinceMs + boundMs };
}
