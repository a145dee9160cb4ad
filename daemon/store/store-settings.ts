/** What the store is told by the composition root. */
export type StoreSettings = {
  /** Holds `badged.sqlite` and what was set aside of it; created for the owner alone. */
  readonly directory: string;
  /** Rows; a scan beyond them is refused loudly, and none is deleted for it. */
  readonly maxScans: number;
  /** Share of `maxScans`, between 0 and 1, from which the alarm is raised. */
  readonly alarmFraction: number;
  /** A scan this soon after the worker's last, in the same direction, is the same act. */
  readonly doubleScanMs: number;
  /** Registered and double scans are erased this long after they were settled; never sooner than a toggle looks back. */
  readonly keepSettledMs: number;
  /** `daemon` migrates, repairs and maintains; `visitor` is a command beside it, which does none of that. */
  readonly mode: "daemon" | "visitor";
};
