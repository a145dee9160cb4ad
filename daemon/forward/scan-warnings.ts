import type { WarningKind } from "./ciao/remarks/warning-kinds.ts";

/** What can be foreseen of a scan: at least one warning. */
export type ScanWarnings = { readonly scanId: number; readonly warnings: readonly WarningKind[] };

export type WarnedSlice = {
  readonly warned: readonly ScanWarnings[];
  /** The last scan that was looked at. */
  readonly lastId: number;
  readonly more: boolean;
};

/** The port through which remarks are foreseen. Warnings change and hold back nothing. */
export interface WarningStore {
  newestScan(): Promise<number>;
  /** Looks at the scans stored after this one. */
  warningsAfter(scanId: number, timeZone: string): Promise<WarnedSlice>;
  /** Only those for which there is a warning. */
  warningsOf(scanIds: readonly number[], timeZone: string): Promise<readonly ScanWarnings[]>;
}
