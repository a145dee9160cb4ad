import { elapsedMs, monotonicNs } from "../base/time.ts";
import type { Stamp } from "../clock/stamp.ts";
import type { Direction, DirectionRule, LastScan } from "./scan.ts";

/** A toggle looks back this far for the worker's last scan; remark 24 speaks of the same 24 hours. */
export const toggleWindowMs: number = 24 * 60 * 60 * 1000;

export type Decision =
  | { readonly kind: "keep"; readonly direction: Direction }
  | { readonly kind: "double"; readonly ofScanId: number };

/** Of a stamp, what is decided by. */
export type StampedMoment = Pick<Stamp, "bootId" | "monotonicNs" | "utcMs" | "errorBoundMs">;

/**
 * Decides direction and the double-scan rule from the last scan of the same worker that was no double.
 *
 * Runs inside the store's transaction, so that two scans of one worker can never decide on the same past.
 *
 * @param doubleScanMs a scan this soon after the last one, in the same direction, is the same act
 */
export function decide(
  rule: DirectionRule,
  stamp: StampedMoment,
  last: LastScan | null,
  doubleScanMs: number,
): Decision {
  if (last === null) return { kind: "keep", direction: rule.kind === "fixed" ? rule.direction : "in" };
  const { shortestMs, longestMs } = sinceLast(stamp, last);
  // What an unknown badge's toggle comes to is known once the roster knows the badge: then both are judged again.
  const sameAct = rule.kind === "toggle" || last.direction === rule.direction;
  if (sameAct && longestMs >= 0 && longestMs < doubleScanMs) return { kind: "double", ofScanId: last.id };
  if (rule.kind === "fixed") return { kind: "keep", direction: rule.direction };
  return { kind: "keep", direction: shortestMs < toggleWindowMs && last.direction === "in" ? "out" : "in" };
}

/**
 * The least and the most time that can have passed since the last scan. Within a boot it is monotonic time, which stands
 * still while the box sleeps: proven times that certainly show more overrule it. Over a restart it is proven times with
 * both error bounds. A box without a clock of its own boots with the time at which it went off, so that an unproven time
 * now shows too little, and an unproven one then shows nothing.
 *
 * What is not certain makes no double, for a double is not sent, and ends no toggle. Once this scan's time is proven it is
 * judged again. Nor is it a double of a scan that a person has to decide about: this one can be sent.
 */
function sinceLast(stamp: StampedMoment, last: LastScan): { readonly shortestMs: number; readonly longestMs: number } {
  const sinceMs = stamp.utcMs - last.utcMs;
  const boundMs =
    stamp.errorBoundMs === null || last.errorBoundMs === null ? null : stamp.errorBoundMs + last.errorBoundMs;
  if (stamp.bootId === last.bootId) {
    // Of one badge at two readers the frame that began first may end last.
    const ms = Math.abs(elapsedMs(monotonicNs(last.monotonicNs), stamp.monotonicNs));
    if (boundMs === null || sinceMs - boundMs <= ms) return { shortestMs: ms, longestMs: ms };
    return { shortestMs: sinceMs - boundMs, longestMs: sinceMs + boundMs };
  }
  if (boundMs === null) {
    const isLastAloneUnproven = last.errorBoundMs === null && stamp.errorBoundMs !== null;
    return { shortestMs: isLastAloneUnproven ? 0 : sinceMs, longestMs: Number.POSITIVE_INFINITY };
  }
  return {
    shortestMs: sinceMs - boundMs,
    longestMs: last.isBracket ? Number.POSITIVE_INFINITY : sinceMs + boundMs,
  };
}
