import { elapsedMs, monotonicNs } from "../base/time.ts";
import { type Finding, findingOf } from "./cause.ts";
import { type Layers, nothingSeen } from "./layers.ts";
import type { Heartbeat } from "./outage-store.ts";
import type { Moment, OutageWindow } from "./windows.ts";

/** A box that is back starts badged within this; one that checks its disk first needs some minutes. */
export const startsWithinMs: number = 300_000;

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
 * the same boot, than this start), and ended at this start. None when there was no run before.
 *
 * Who supplies the power has nothing to do with a box that is back and does not run badged, be it that it was not started,
 * or that it ran, never learned the time, and ended: that is a window of its own, and the one before it ended with the boot.
 *
 * Each has a key of the sign of life that it follows: told once more, by a run that does not know that it was, it is the same.
 *
 * @param bootedAt when this boot began
 */
export function windowsOfLastRun(last: Heartbeat | null, bootedAt: Moment, startedAt: Moment): readonly OutageWindow[] {
  if (last === null) return [];
  const isSameBoot = last.at.bootId === startedAt.bootId;
  // A box that kept running had power enough, whatever its UPS said. And of a boot in between, of which nothing was written
  // but that it began, nobody knows how it ended.
  const isLaterBoot = last.followedBy !== undefined && last.followedBy !== startedAt.bootId;
  const power = isSameBoot || (isLaterBoot && last.power === "battery" && !last.ended) ? "unknown" : last.power;
  const layers: Layers = { ...nothingSeen, box: boxStateAfter(last, startedAt.bootId), power };
  const finding = findingOf(layers);
  if (finding === null) return [];
  const key = `${last.at.bootId}/${last.at.monotonicNs}`;
  const firstBad = isSameBoot ? startedAt : bootedAt;
  const away = { lastGood: last.at, firstBad, openedAt: startedAt, layers, finding };
  const isSoonAfterBoot = elapsedMs(monotonicNs(0n), startedAt.monotonicNs) <= startsWithinMs;
  const isFirstOfBoot = last.followedBy !== startedAt.bootId;
  if (isSameBoot || finding.exemption === "not-exempt" || (isSoonAfterBoot && isFirstOfBoot)) {
    return [windowOf(`${key}/run`, away, startedAt)];
  }
  const idle: Layers = { ...nothingSeen, box: "crashed" };
  const own = findingOf(idle);
  const unstarted = { lastGood: bootedAt, firstBad: startedAt, openedAt: startedAt, layers: idle };
  return [
    ...(own === null ? [] : [windowOf(`${key}/start`, { ...unstarted, finding: own }, startedAt)]),
    windowOf(`${key}/run`, away, bootedAt),
  ];
}

type Away = Pick<OutageWindow, "lastGood" | "firstBad" | "openedAt"> & {
  readonly layers: Layers;
  readonly finding: Finding;
};

function windowOf(
  key: string,
  { lastGood, firstBad, openedAt, layers, finding }: Away,
  firstGood: Moment,
): OutageWindow {
  return {
    ...{ key, lastGood, firstBad, openedAt },
    segments: [{ from: firstBad, finding, layers }],
    flaps: 0,
    gaps: [],
    end: { lastBad: firstBad, firstGood },
  };
}
