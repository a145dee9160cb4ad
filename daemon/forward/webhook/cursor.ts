import type { WallMs } from "../../base/time.ts";
import type { Direction, ScanState } from "../../scan/scan.ts";

/** A scan as the employer's own system gets it: no national number. */
export type WebhookScan = {
  readonly scanId: number;
  readonly readerId: string;
  readonly badgeNumber: string;
  /** The employer's own reference of the worker, from the roster; `null` when the badge is unknown or it has none. */
  readonly workerReference: string | null;
  readonly direction: Direction | null;
  readonly utcMs: WallMs;
  readonly errorBoundMs: number | null;
  readonly state: ScanState;
};

/** A webhook that refused a scan and does not get it again. */
export type WebhookSkip = { readonly target: string; readonly reason: string };

/** The port through which a webhook follows the scans with a cursor of its own, in the order they were stored. */
export interface WebhookCursor {
  /** Identifies this database for ever; with `scanId` it names a scan uniquely. */
  readonly storeId: string;
  /** Scans after the target's cursor, oldest first. A target seen for the first time starts at the oldest. */
  next(target: string, limit: number): Promise<readonly WebhookScan[]>;
  /**
   * Moves the cursor past `scanId`; `skipped` is kept with its reason for a person to see. Stays when `readFrom`, the
   * store's id when the scans were read, is not its id any more: there `scanId` may name a scan that nobody delivered.
   */
  advance(
    target: string,
    scanId: number,
    skipped: { readonly scanId: number; readonly reason: string } | null,
    readFrom: string,
  ): Promise<void>;
}
