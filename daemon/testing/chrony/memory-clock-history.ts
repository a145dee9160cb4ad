import type { MonotonicNs } from "../../base/time.ts";
import type { Anchor } from "../../clock/anchor.ts";
import type { ScanDating } from "../../clock/dating.ts";
import type { DisciplineChange } from "../../clock/discipline.ts";
import type { ServiceTime } from "../../clock/service-clock.ts";
import type { TimeBreak } from "../../clock/stamping.ts";
import type { ClockEvent } from "../../clock/step-watch.ts";
import { anchorFrom, type BootSeen, type ClockHistory, type Synchronisation } from "../../clock/synchronisation.ts";
import { type UtcNs, utcOf } from "../../clock/utc.ts";

/** Keeps the clock's history in memory, and answers from it as a store does. */
export class MemoryClockHistory implements ClockHistory, ScanDating {
  readonly rows: Synchronisation[] = [];
  readonly serviceTimes: ServiceTime[] = [];
  readonly events: ClockEvent[] = [];
  readonly changes: DisciplineChange[] = [];

  readonly #trusted = new Set<string>();

  readonly #boots = new Map<string, BootSeen>();

  async bootSeen(bootId: string): Promise<BootSeen | null> {
    return this.#boots.get(bootId) ?? null;
  }

  async seeBoot(bootId: string, seen: BootSeen): Promise<void> {
    this.#boots.set(bootId, seen);
  }

  async recordSynchronisation(row: Synchronisation, trusted: boolean): Promise<void> {
    this.rows.push(row);
    if (trusted) this.#trusted.add(row.syncId);
  }

  async recordServiceTime(found: ServiceTime): Promise<void> {
    this.serviceTimes.push(found);
  }

  /** Keeps no scans. */
  async dateScans(): Promise<number> {
    return 0;
  }

  async recordEvent(_bootId: string, event: ClockEvent): Promise<void> {
    this.events.push(event);
  }

  async recordChange(_bootId: string, _atNs: MonotonicNs, change: DisciplineChange): Promise<void> {
    this.changes.push(change);
  }

  async anchors(limit: number): Promise<readonly Anchor[]> {
    return this.#anchors().slice(-limit);
  }

  async breaks(): Promise<readonly TimeBreak[]> {
    return this.events.filter((event): event is TimeBreak => event.kind !== "step");
  }

  async lastTrusted(): Promise<UtcNs | null> {
    const last = this.#anchors().at(-1);
    return last === undefined ? null : utcOf(last.atNs, last.thetaNs);
  }

  #anchors(): readonly Anchor[] {
    return this.rows.flatMap((row) => (this.#trusted.has(row.syncId) ? (anchorFrom(row) ?? []) : []));
  }
}
