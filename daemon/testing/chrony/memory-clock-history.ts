import type { MonotonicNs } from "../../base/time.ts";
import type { Anchor } from "../../clock/anchor.ts";
import type { DisciplineChange } from "../../clock/discipline.ts";
import type { ClockEvent } from "../../clock/step-watch.ts";
import { anchorFrom, type ClockHistory, type Synchronisation } from "../../clock/synchronisation.ts";
import { type UtcNs, utcOf } from "../../clock/utc.ts";

/** Keeps the clock's history in memory, and answers from it as a store does. */
export class MemoryClockHistory implements ClockHistory {
  readonly rows: Synchronisation[] = [];
  readonly events: ClockEvent[] = [];
  readonly changes: DisciplineChange[] = [];

  async recordSynchronisation(row: Synchronisation): Promise<void> {
    this.rows.push(row);
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

  async lastTrusted(): Promise<UtcNs | null> {
    const last = this.#anchors().at(-1);
    return last === undefined ? null : utcOf(last.atNs, last.thetaNs);
  }

  #anchors(): readonly Anchor[] {
    return this.rows.flatMap((row) => anchorFrom(row) ?? []);
  }
}
