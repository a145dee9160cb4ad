import type { Time } from "../../base/time.ts";
import { utcNsOfWall } from "../../clock/utc.ts";

/** REALTIME − MONOTONIC, known to ± `withinNs`. */
export type SystemOffset = { readonly thetaNs: bigint; readonly withinNs: bigint };

const edgesWatched = 5;

/**
 * Finer than the millisecond in which `wallMs` counts: watches the millisecond turn and takes the narrowest of a few
 * such edges. Turns the processor for about five milliseconds, so it is for measurements only.
 */
export function systemOffset(time: Time): SystemOffset {
  let best: SystemOffset | null = null;
  for (let edges = 0; edges < edgesWatched; edges += 1) {
    const edge = nextEdge(time);
    if (best === null || edge.withinNs < best.withinNs) best = edge;
  }
  return best ?? nextEdge(time);
}

/** The millisecond turned between the last reading of the old one and the first of the new one. */
function nextEdge(time: Time): SystemOffset {
  const old = time.wallMs();
  let sinceNs = time.monotonicNs();
  for (;;) {
    const beforeNs = time.monotonicNs();
    const wall = time.wallMs();
    if (wall === old) {
      sinceNs = beforeNs;
      continue;
    }
    const untilNs = time.monotonicNs();
    return { thetaNs: utcNsOfWall(wall) - ((sinceNs + untilNs) >> 1n), withinNs: (untilNs - sinceNs + 1n) >> 1n };
  }
}
