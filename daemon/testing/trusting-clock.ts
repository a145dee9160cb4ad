import { elapsedMs, type MonotonicNs, type Time, type WallMs, wallMs } from "../base/time.ts";
import { type Clock, type Stamp, withInterval } from "../clock/stamp.ts";
import type { SendingClock } from "../forward/receipt-guard.ts";
import type { ServicePhi } from "../forward/receipt-window.ts";

/** For tests that are not about time: takes the system's clock, and the service's, for the truth. */
export class TrustingClock implements Clock, SendingClock {
  readonly #time: Time;
  readonly #bootId: string;

  constructor(time: Time, bootId = "0c6b1f0e-58f3-4a55-9f35-0d3b1a7c2e4d") {
    this.#time = time;
    this.#bootId = bootId;
  }

  stamp(firstByteNs: MonotonicNs): Stamp {
    const captureLagMs = elapsedMs(firstByteNs, this.#time.monotonicNs());
    return withInterval({
      bootId: this.#bootId,
      monotonicNs: firstByteNs,
      captureLagMs,
      how: "live",
      utcMs: wallMs(Math.floor(this.#time.wallMs() - captureLagMs)),
      errorBoundMs: 1,
      syncId: null,
      state: "synchronised",
    });
  }

  now(): { readonly utcMs: WallMs; readonly phi: ServicePhi; readonly errorBoundMs: number } {
    return { utcMs: this.#time.wallMs(), phi: { loMs: 0, hiMs: 0 }, errorBoundMs: 1 };
  }
}
