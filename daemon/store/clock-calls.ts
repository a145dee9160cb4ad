import type { Log } from "../base/log.ts";
import type { MonotonicNs, Time } from "../base/time.ts";
import type { Anchor } from "../clock/anchor.ts";
import type { DatingRequest, ScanDating } from "../clock/dating.ts";
import type { DisciplineChange } from "../clock/discipline.ts";
import type { ServiceTime } from "../clock/service-clock.ts";
import type { TimeBreak } from "../clock/stamping.ts";
import type { ClockEvent } from "../clock/step-watch.ts";
import type { BootSeen, ClockHistory, Synchronisation } from "../clock/synchronisation.ts";
import type { UtcNs } from "../clock/utc.ts";
import type { DatedSlice } from "./dating-table.ts";
import type { StoreLink } from "./store-link.ts";

/** The ports of the clock room, over the store's thread. What writes resolves after its commit is durable. */
export class ClockCalls implements ClockHistory, ScanDating {
  readonly #link: StoreLink;
  readonly #time: Time;
  readonly #log: Log;

  constructor(link: StoreLink, { time, log }: { readonly time: Time; readonly log: Log }) {
    this.#link = link;
    this.#time = time;
    this.#log = log;
  }

  bootSeen(bootId: string): Promise<BootSeen | null> {
    return this.#link.call("clock", "bootSeen", bootId);
  }

  seeBoot(bootId: string, seen: BootSeen): Promise<void> {
    return this.#link.call("clock", "seeBoot", bootId, seen);
  }

  recordSynchronisation(row: Synchronisation, trusted: boolean): Promise<void> {
    return this.#link.call("clock", "recordSynchronisation", row, trusted, this.#time.wallMs());
  }

  recordServiceTime(found: ServiceTime): Promise<void> {
    return this.#link.call("clock", "recordServiceTime", found, this.#time.wallMs());
  }

  recordEvent(bootId: string, event: ClockEvent): Promise<void> {
    return this.#link.call("clock", "recordEvent", bootId, event, this.#time.wallMs());
  }

  recordChange(bootId: string, atNs: MonotonicNs, change: DisciplineChange): Promise<void> {
    return this.#link.call("clock", "recordChange", bootId, atNs, change, this.#time.wallMs());
  }

  anchors(limit: number): Promise<readonly Anchor[]> {
    return this.#link.call("clock", "anchors", limit);
  }

  breaks(bootId: string): Promise<readonly TimeBreak[]> {
    return this.#link.call("clock", "breaksOf", bootId);
  }

  lastTrusted(): Promise<UtcNs | null> {
    return this.#link.call("clock", "lastTrusted");
  }

  /** Slice by slice, so that a badge never waits long for it. */
  async dateScans(request: DatingRequest): Promise<number> {
    let dated = 0;
    let doubles = 0;
    for (let afterId: number | null = 0; afterId !== null; ) {
      const slice: DatedSlice = await this.#link.call("dating", "dateSlice", request, afterId);
      dated += slice.dated;
      doubles += slice.doubles;
      afterId = slice.afterId;
    }
    if (doubles > 0) this.#log.info({ scans: doubles }, "scans turned out to be doubles once their time was proven");
    return dated;
  }
}
