/**
 * What a running daemon says of itself, as `badged status` and `--json` show it. Times are ISO 8601 in UTC. No badge
 * number and no national number.
 */
export type LiveStatus = {
  readonly version: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly site: string;
  readonly clock: { readonly state: string; readonly bootId: string };
  readonly readers: readonly LiveReader[];
  readonly intake: {
    readonly recorded: number;
    readonly doubles: number;
    readonly unknownBadges: number;
    readonly notRecorded: number;
    readonly captureLagMaxMs: number;
  };
  readonly service: LiveTarget;
  readonly webhooks: readonly LiveTarget[];
  readonly memoryBytes: number;
};

export type LiveReader = {
  readonly id: string;
  readonly driver: string;
  readonly online: boolean;
  /** The port while online, the reason while offline. */
  readonly detail: string;
  readonly reads: number;
  readonly repeats: number;
  readonly badFrames: number;
  readonly opens: number;
  readonly feedbackDropped: number;
};

/** The service, or a webhook. */
export type LiveTarget = {
  readonly name: string;
  readonly state: "reachable" | "not-reachable" | "not-tried";
  /** How the last call ended, in the closed list of outcomes; empty before the first. */
  readonly lastOutcome: string;
  readonly retryInMs: number | null;
};
