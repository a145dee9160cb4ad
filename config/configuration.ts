import type { BadgeForm, ByteOrder } from "../daemon/base/badge-form.ts";

/**
 * One site's configuration, checked and resolved: defaults applied, durations in milliseconds, paths absolute, what a
 * reader does not say taken from its site. Only the composition root sees all of it; every room gets its own part.
 */
export type Configuration = {
  /** Absolute path of the YAML file. */
  readonly file: string;
  /** SHA-256 of the file's text, hexadecimal: tells two versions of a configuration apart in logs and status. */
  readonly fingerprint: string;
  readonly site: SiteSettings;
  readonly store: StoreSettings;
  readonly roster: RosterSettings;
  readonly intake: IntakeSettings;
  readonly clock: ClockSettings;
  readonly readers: readonly ReaderSettings[];
  readonly service: ServiceSettings;
  readonly outage: OutageSettings;
  readonly evidence: EvidenceSettings;
  /** `null` while nobody named one. */
  readonly supplier: SupplierSettings | null;
  readonly webhooks: readonly WebhookSettings[];
  readonly log: LogSettings;
};

export type SiteSettings = {
  readonly name: string;
  /** IANA name, known to this Node. */
  readonly timeZone: string;
  readonly place: Place;
  /** AvW number for workers to whom the roster gives none. */
  readonly declarationOfWorks: string | null;
};

/** Where the work is, in the words of the service. Degrees are WGS 84. */
export type Place =
  | { readonly kind: "coordinates"; readonly latitude: number; readonly longitude: number }
  | {
      readonly kind: "address";
      readonly postCode: string;
      readonly municipalityName: string;
      readonly streetName: string;
      readonly houseNumber: string;
      readonly boxNumber: string | null;
    };

export type StoreSettings = {
  readonly directory: string;
  /** Rows; at this many new scans are refused. */
  readonly maxScans: number;
  /** Rows; from here on the log warns. Always below `maxScans`. */
  readonly alarmAtScans: number;
  /** Settled scans older than this are deleted at night. */
  readonly keepRegisteredMs: number;
};

export type RosterSettings = { readonly file: string; readonly badgeForm: BadgeForm };

export type IntakeSettings = { readonly doubleScanMs: number };

export type ClockSettings = {
  /** NTP servers that vote; none where the site's network blocks NTP. */
  readonly servers: readonly TimeServer[];
  /** `slewed` when something on the box may slew CLOCK_MONOTONIC. */
  readonly systemClock: "slewed" | "free";
};

export type TimeServer = { readonly host: string; readonly operator: string; readonly port: number };

export type DirectionSetting =
  | { readonly kind: "fixed"; readonly direction: "in" | "out" }
  | { readonly kind: "toggle" };

export type ReaderSettings = Rdm6300Settings | SerialLineSettings;

export type ReaderCommonSettings = {
  readonly id: string;
  readonly port: string;
  readonly direction: DirectionSetting;
  /** Characters in front of the badge's own → direction. */
  readonly keys: ReadonlyMap<string, "in" | "out">;
  readonly badge: { readonly encoding: BadgeForm; readonly byteOrder: ByteOrder };
  readonly presenceMs: number;
  /** The reader's own place, or its site's. */
  readonly place: Place;
  /** The reader's own AvW number, or its site's. */
  readonly declarationOfWorks: string | null;
};

export type Rdm6300Settings = ReaderCommonSettings & { readonly driver: "rdm6300" };

export type SerialLineSettings = ReaderCommonSettings & {
  readonly driver: "serial-line";
  readonly line: LineSettings;
  readonly frame: FrameSettings;
  readonly feedback: FeedbackBytes;
};

export type LineSettings = {
  readonly baudRate: number;
  readonly dataBits: 7 | 8;
  readonly parity: "none" | "even" | "odd";
  readonly stopBits: 1 | 2;
};

export type FrameEnd = "auto" | "cr" | "lf" | "crlf" | "etx" | "idle";

export type FrameSettings = {
  readonly end: FrameEnd;
  readonly idleMs: number;
  readonly maxBytes: number;
  /** Required in front of every frame and removed; empty for none. */
  readonly prefix: string;
  /** Required behind every frame and removed; empty for none. */
  readonly suffix: string;
  /** Source of a regular expression without flags that has a group named `badge`. */
  readonly pattern: string | null;
};

/** What is written to the reader to tell the worker; `null` where the reader shows nothing for it. */
export type FeedbackBytes = {
  readonly accepted: Uint8Array | null;
  readonly "already-recorded": Uint8Array | null;
  readonly "unknown-badge": Uint8Array | null;
  readonly "not-recorded": Uint8Array | null;
};

export type ServiceSettings = {
  /** Without a slash at its end; a path below is put behind it. */
  readonly url: string;
  readonly tokenFile: string | null;
  /** Remark 32; `null` while nobody has told it. */
  readonly receiptLimitMs: number | null;
  /** What becomes of a scan whose receipt would be past the limit. */
  readonly late: "withhold" | "forward";
  readonly timeoutMs: number;
  readonly callIntervalMs: number;
  readonly paths: { readonly register: string; readonly health: string };
};

export type OutageSettings = {
  readonly anchors: readonly ProbeAddress[];
  readonly resolvers: readonly string[];
  readonly firstHop: string | null;
  /** As `upsc` takes it; `null` without a UPS. */
  readonly ups: string | null;
  /** `HH:MM` in the site's time zone. */
  readonly summaryAt: string;
  readonly language: "nl" | "fr" | "de" | "en";
};

/** A literal address, so that no name server is needed to look at it. */
export type ProbeAddress = { readonly host: string; readonly port: number };

export type EvidenceSettings = {
  /** PEM of the log's Ed25519 key; `null` for the one that badged makes in the store's folder. */
  readonly keyFile: string | null;
  /** `HH:MM` in the site's time zone. */
  readonly shiftEdges: readonly string[];
  /** `null` without one: then nobody proves the time of the log. */
  readonly authority: AuthoritySettings | null;
  readonly witnesses: readonly WitnessSettings[];
};

export type AuthoritySettings = {
  readonly url: string;
  /** An object identifier; `null` for the authority's own choice. */
  readonly policy: string | null;
  /** PEM file of the certificates its tokens are checked against. */
  readonly ca: string;
};

/** `key` is `<name>+<key id in hex>+<base64 of 0x04 ‖ public key>`. */
export type WitnessSettings = { readonly url: string; readonly key: string };

export type SupplierSettings = { readonly name: string; readonly phone: string };

export type WebhookSettings = {
  readonly name: string;
  readonly url: string;
  readonly tokenFile: string | null;
  readonly timeoutMs: number;
};

export type LogLevel = "debug" | "info" | "warn" | "error";

export type LogSettings = { readonly level: LogLevel };
