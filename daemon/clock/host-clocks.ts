import type { Time } from "../base/time.ts";
import { type ClockEvent, type ClockReading, isQuick, lengthMs, type StepWatch, watchClocks } from "./step-watch.ts";
import type { BootSeen } from "./synchronisation.ts";

export type HostClocksPorts = {
  readonly time: Pick<Time, "monotonicNs" | "wallMs">;
  /** `/proc/uptime` in ms; `null` where it cannot be read. */
  readonly uptimeMs: () => number | null;
};

/** A slow start may lose the processor between two clocks more than once. */
const readingsMax = 3;

/** Reads the clocks of the box together, and says what happened between two readings. */
export class HostClocks {
  /** As early as can be: what another part noted after that is not to lie in a sleep that was over by then. */
  readonly begun: BootSeen;
  readonly #ports: HostClocksPorts;
  #watch: StepWatch = null;

  constructor(ports: HostClocksPorts) {
    this.#ports = ports;
    this.begun = this.seen();
    for (let tries = 0; tries < readingsMax && this.#watch === null; tries += 1) this.look();
  }

  /** What happened since the last look. */
  look(): readonly ClockEvent[] {
    const { watch, events } = watchClocks(this.#watch, this.#read());
    this.#watch = watch;
    return events;
  }

  /** Of a reading that was not interrupted, if there is one. */
  seen(): BootSeen {
    let reading = this.#read();
    for (let tries = 1; tries < readingsMax && !isQuick(reading); tries += 1) {
      const next = this.#read();
      if (lengthMs(next) < lengthMs(reading)) reading = next;
    }
    const { beforeNs, uptimeMs } = reading;
    return { atNs: beforeNs, sleptMs: uptimeMs === null ? null : uptimeMs - Number(beforeNs) / 1e6 };
  }

  #read(): ClockReading {
    const { time, uptimeMs } = this.#ports;
    const beforeNs = time.monotonicNs();
    const [wallMs, uptime] = [time.wallMs(), uptimeMs()];
    return { beforeNs, wallMs, uptimeMs: uptime, afterNs: time.monotonicNs() };
  }
}
