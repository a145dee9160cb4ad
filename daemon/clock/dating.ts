import type { DriftRates } from "./drift.ts";
import type { UtcNs } from "./utc.ts";

/** What has to be known to date scans that were stored while nothing proved the time. */
export type DatingRequest = {
  readonly presentBootId: string;
  readonly rates: DriftRates;
  /** No scan is older than the program that stored it. */
  readonly builtAt: UtcNs;
};

/** The port through which scans get the time that was proven for them after they were stored. */
export interface ScanDating {
  /** Dates what can be dated by now; returns how many scans were. */
  dateScans(request: DatingRequest): Promise<number>;
}
