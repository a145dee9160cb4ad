import { findingOf } from "./cause.ts";
import { type Layers, nothingSeen } from "./layers.ts";
import type { Heartbeat } from "./outage-store.ts";
import type { Moment, OutageWindow } from "./windows.ts";

/**
 * How the last run came to its end, from its last heartbeat: with a record of it, it was somebody's will; in the same
 * boot without one, badged died; in another boot without one, the box lost its power or crashed.
 */
export function boxStateAfter(last: Heartbeat, presentBootId: string): Layers["box"] {
  if (last.ended) return "rebooted";
  return last.at.bootId === presentBootId ? "crashed" : "rebooted-unclean";
}

/**
 * The outage of the box itself, between two runs. It began after the last heartbeat and not later than this boot (or, in
 * the same boot, than this start), and ended at this start. `null` when there was no run before.
 *
 * @param bootedAt when this boot began
 */
export function windowOfLastRun(last: Heartbeat | null, bootedAt: Moment, startedAt: Moment): OutageWindow | null {
  if (last === null) return null;
  // A box that kept running had power enough, whatever its UPS said.
  const power = last.at.bootId === startedAt.bootId ? "unknown" : last.power;
  const layers: Layers = { ...nothingSeen, box: boxStateAfter(last, startedAt.bootId), power };
  const finding = findingOf(layers);
  if (finding === null) return null;
  const firstBad = last.at.bootId === startedAt.bootId ? startedAt : bootedAt;
  return {
    key: `${startedAt.bootId}/${startedAt.monotonicNs}/run`,
    lastGood: last.at,
    firstBad,
    openedAt: startedAt,
    segments: [{ from: firstBad, finding, layers }],
    flaps: 0,
    gaps: [],
    end: { lastBad: firstBad, firstGood: startedAt },
  };
}
