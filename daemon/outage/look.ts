import { elapsedMs, type Time } from "../base/time.ts";
import type { Layers } from "./layers.ts";

/** One look at one thing, as it came out the last time. */
export type Look = {
  readonly layer: keyof Layers;
  /** What was looked at: an interface, an address, a name server. */
  readonly target: string;
  /** In a word of the probe's own: `alive`, `unreachable`, `ok`, `failed`, `server-error`… */
  readonly result: string;
  /** How long it took, to its answer or until nobody waited any more. */
  readonly tookMs: number;
};

/** The latest look at each target, for whoever wants to see what a cause rests on. */
export class LookBook {
  readonly #time: Time;
  readonly #latest = new Map<string, Look>();

  constructor(time: Time) {
    this.#time = time;
  }

  get latest(): readonly Look[] {
    return [...this.#latest.values()];
  }

  /** Times a probe and keeps how it came out; `resultOf` reduces it to a word. */
  async timed<T>(
    layer: keyof Layers,
    target: string,
    resultOf: (found: T) => string,
    probe: () => T | Promise<T>,
  ): Promise<T> {
    const fromNs = this.#time.monotonicNs();
    const found = await probe();
    const tookMs = elapsedMs(fromNs, this.#time.monotonicNs());
    this.#latest.set(`${layer} ${target}`, { layer, target, result: resultOf(found), tookMs });
    return found;
  }
}
