/**
 * What a running daemon says of itself, as `badged status` and `--json` show it. Times are ISO 8601 in UTC. No badge
 * number and no national number.
 */
export type LiveStatus = {
  readonly version: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly site: string;
  readonly clock: LiveClock;
  /** The outage that lasts, and the layers as they were last seen. */
  readonly outage: {
    readonly since: string | null;
    readonly cause: string | null;
    readonly exemption: string | null;
    readonly layers: Readonly<Record<string, string>>;
    /** How each thing that is looked at came out the last time. */
    readonly looks: readonly {
      readonly layer: string;
      readonly target: string;
      readonly result: string;
      readonly tookMs: number;
    }[];
  };
  readonly readers: readonly LiveReader[];
  readonly intake: {
    readonly recorded: number;
    readonly doubles: number;
    readonly unknownBadges: number;
    readonly notRecorded: number;
    readonly captureLagMaxMs: number;
  };
  readonly service: LiveTarget;
  /** Ids of scans on which calls are known to fail while others go through. A daemon of an earlier version does not speak of it. */
  readonly failingAlone?: readonly number[];
  /** Where badged gets its tokens itself; `null` where it does not. */
  readonly token: LiveToken | null;
  /** How registrations are followed for remarks that come later; `null` when that is switched off. */
  readonly following: LiveFollowing | null;
  /** The log that somebody else can check; `null` where none is kept. */
  readonly evidence: LiveEvidence | null;
  readonly webhooks: readonly LiveTarget[];
  readonly memoryBytes: number;
};

export type LiveToken = {
  /** There is one that can be sent. */
  readonly hasToken: boolean;
  /** Why the last request gave none, for people; `null` when it did not fail. */
  readonly failure: string | null;
  readonly retryInMs: number | null;
};

/** Times in ms; offsets are what has to be added to the box's own estimate of UTC to get the other's. */
export type LiveClock = {
  readonly bootId: string;
  readonly state: "unsynchronised" | "synchronised" | "holdover" | "untrusted";
  /** Why it is untrusted; `null` in every other state. */
  readonly why: string | null;
  /** Within the bound, whatever the state; `null` where nothing bounds it. */
  readonly utc: string | null;
  readonly errorBoundMs: number | null;
  /** What the bound rests on: NTP servers, or the service's own clock where there is no quorum. */
  readonly basis: "quorum" | "service" | null;
  readonly syncAgeMs: number | null;
  readonly driftPpm: { readonly synchronised: number; readonly holdover: number };
  /** How many are configured. */
  readonly servers: number;
  readonly poll: {
    readonly result: "quorum" | "no-quorum";
    /** Why there is no quorum, or what weakens it. */
    readonly remarks: readonly string[];
    readonly ageMs: number;
    /** `null` when all that vote have sent the box away. */
    readonly nextInMs: number | null;
  } | null;
  readonly sources: readonly LiveSource[];
  /** Newest last. */
  readonly events: readonly LiveClockEvent[];
  readonly service: LiveServiceClock | null;
  readonly receipt: LiveReceipt;
};

export type LiveSource = {
  readonly id: string;
  readonly operator: string;
  readonly votes: boolean;
  readonly verdict: string;
  readonly detail: string;
  readonly offsetMs: number | null;
  readonly delayMs: number | null;
};

export type LiveClockEvent = {
  readonly kind: "step" | "suspend" | "contradiction";
  /** By how much the system clock was set, or how long the box slept. */
  readonly sizeMs: number | null;
  readonly ageMs: number;
};

/** The service's own clock, as the `Date` of its answers bounds it. */
export type LiveServiceClock = {
  readonly fromMs: number;
  readonly toMs: number;
  readonly consistent: boolean;
  /** How far it is from the quorum at least; `null` without a quorum. */
  readonly apartMs: number | null;
};

/** What is known of the receipt limit (remark 32). */
export type LiveReceipt = {
  readonly configuredMs: number | null;
  readonly inForceMs: number | null;
  readonly late: "withhold" | "forward";
  readonly aboveMs: number | null;
  readonly atMostMs: number | null;
  readonly clockSuspicions: number;
  readonly transitP999Ms: number;
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
  /** Since the last badge. A daemon of an earlier version, not yet restarted, does not speak of it. */
  readonly badSinceBadge?: number;
  /** Unknown badges since the last one that the roster knows; absent likewise. */
  readonly strangersInARow?: number;
  readonly opens: number;
  readonly feedbackDropped: number;
};

/** Counts are of records of the present epoch. */
export type LiveEvidence = {
  readonly epoch: number;
  readonly size: number;
  /** Not on disk: in peace they wait some minutes for one commit. */
  readonly waiting: number;
  /** Those that the last checkpoint covers. */
  readonly checkpointSize: number;
  readonly failingForMs: number | null;
  readonly anchorers: readonly LiveAnchorer[];
};

/** A witness or a timestamp authority, since badged started. */
export type LiveAnchorer = {
  readonly type: "witness" | "rfc3161";
  readonly name: string;
  readonly anchoredAgoMs: number | null;
  readonly size: number;
  readonly failure: string | null;
};

export type LiveFollowing = {
  readonly state: "following" | "resting" | "not-to-be-had" | "gives-way" | "clockless";
  /** How the last look at the service ended, where that is why. */
  readonly why: string | null;
};

/** The service, or a webhook. */
export type LiveTarget = {
  readonly name: string;
  readonly state: "reachable" | "not-reachable" | "not-tried";
  /** How the last call ended, in the closed list of outcomes; empty before the first. */
  readonly lastOutcome: string;
  readonly retryInMs: number | null;
  /** Only while the store refuses what it is asked: nothing is sent then. */
  readonly storeFails?: true;
};
