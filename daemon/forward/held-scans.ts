/** Scans that are waiting on others, in numbers. */
export type HeldScans = {
  /** On which calls are known to fail while others go through, and which are still to be sent. */
  readonly failing: number;
  /** Later scans of their workers, which wait behind them. */
  readonly behind: number;
};

/** The port through which people are told of them. */
export interface HeldScanCounts {
  /** @param failing ids of scans on which calls are known to fail; those that are settled are not counted */
  heldScans(failing: readonly number[]): Promise<HeldScans>;
}
