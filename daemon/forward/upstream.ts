import type { AttemptReport, DueScan, Remark } from "./queue.ts";

/** What the service said of one scan of a call. */
export type ItemOutcome =
  | {
      readonly kind: "created";
      readonly registrationId: string;
      readonly validity: string;
      readonly remarks: readonly Remark[];
    }
  | { readonly kind: "refused"; readonly reason: string }
  /** The service answered, but not about this one. */
  | { readonly kind: "unanswered" };

/**
 * What became of a whole call.
 *
 * - `answered`: one outcome per scan, in the order of the scans sent.
 * - `refused`: the call was refused as malformed and nothing was registered. `culprits` are the indices of the scans
 *   the service named, empty when it named none.
 * - `not-processed`: certainly nothing was registered; try again, not before `retryAfterMs` when the service said so.
 * - `ambiguous`: the request may have been processed.
 * - `held-back`: it did not leave, for `mayLeave` said so.
 */
export type CallOutcome =
  | { readonly kind: "answered"; readonly items: readonly ItemOutcome[]; readonly report: CallReport }
  | {
      readonly kind: "refused";
      readonly culprits: readonly { readonly index: number; readonly reason: string }[];
      readonly reason: string;
      readonly report: CallReport;
    }
  | { readonly kind: "not-processed"; readonly retryAfterMs: number | null; readonly report: CallReport }
  | {
      readonly kind: "ambiguous";
      readonly retryAfterMs: number | null;
      readonly report: CallReport;
      /** A success in the service's own language, of which nothing can be read; a page of something in between is none. */
      readonly isUnread?: true;
    }
  | { readonly kind: "held-back"; readonly report: CallReport };

export type CallReport = Omit<AttemptReport, "endedAt">;

/** The service, behind its adapter. Never rejects: every failure is an outcome with a name. */
export interface Upstream {
  /**
   * @param mayLeave asked when everything that a request needs is there, each time before one leaves: getting a token and
   *   a connection may have taken long
   */
  register(
    scans: readonly DueScan[],
    traceId: string,
    signal: AbortSignal,
    mayLeave?: () => boolean,
  ): Promise<CallOutcome>;
  /** Whether the service holds this very registration. Left out by an adapter that cannot tell. */
  search?(scan: DueScan, traceId: string, signal: AbortSignal): Promise<SearchOutcome>;
}

/**
 * What a search for one scan came to.
 *
 * - `found`: the service holds a registration of this worker, this second and this direction.
 * - `not-found`: the service answered, understood, and holds none.
 * - `not-to-be-had`: the service has no such search.
 * - `refused`: it does not search for this one; it may for others.
 * - `failed`: anything else; nothing is known of the scan.
 */
export type SearchOutcome =
  | {
      readonly kind: "found";
      readonly registrationId: string;
      readonly validity: string;
      readonly remarks: readonly Remark[];
      readonly report: CallReport;
    }
  | { readonly kind: "not-found"; readonly report: CallReport }
  | { readonly kind: "not-to-be-had" | "refused"; readonly report: CallReport }
  | { readonly kind: "failed"; readonly retryAfterMs: number | null; readonly report: CallReport };

/**
 * How long the service itself asked to be left alone; `null` when it did not. The wait for a token is none of its asking:
 * where the endpoint of tokens asked for one, whoever wants a token is told so again.
 */
export function askedWaitMs(outcome: CallOutcome | SearchOutcome): number | null {
  return "retryAfterMs" in outcome && outcome.report.outcome !== "no-token" ? outcome.retryAfterMs : null;
}

/** Where the adapter gets its bearer token; `null` when the service is used without one (simulator). */
export interface TokenSource {
  /** Rejects with `NoTokenError` when whoever gives tokens gave none, with any other error when it is ours. */
  token(signal: AbortSignal): Promise<string | null>;
  /** The service refused this token (401): a source that can get another one may then do so. */
  refused?(token: string): void;
}

/** A token endpoint gave no token. The message is fit for a log. */
export class NoTokenError extends Error {
  override readonly name: string = "NoTokenError";
  /** How long it makes no sense to ask again. */
  readonly retryAfterMs: number | null;

  constructor(message: string, retryAfterMs: number | null) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}
