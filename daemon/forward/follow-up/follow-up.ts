import type { WallMs } from "../../base/time.ts";
import type { Direction, PlaceOfWork } from "../../scan/scan.ts";
import type { Remark } from "../queue.ts";

/** A registration that is followed until the service has finished with it. */
export type FollowedRegistration = AskedRegistration & {
  readonly scanId: number;
  /** Its receipt was between these two; `null` when the record of its call was lost. */
  readonly sentAt: WallMs | null;
  readonly answeredAt: WallMs | null;
  /** When the service's answer to its call was settled. */
  readonly createdAt: WallMs;
  /** Looks that were made of it. */
  readonly looks: number;
  /** When it was first seen settled; `null` while it is pending. */
  readonly settledAt: WallMs | null;
};

/** A registration that the service is asked for, with what it is held against. */
export type AskedRegistration = {
  readonly registrationId: string;
  /** The registration's own date: the stamp of its scan. */
  readonly registeredAt: WallMs;
  /** What was sent; `null` once the scan is erased. Holds the national number, so it is for the adapter alone. */
  readonly sent: {
    readonly ssin: string;
    readonly direction: Direction;
    /** `null` when a damaged database lost it. */
    readonly place: PlaceOfWork | null;
  } | null;
};

/**
 * What one look at the service gave.
 *
 * - `found`: the registration as it is now. `validity` and `remarks` are `null` when the answer does not tell them.
 * - `another-registration`: what the service tells of it is not what was sent. Nothing of it is taken over.
 * - `not-found`: the service does not know this one, or not the path.
 * - `not-to-be-had`: the service says that there is no such call.
 * - `forbidden`, `unauthorised`, `throttled`: it would not answer us.
 * - `server-error`, `unintelligible`, `timed-out`: it could not, or not about this one.
 * - `not-reached`: nothing is known; `interrupted` by a stop.
 */
export type Look =
  | { readonly kind: "found"; readonly validity: string | null; readonly remarks: readonly Remark[] | null }
  | { readonly kind: Exclude<LookKind, "found">; readonly retryAfterMs: number | null; readonly detail: string };

export type LookKind =
  | "found"
  | "another-registration"
  | "not-found"
  | "not-to-be-had"
  | "forbidden"
  | "unauthorised"
  | "throttled"
  | "server-error"
  | "unintelligible"
  | "timed-out"
  | "not-reached"
  | "interrupted";

/** The service, asked for one registration by its id. Never rejects: every failure is a look with a name. */
export interface RegistrationReader {
  read(asked: AskedRegistration, signal: AbortSignal): Promise<Look>;
}

/**
 * How the following ended: the service finished and the night after has passed; or it has not within the time that it is
 * given.
 */
export type FollowEnding = "settled" | "given-up";

/** A look as it is kept. */
export type KeptLook = {
  readonly scanId: number;
  /** The one that was asked for: a look at another one is not kept. */
  readonly registrationId: string;
  readonly at: WallMs;
  readonly kind: LookKind;
  /** `null` keeps what was known. */
  readonly validity: string | null;
  /** What the service raises now; `null` when the look did not tell. */
  readonly remarks: readonly Remark[] | null;
  readonly settledAt: WallMs | null;
  readonly next: { readonly kind: "at"; readonly at: WallMs } | { readonly kind: "ended"; readonly how: FollowEnding };
};

/** Which of those that are due come first: those that have been for the longest, or those that were stored last. */
export type FollowOrder = "longest-due" | "newest";

export type FollowCounts = {
  readonly followed: number;
  readonly settled: number;
  readonly givenUp: number;
};

/** The port through which registrations are followed; all of it survives a restart. */
export interface FollowUpStore {
  /** At most `limit` that are to be looked at by `now`, in this order. */
  dueFollowUps(now: WallMs, limit: number, order: FollowOrder): Promise<readonly FollowedRegistration[]>;
  /** One transaction. Returns the remarks that were not known before. */
  keepLook(look: KeptLook): Promise<readonly Remark[]>;
  /** How many are followed and how it ended for the others, as long as they are kept. */
  followCounts(): Promise<FollowCounts>;
}
