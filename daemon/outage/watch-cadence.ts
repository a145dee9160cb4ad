import { mergeMs } from "./windows.ts";

/** How often the layers are looked at. */
export type Cadence = {
  /** The local ones while all is well, and all while a window lasts. */
  readonly lookMs: number;
  /** All of them while it is not yet known for a window; from the beginning of a look to that of the next. */
  readonly suspectMs: number;
  /** What lies beyond the gateway, while all is well. */
  readonly beyondMs: number;
  /** A sign of life on disk: so rare that it does not wear an SD card out. */
  readonly heartbeatMs: number;
  /** Failing again this soon after its end belongs to the same window. */
  readonly mergeMs: number;
};

export const defaultCadence: Cadence = {
  lookMs: 5_000,
  suspectMs: 3_000,
  beyondMs: 30_000,
  heartbeatMs: 600_000,
  mergeMs,
};
