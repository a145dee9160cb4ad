import type { WallMs } from "../base/time.ts";
import type { Stamp } from "../clock/stamp.ts";

export type Direction = "in" | "out";

/** How the direction of a scan is decided at a reader. */
export type DirectionRule =
  | { readonly kind: "fixed"; readonly direction: Direction }
  /** The opposite of the worker's last scan of the past 24 hours; `in` when there is none. */
  | { readonly kind: "toggle" };

/** A badge in the form the roster holds, with what the reader sent beside it. */
export type Badge = {
  /** The characters the reader sent. */
  readonly raw: string;
  /** The form in which the roster is searched. */
  readonly number: string;
};

/** Where the worker is and under which declaration of works, as the service wants it. */
export type WorkSite = {
  readonly place: PlaceOfWork;
  /** AvW number used when the roster gives the worker none of his own. */
  readonly declarationOfWorks: string | null;
};

export type PlaceOfWork =
  | { readonly kind: "coordinates"; readonly latitude: number; readonly longitude: number }
  | {
      readonly kind: "address";
      readonly postCode: string;
      readonly municipalityName: string;
      readonly streetName: string;
      readonly houseNumber: string;
      readonly boxNumber: string | null;
    };

/**
 * What becomes of a scan. Written by `decide`, then only by the forwarder or a person:
 *
 * - `unknown-badge`: stored; the roster does not know the badge. Becomes `waiting` when it does.
 * - `double`: stored; the same worker was recorded moments before. Never sent.
 * - `waiting`: recorded, to be sent.
 * - `sending`: in a call that has left or is about to; durable before the request leaves.
 * - `registered`: the service answered with its registration.
 * - `refused`: the service refused it for a reason of its own. Sent again only when a person releases it.
 * - `withheld`: its receipt would be past the receipt limit. Sent only when a person releases it.
 */
export type ScanState = "unknown-badge" | "double" | "waiting" | "sending" | "registered" | "refused" | "withheld";

export const scanStates: readonly ScanState[] = [
  "unknown-badge",
  "double",
  "waiting",
  "sending",
  "registered",
  "refused",
  "withheld",
];

/** A badge read, stamped and normalised: what intake asks the store to keep. */
export type ScanDraft = {
  readonly readerId: string;
  readonly badge: Badge;
  readonly rule: DirectionRule;
  readonly workSiteId: number;
  readonly stamp: Stamp;
};

/** The worker's (or, for an unknown badge, the badge's) last scan that was no double. */
export type LastScan = {
  readonly id: number;
  readonly direction: Direction | null;
  readonly bootId: string;
  readonly monotonicNs: bigint;
  readonly utcMs: WallMs;
  /** `null` while nothing proves its time. */
  readonly errorBoundMs: number | null;
  /** Its boot never knew the time: it is kept back, and a person decides about it. */
  readonly isBracket: boolean;
};

/** What intake is told after the commit, never before it. */
export type RecordOutcome =
  | { readonly kind: "recorded"; readonly scanId: number; readonly direction: Direction }
  /** Also where it is a double: its worker is no more registered at the second try. */
  | { readonly kind: "unknown-badge"; readonly scanId: number }
  | { readonly kind: "double"; readonly scanId: number; readonly ofScanId: number }
  | { readonly kind: "not-recorded"; readonly reason: NotRecordedReason; readonly detail: string };

/** `limit-of-unknown` concerns badges alone that the roster does not know. */
export type NotRecordedReason = "disk-full" | "limit-reached" | "limit-of-unknown" | "store-failed";

/** The port through which intake keeps scans. Resolves after the commit is durable; never rejects for a full disk. */
export interface ScanLedger {
  record(draft: ScanDraft): Promise<RecordOutcome>;
}
