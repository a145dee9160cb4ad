import type { WallMs } from "../base/time.ts";
import type { Stamp } from "../clock/stamp.ts";
import type { Direction, ScanState } from "./scan.ts";

/** A stored scan as people may see it: no national number. */
export type ArchivedScan = {
  readonly scanId: number;
  readonly readerId: string;
  readonly badgeRaw: string;
  readonly badgeNumber: string;
  readonly workerReference: string | null;
  readonly direction: Direction | null;
  readonly state: ScanState;
  readonly stamp: Stamp;
  /** Why it is refused or withheld, or of which scan it is the double; `null` in every other state. */
  readonly reason: string | null;
  readonly registrationId: string | null;
  readonly settledAt: WallMs | null;
  /** How many calls carried it. */
  readonly attempts: number;
  /** The ambiguous attempt that makes it a possible duplicate; stays for ever once set. */
  readonly doubt: Doubt | null;
};

export type ShownScan = ArchivedScan & {
  /** What the bound of its stamp rests on: NTP servers or the service's own clock; `null` when nothing does, or it is not kept, or past reading. */
  readonly clockBasis: "quorum" | "service" | null;
};

export type Doubt = {
  readonly attemptId: number;
  readonly outcome: string;
  readonly detail: string;
  readonly endedAt: WallMs;
  /** What a search at the service came to before the scan was to be sent again; `null` when none did. */
  readonly searched: "found" | "not-found" | null;
};

/** Scans in one list: more than this at once is an export, not a look. */
export const listMaxScans: number = 100_000;

export type ScanFilter = {
  /** All states when empty. */
  readonly states: readonly ScanState[];
  readonly readerId: string | null;
  readonly from: WallMs | null;
  readonly to: WallMs | null;
  readonly doubtfulOnly: boolean;
  /** At most `listMaxScans`. */
  readonly limit: number;
};

export type ReleaseOutcome =
  | { readonly kind: "released" }
  /** Its time is only known to lie in between: a person has to say that its middle may be sent. */
  | { readonly kind: "bracket"; readonly earliestMs: WallMs; readonly latestMs: WallMs }
  /** The badge is now of a worker with another number, and nothing tells a corrected number from another person. */
  | { readonly kind: "other-holder" }
  /** Nobody knows any more whose it is, and the roster has nobody with its badge who may be. */
  | { readonly kind: "no-holder" }
  | { readonly kind: "no-such-scan" }
  | { readonly kind: "not-releasable"; readonly state: ScanState };

/** What the person who releases a scan answers for. */
export type ReleaseConsent = {
  /** A scan whose stamp is a bracket is sent with the middle of it. */
  readonly bracket: boolean;
  /** Who has the badge now is who badged, with a corrected number. */
  readonly samePerson: boolean;
};

/** What is on disk, in numbers. */
export type StoreSummary = {
  readonly byState: Readonly<Record<ScanState, number>>;
  readonly doubtful: number;
  readonly rows: number;
  readonly maxScans: number;
  readonly oldestWaiting: WallMs | null;
  readonly lastRegisteredAt: WallMs | null;
  readonly databaseBytes: number;
  readonly freeBytes: number;
  readonly rosterBadges: number;
  readonly storeId: string;
};

/** The port through which people look at scans and let kept ones go. */
export interface ScanArchive {
  /** Newest first. */
  list(filter: ScanFilter): Promise<readonly ArchivedScan[]>;
  show(scanId: number): Promise<ShownScan | null>;
  /**
   * `refused` and `withheld` scans wait again; a person's decision, kept with its moment. The stamp stays as it is.
   */
  release(scanId: number, now: WallMs, consent: ReleaseConsent): Promise<ReleaseOutcome>;
  summary(): Promise<StoreSummary>;
}
