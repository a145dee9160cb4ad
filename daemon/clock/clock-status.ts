import type { MonotonicNs } from "../base/time.ts";
import type { ClockKnowledge } from "./clock-knowledge.ts";
import { heldAt } from "./clock-readings.ts";
import type { DisciplineState } from "./discipline.ts";
import type { DriftRates } from "./drift.ts";
import type { PollSchedule } from "./poll-schedule.ts";
import { provenDisagreementNs, type ServiceOffset } from "./service-clock.ts";
import type { ClockEvent } from "./step-watch.ts";
import type { NtpSource, Synchronisation } from "./synchronisation.ts";
import type { UtcNs } from "./utc.ts";

/** For people: `badged clock`. */
export type ClockStatus = {
  readonly bootId: string;
  /** When it was asked: the moment of all that follows. */
  readonly nowNs: MonotonicNs;
  readonly state: DisciplineState;
  readonly rates: DriftRates;
  readonly utc: UtcNs | null;
  readonly boundNs: bigint | null;
  readonly sources: readonly NtpSource[];
  readonly lastPoll: Synchronisation | null;
  readonly schedule: PollSchedule;
  readonly service: ServiceOffset | null;
  /** How far the service's clock and ours are apart at least, whatever the truth within both bounds. */
  readonly serviceApartNs: bigint | null;
  /** The latest steps, suspends and contradictions of this run, oldest first. */
  readonly events: readonly ClockEvent[];
};

/**
 * What is known at a moment, put together for people.
 *
 * @param seen what the shell has heard of servers, service and host
 */
export function statusAt(
  known: ClockKnowledge,
  nowNs: MonotonicNs,
  seen: Pick<ClockStatus, "sources" | "lastPoll" | "schedule" | "service" | "events">,
): ClockStatus {
  const { bootId, state, rates } = known;
  const held = heldAt(known, nowNs);
  const { service } = seen;
  return {
    ...seen,
    bootId,
    nowNs,
    state,
    rates,
    utc: held?.utc ?? null,
    boundNs: held?.boundNs ?? null,
    serviceApartNs:
      service === null || held === null || held.anchor.basis === "service"
        ? null
        : provenDisagreementNs(service, held.anchor.thetaNs, held.boundNs),
  };
}
