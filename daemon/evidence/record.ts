/** Why an epoch, which is a log of its own, was begun. */
export const epochReasons = ["first-start", "rollback", "log-damaged", "key-changed"] as const;
export const clockStates = ["unsynchronised", "synchronised", "holdover", "untrusted"] as const;
export const windowChanges = ["opened", "reopened", "cause-changed", "gap", "closed"] as const;
export const anchorTypes = ["rfc3161", "witness"] as const;
export const layerNames = [
  "box",
  "power",
  "link",
  "lan",
  "firstHop",
  "dns",
  "anchors",
  "service",
  "token",
  "otherChannel",
] as const;

export type EpochReason = (typeof epochReasons)[number];
export type RecordedClockState = (typeof clockStates)[number];
export type RecordedWindowChange = (typeof windowChanges)[number];
export type AnchorType = (typeof anchorTypes)[number];
export type RecordedLayers = { readonly [name in (typeof layerNames)[number]]: string };

/** Where the log of the epoch before ended; `root` in hex. */
export type PreviousEpoch = { readonly origin: string; readonly size: number; readonly root: string };

/** Not before, not after; UTC ms. `null` where nothing proves that side. */
export type ProvenInterval = readonly [notBefore: number | null, notAfter: number | null];

type EntryData = {
  readonly window: string;
  readonly entry: number;
  /** Over the entry's salt and its content, hex. */
  readonly sha256: string;
  readonly bytes: number;
};

/** What is said, by kind. All numbers are integers; hashes are 64 hex digits. Counts only, nothing of a person. */
export type RecordData = {
  readonly epoch: {
    readonly format: 1;
    readonly origin: string;
    readonly key: string;
    readonly previous: PreviousEpoch | null;
    readonly reason: EpochReason;
  };
  readonly start: { readonly version: string; readonly configuration: string };
  readonly stop: { readonly reason: string };
  readonly configuration: { readonly sha256: string };
  readonly sample: { readonly layers: RecordedLayers; readonly cause: string | null; readonly whole: boolean };
  readonly window: {
    readonly id: string;
    readonly change: RecordedWindowChange;
    readonly cause: string;
    readonly exemption: string;
    readonly start: ProvenInterval;
    readonly end: ProvenInterval | null;
  };
  /** `ms` is `null` where only the contradiction is known, and not its size. */
  readonly "clock-step": { readonly kind: string; readonly ms: number | null };
  readonly "clock-state": {
    readonly from: RecordedClockState;
    readonly to: RecordedClockState;
    readonly reason: string;
  };
  readonly synchronisation: {
    readonly id: string;
    readonly offsetUs: number;
    readonly boundUs: number;
    readonly servers: number;
    readonly falseTickers: number;
  };
  readonly "heartbeat-gap": {
    readonly fromWall: number;
    readonly toWall: number;
    readonly boot: string;
    readonly ended: boolean;
  };
  readonly note: EntryData;
  readonly attachment: EntryData;
  readonly attempt: EntryData & { readonly worked: boolean };
  readonly scans: {
    readonly window: string;
    readonly delayed: number;
    readonly withheld: number;
    readonly registered: number;
  };
  readonly anchor: {
    readonly type: AnchorType;
    readonly size: number;
    readonly checkpoint: string;
    readonly sha256: string;
    readonly by: string;
  };
  readonly torn: { readonly dropped: number };
  readonly rollback: { readonly witness: string; readonly size: number; readonly had: number };
  readonly erased: { readonly samples: number; readonly before: number };
};

export type RecordKind = keyof RecordData;

/** What a room has to say. */
export type RecordContent = { [K in RecordKind]: { readonly kind: K; readonly data: RecordData[K] } }[RecordKind];

/** When it was said. */
export type RecordMoment = {
  readonly boot: string;
  /** Monotonic ms since boot, rounded down. */
  readonly mono: number;
  /** UTC ms. */
  readonly wall: number;
  /** Bound of `wall`, ms, rounded up; `null` when nothing vouched for the time. */
  readonly err: number | null;
  readonly state: RecordedClockState;
};

export type EvidenceRecord = RecordMoment &
  RecordContent & {
    readonly v: 1;
    readonly seq: number;
    /** SHA-256 of the line before in hex; `noPrevious` in the first. */
    readonly p: string;
  };
