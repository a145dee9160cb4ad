import type { WallMs } from "../../base/time.ts";
import type { CallKind } from "./call-kind.ts";
import type { Delivery } from "./delivery.ts";
import type { CallFault } from "./fault.ts";

/** Calls kept for `calls()`; older ones remain in the counts only. */
export const callsKeptMax = 100_000;

/** What became of one call of the service: the ground truth against which a client's own account is held. */
export type CallRecord = {
  readonly callId: number;
  readonly call: CallKind;
  readonly receivedMs: WallMs;
  /** The client's `BelGov-Trace-Id`, cut to the 36 characters it may have; `null` when it sent none. */
  readonly traceId: string | null;
  readonly fault: CallFault["kind"] | null;
  readonly delivery: Delivery["kind"];
  /** The status that was sent or begun; `null` when none was. */
  readonly status: number | null;
  /** How many registrations it made. */
  readonly accepted: number;
};

export type CallCounts = {
  readonly calls: number;
  readonly callsWithRegistrations: number;
  readonly callsByFault: Readonly<Partial<Record<CallFault["kind"], number>>>;
  readonly callsByStatus: Readonly<Record<string, number>>;
  readonly callsByKind: Readonly<Partial<Record<CallKind, number>>>;
};

/** Remembers the latest calls and counts all of them. */
export class CallLog {
  #recent: CallRecord[] = [];
  #calls = 0;
  #callsWithRegistrations = 0;
  readonly #byFault = new Map<CallFault["kind"], number>();
  readonly #byStatus = new Map<string, number>();
  readonly #byKind = new Map<CallKind, number>();

  add(call: CallRecord): void {
    this.#calls += 1;
    if (call.accepted > 0) this.#callsWithRegistrations += 1;
    if (call.fault !== null) this.#byFault.set(call.fault, (this.#byFault.get(call.fault) ?? 0) + 1);
    this.#byKind.set(call.call, (this.#byKind.get(call.call) ?? 0) + 1);
    const status = call.status === null ? "none" : String(call.status);
    this.#byStatus.set(status, (this.#byStatus.get(status) ?? 0) + 1);
    this.#recent.push(call);
    // Cut at twice the limit, so that the copy costs a constant per call.
    if (this.#recent.length >= 2 * callsKeptMax) this.#recent = this.#recent.slice(-callsKeptMax);
  }

  /** Oldest first, at most `callsKeptMax`. */
  get recent(): readonly CallRecord[] {
    return this.#recent.slice(-callsKeptMax);
  }

  get counts(): CallCounts {
    return {
      calls: this.#calls,
      callsWithRegistrations: this.#callsWithRegistrations,
      callsByFault: Object.fromEntries(this.#byFault),
      callsByStatus: Object.fromEntries(this.#byStatus),
      callsByKind: Object.fromEntries(this.#byKind),
    };
  }
}
