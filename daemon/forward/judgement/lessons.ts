import { type CallSize, fullSize } from "../call-size.ts";
import type { LogLine } from "../events.ts";
import type { Settlement } from "../queue.ts";
import type { UnreadAnswers } from "../unread-answers.ts";

/** What earlier calls taught. */
export type Lessons = {
  readonly size: CallSize;
  /** Refused calls since one was answered. */
  readonly refusedCalls: number;
  /** Whether the service has understood a call of this run: it answered one, or named some of its scans and not others. */
  readonly isUnderstood: boolean;
  /** Scans refused alone since a call was answered. */
  readonly blindRefusals: number;
  readonly unread: UnreadAnswers;
};

export const noLessons: Lessons = {
  size: fullSize,
  refusedCalls: 0,
  isUnderstood: false,
  blindRefusals: 0,
  unread: new Map(),
};

/**
 * What a call's outcome means for its scans and for the next call.
 *
 * - `went-through`: the service answered; the next call at the ordinary pace.
 * - `narrowed`: refused, and the next call carries fewer or other scans; `at-once` for the first refusal in a row.
 * - `failed`: the next call after a backoff.
 */
export type Judgement = {
  /** One for each scan of the claim. */
  readonly settlements: readonly Settlement[];
  readonly lessons: Lessons;
  readonly result:
    | { readonly kind: "went-through" }
    | { readonly kind: "narrowed"; readonly next: "at-once" | "paced" }
    | { readonly kind: "failed"; readonly retryAfterMs: number | null };
  readonly lines: readonly LogLine[];
};
