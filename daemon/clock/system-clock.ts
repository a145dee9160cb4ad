import { elapsedMs, type MonotonicNs, type Time, wallMs } from "../base/time.ts";
import type { Clock, Stamp } from "./stamp.ts";

/**
 * The clock of a box on which nothing vouches for the time: wall time as the system has it, carried back to
 * the first byte over monotonic time, and said to be unsynchronised.
 */
export class SystemClock implements Clock {
  readonly #time: Time;
  readonly #bootId: string;

  constructor(time: Time, bootId: string) {
    this.#time = time;
    this.#bootId = bootId;
  }

  stamp(firstByteNs: MonotonicNs): Stamp {
    const captureLagMs = elapsedMs(firstByteNs, this.#time.monotonicNs());
    return {
      bootId: this.#bootId,
      monotonicNs: firstByteNs,
      utcMs: wallMs(Math.floor(this.#time.wallMs() - captureLagMs)),
      errorBoundMs: null,
      state: "unsynchronised",
      captureLagMs,
    };
  }
}
