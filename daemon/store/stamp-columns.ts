import { monotonicNs, wallMs } from "../base/time.ts";
import { type ClockState, type Stamp, type StampHow, withInterval } from "../clock/stamp.ts";

export type StampRow = {
  readonly bootId: string;
  readonly monotonicNs: string;
  readonly captureLagMs: number;
  readonly utcMs: number;
  readonly errorBoundMs: number | null;
  readonly clockState: ClockState;
  readonly how: StampHow;
  readonly syncId: string | null;
};

/** The UTC of a scan of table `alias`: the one proven afterwards where its own stamp has no bound. */
export function utcColumn(alias: string): string {
  return `coalesce(${alias}.dated_utc_ms, ${alias}.utc_ms)`;
}

/** Half-width of the interval that holds the truth; null while nothing proves one. */
export function errorBoundColumn(alias: string): string {
  return `coalesce(${alias}.dated_error_ms, ${alias}.error_bound_ms)`;
}

/** The columns that make a `StampRow`; monotonic time is text, for it passes 2⁵³ in 104 days. */
export function stampColumns(alias: string): string {
  return `${alias}.boot_id AS bootId, CAST(${alias}.monotonic_ns AS TEXT) AS monotonicNs,
    ${alias}.capture_lag_ms AS captureLagMs, ${utcColumn(alias)} AS utcMs, ${errorBoundColumn(alias)} AS errorBoundMs,
    coalesce(${alias}.dated_state, ${alias}.clock_state) AS clockState, coalesce(${alias}.dated_how, 'live') AS how,
    coalesce(${alias}.dated_sync_id, ${alias}.sync_id) AS syncId`;
}

export function stampOf(row: StampRow): Stamp {
  return withInterval({
    bootId: row.bootId,
    monotonicNs: monotonicNs(BigInt(row.monotonicNs)),
    captureLagMs: row.captureLagMs,
    how: row.how,
    utcMs: wallMs(row.utcMs),
    errorBoundMs: row.errorBoundMs,
    syncId: row.syncId,
    state: row.clockState,
  });
}
