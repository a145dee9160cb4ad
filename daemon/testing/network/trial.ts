import type { Time } from "../../base/time.ts";
import type { Cause, Exemption } from "../../outage/cause.ts";
import type { Layers } from "../../outage/layers.ts";
import type { Fault } from "./faults.ts";
import type { Pace, WindowReport, World } from "./world.ts";

/** What came of a fault; moments in ms since 1970, of this machine's clock. */
export type TrialReport = {
  /** The last segment's; `null` when no window opened. */
  readonly found: { readonly cause: Cause; readonly exemption: Exemption } | null;
  readonly layers: Layers | null;
  /** From the fault being there to the window being open, and from its end to the window being closed. */
  readonly openedAfterMs: number | null;
  readonly closedAfterMs: number | null;
  /** Whether the truth lies in the intervals of both ends. */
  readonly holdsBeginning: boolean;
  readonly holdsEnd: boolean;
};

/** Reports come over a pipe of a busy machine. */
const answerMaxMs = 90_000;

/** What a watch told, in its order, with the moment at which it was heard. */
export class Heard {
  readonly #time: Time;
  #reports: { readonly report: WindowReport; readonly atMs: number }[] = [];

  constructor(time: Time) {
    this.#time = time;
  }

  get reports(): readonly WindowReport[] {
    return this.#reports.map(({ report }) => report);
  }

  readonly take = (report: WindowReport): void => {
    this.#reports.push({ report, atMs: this.#time.wallMs() });
  };

  forget(): void {
    this.#reports = [];
  }

  /** The first change of this kind; changes of other kinds are passed over. */
  async next(kind: WindowReport["kind"], maxMs: number = answerMaxMs): Promise<{ report: WindowReport; atMs: number }> {
    for (let waitedMs = 0; waitedMs < maxMs; waitedMs += 50) {
      const found = this.#reports.find(({ report }) => report.kind === kind);
      if (found !== undefined) return found;
      await this.#time.sleep(50);
    }
    throw new Error(`no window ${kind}; heard: ${JSON.stringify(this.#reports)}`);
  }
}

/** What a look takes at most, and the time until the next. */
export function sampleMs({ cadence, patience }: Pace): number {
  return cadence.lookMs + patience.gatewayMs + 2 * patience.beyondMs;
}

/**
 * Breaks one thing, waits for what the watch makes of it, and mends it.
 *
 * @param phaseMs waited beforehand, so that faults fall into different moments between two looks
 */
export async function tryFault(
  world: World,
  heard: Heard,
  fault: Fault,
  pace: Pace,
  time: Time,
  phaseMs = 0,
): Promise<TrialReport> {
  heard.forget();
  // Some good looks first, so that the window has a beginning of its own.
  await time.sleep(4 * pace.cadence.lookMs + phaseMs);
  const fromMs = time.wallMs();
  await fault.break(world);
  const brokenMs = time.wallMs();
  if (fault.expected === null) return await tryNothing(world, heard, fault, pace, time);
  const opened = await heard.next("opened");
  // A first look may fall into the breaking itself; what it comes to is the last segment.
  await time.sleep(sampleMs(pace));
  const mendingMs = time.wallMs();
  await fault.mend(world);
  const mendedMs = time.wallMs();
  const closed = await heard.next("closed");
  const { lastGoodMs, firstBadMs } = opened.report;
  const { lastBadMs, firstGoodMs, causes, layers } = closed.report;
  const [cause, exemption] = causes.at(-1) ?? [];
  const { askedWithinMs = 0 } = fault;
  return {
    found: cause === undefined || exemption === undefined ? null : { cause, exemption },
    layers,
    openedAfterMs: opened.atMs - brokenMs,
    closedAfterMs: closed.atMs - mendedMs,
    // Good before it broke, bad after; bad before it was mended, good after.
    holdsBeginning: lastGoodMs !== null && lastGoodMs <= brokenMs + askedWithinMs && firstBadMs >= fromMs,
    holdsEnd:
      lastBadMs !== null && firstGoodMs !== null && lastBadMs <= mendedMs + askedWithinMs && firstGoodMs >= mendingMs,
  };
}

async function tryNothing(world: World, heard: Heard, fault: Fault, pace: Pace, time: Time): Promise<TrialReport> {
  await time.sleep(Math.max(5 * sampleMs(pace), 2 * pace.cadence.beyondMs));
  await fault.mend(world);
  const [first] = heard.reports;
  const [cause, exemption] = first?.causes.at(-1) ?? [];
  return {
    found: cause === undefined || exemption === undefined ? null : { cause, exemption },
    layers: first?.layers ?? null,
    openedAfterMs: null,
    closedAfterMs: null,
    holdsBeginning: true,
    holdsEnd: true,
  };
}
