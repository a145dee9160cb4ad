import type { MonotonicNs } from "../daemon/base/time.ts";

/** One presentation of one badge, as the reader gave it. */
export type BadgeRead = {
  readonly readerId: string;
  /** The badge's own characters, framing, checksum and configured prefix and suffix removed; printable ASCII. */
  readonly text: string;
  /** Monotonic time of the event that delivered the first byte of the frame. */
  readonly firstByteNs: MonotonicNs;
  /** Which opening of its port it came by, as `ReaderCounters.opens` counts them: its answer belongs there alone. */
  readonly opening: number;
};

/** Why bytes did not become a badge read. */
export type BadFrameReason =
  | "too-long"
  | "empty"
  | "bad-checksum"
  | "not-printable"
  | "pattern-mismatch"
  | "wrong-length";

/** Why a reader is not there. */
export type OfflineReason = "not-found" | "permission" | "busy" | "unplugged" | "deaf" | "failed";

/** What a worker can be told. Only `accepted` and `already-recorded` promise that a scan is on disk for sending. */
export type Feedback =
  | "accepted"
  | "already-recorded"
  /** The scan is on disk, the badge is not in the roster: see the supervisor. */
  | "unknown-badge"
  /** Nothing was kept: badge again, or see the supervisor. */
  | "not-recorded";

/** What became of a feedback: it is never queued, so a stale green light is impossible. */
export type FeedbackOutcome = "shown" | "dropped" | "unsupported";

/**
 * So many bad frames without a badge between them are no noise: whoever badges at this reader sees no light, and nothing is
 * recorded of him.
 */
export const unreadableMin: number = 5;

/** Counters since the start of the process. */
export type ReaderCounters = {
  readonly reads: number;
  readonly repeats: number;
  readonly badFrames: number;
  /** Bad frames since the last badge, or since the start, without what the reader sends between badges of itself. */
  readonly badSinceBadge: number;
  readonly opens: number;
  readonly feedbackDropped: number;
};

export type ReaderState =
  | { readonly kind: "online"; readonly path: string }
  | { readonly kind: "offline"; readonly reason: OfflineReason; readonly detail: string };

/** What a driver tells the daemon. All callbacks run on the event loop and must not block. */
export interface ReaderEvents {
  badgeRead(read: BadgeRead): void;
  badFrame(readerId: string, reason: BadFrameReason): void;
  stateChanged(readerId: string, state: ReaderState): void;
}

/**
 * A badge reader. `start` never fails for a reader that is absent: a reader is offline until it is found, and
 * found again after every unplug. Disposing closes the port and stops all retries.
 */
export interface Reader extends AsyncDisposable {
  readonly id: string;
  readonly state: ReaderState;
  readonly counters: ReaderCounters;
  start(events: ReaderEvents): void;
  /**
   * @param opening that of the read which is answered: the worker who badged before an unplug may be gone, and another
   *   one must not see his answer
   */
  feedback(feedback: Feedback, opening: number): FeedbackOutcome;
}
