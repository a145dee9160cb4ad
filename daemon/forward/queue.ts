import type { WallMs } from "../base/time.ts";
import type { Employer } from "../scan/roster.ts";
import type { Direction, PlaceOfWork } from "../scan/scan.ts";
import type { ReceiptWindow } from "./receipt-window.ts";

/** A scan with everything the service needs to register it. */
export type DueScan = {
  readonly scanId: number;
  readonly workerId: number;
  readonly ssin: string;
  readonly employer: Employer;
  readonly direction: Direction;
  readonly utcMs: WallMs;
  readonly place: PlaceOfWork;
  readonly declarationOfWorks: string | null;
  /** Reference of the Limosa declaration, where the roster has one. */
  readonly limosa?: string;
  /** Of its stamp: its receipt is judged once more when its call leaves. Left out where a person decided already. */
  readonly errorBoundMs?: number;
};

/** A call that is about to leave: its scans are already marked `sending` on disk. */
export type Claim = {
  readonly attemptId: number;
  /**
   * In the order that was asked for, at most one scan of a worker and none while an older one of his waits, so that order per
   * worker holds whatever becomes of each item. A scan whose time nothing proves yet is never among them.
   */
  readonly scans: readonly DueScan[];
};

export type ClaimRequest = {
  /** At most this many scans; 1 to 200. */
  readonly limit: number;
  readonly now: WallMs;
  /** Scans whose receipt would be past the limit are put aside as `withheld`; those of the service's future wait. */
  readonly window: ReceiptWindow;
  readonly traceId: string;
  /** What becomes of scans in doubt; `send` when left out. */
  readonly doubts?: DoubtRule;
  /** Which of the scans that are due go first; `urgent` when left out. */
  readonly order?: ClaimOrder;
  /**
   * Scans that go in no company: one that comes first in the order goes alone, else none of them does. They come first by
   * their urgency only; in other orders after all others that are not of `among`. Of several that are due, those of `among`
   * left out, only the one that stands first in this list is handed out. None when left out.
   */
  readonly apart?: readonly number[];
  /** Those of `apart` are not handed out at all, as if they were put off. */
  readonly isApartResting?: boolean;
};

/**
 * - `urgent`: the earliest deadline
 * - `sounding`: while a scan is sought that halts others: those of `among`, then those that were never put off, then the
 *   others; of each kind those nearest to that `end` of the queue
 * - `probing`: while one is sought that the service takes: of those of `among`, else of those that were never put off, else
 *   of the others, the one at that `place` and those behind it; 0 is the earliest, just below 1 the latest
 * - `untried`: while one is sought that the service takes though it broke on several: of those that no call left in doubt,
 *   else of the others, the one at that `place` and those behind it
 */
export type ClaimOrder =
  | { readonly kind: "urgent" }
  | { readonly kind: "sounding"; readonly among: readonly number[]; readonly end: QueueEnd }
  | { readonly kind: "probing"; readonly among: readonly number[]; readonly place: number }
  | { readonly kind: "untried"; readonly place: number };

export type QueueEnd = "earliest" | "latest";

/**
 * A scan is in open doubt from the end of a call that may have registered it until somebody looked into it.
 *
 * - `send`: it is handed out like any other, and may be registered twice; its mark says why
 * - `hold`: it is not handed out, nor is a later one of its worker
 * - `seek`: only such scans are handed out, of calls that ended at or before `endedBefore`, to be searched for; the oldest
 *   doubt first, whatever the order that is asked for: one that is raised again and again must not keep others from a search
 */
export type DoubtRule =
  | { readonly kind: "send" }
  | { readonly kind: "hold" }
  | { readonly kind: "seek"; readonly endedBefore: WallMs };

/** What became of one scan of a call. */
export type Settlement =
  | {
      readonly kind: "registered";
      readonly scanId: number;
      readonly registrationId: string;
      readonly validity: string;
      readonly remarks: readonly Remark[];
      /** A search found it: the call that left it in doubt had registered it. */
      readonly foundBySearch?: true;
    }
  /** The service does not have it, which a search made certain: waits again, its mark stays, its doubt is no longer open. */
  | { readonly kind: "not-found"; readonly scanId: number }
  /** No search is to be had for this one: waits again, and may be registered twice; its mark stays. */
  | { readonly kind: "unsearchable"; readonly scanId: number }
  /** The service refuses this one: kept with its reason, never resent by itself. */
  | { readonly kind: "refused"; readonly scanId: number; readonly reason: string }
  /** Certainly not processed: waits again, without doubt, not before `notBefore`. */
  | { readonly kind: "again"; readonly scanId: number; readonly notBefore: WallMs | null }
  /**
   * May have been processed: waits again, marked as possible duplicate with this attempt as the explanation; not before
   * `notBefore` when it is given, so that a scan on which the service breaks cannot hold up those behind it.
   */
  | { readonly kind: "doubtful"; readonly scanId: number; readonly notBefore?: WallMs | null };

/** What the service says of a registration. */
export type Remark = { readonly code: number | null; readonly text: string };

/** What is written of one call. */
export type Written = {
  readonly attemptId: number;
  readonly report: AttemptReport;
  readonly settlements: readonly Settlement[];
};

/**
 * The closed list of ways a call can end; kept with the attempt and shown to people.
 *
 * - `no-token`: it never left, for the token endpoint gave no token to call with.
 * - `held-back`: it never left, for the receipt of one of its scans would by then have been past the limit.
 * - `pin-mismatch`: the service's certificate is trusted, and not one that the configuration pins.
 */
export type AttemptOutcome =
  | "answered"
  | "call-refused"
  | "unauthorised"
  | "throttled"
  | "server-error"
  | "unintelligible"
  | "not-connected"
  | "tls-failed"
  | "pin-mismatch"
  | "no-token"
  | "held-back"
  | "connection-lost"
  | "timed-out"
  | "interrupted";

export type AttemptReport = {
  readonly outcome: AttemptOutcome;
  readonly httpStatus: number | null;
  /** The service's own trace id, good evidence. */
  readonly relatedTraceId: string | null;
  /** In the service's or the system's words; no personal data. */
  readonly detail: string;
  readonly endedAt: WallMs;
};

export type Backlog = {
  readonly waiting: number;
  readonly oldestUtcMs: WallMs | null;
  /** End of the oldest call that left a waiting scan in open doubt. */
  readonly oldestDoubt: WallMs | null;
};

/** The port through which the forwarder takes due scans and writes back what became of them. */
export interface ForwardQueue {
  /** Marks up to `limit` scans `sending`, durably, and hands them out; `null` when nothing is due. */
  claim(request: ClaimRequest): Promise<Claim | null>;
  /** Writes all outcomes of one call in one transaction. Every scan of the claim must be settled. */
  settle(attemptId: number, report: AttemptReport, settlements: readonly Settlement[]): Promise<void>;
  /**
   * Both in one transaction, the outcomes first: neither is done when it rejects. `null` when nothing is due, or more of
   * the queue would have to be looked at than one transaction does.
   */
  settleAndClaim(written: Written, request: ClaimRequest): Promise<Claim | null>;
  /** At start: scans left `sending` by a process that died become `waiting` and doubtful. Returns how many. */
  recoverInterrupted(now: WallMs): Promise<number>;
  /** Gives scans of badges the roster has learnt their worker; at most `limit`. Returns how many. */
  resolveUnknown(limit: number): Promise<number>;
  backlog(): Promise<Backlog>;
}
