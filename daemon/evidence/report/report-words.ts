/** The languages of a report, which are those of a supervisor. */
export type ReportLanguage = "nl" | "fr" | "de" | "en";

export type LayerName =
  | "box"
  | "power"
  | "link"
  | "lan"
  | "firstHop"
  | "dns"
  | "anchors"
  | "service"
  | "token"
  | "otherChannel";

/** How a layer was at a moment, as a picture can tell it apart. */
export type LayerState = "ok" | "failed" | "partly" | "unknown";

/**
 * What a report says in one language. The type is the catalogue's contract: a sentence that is missing in one language does
 * not compile.
 */
export type ReportWords = {
  readonly title: string;
  readonly titleOfSeveral: string;
  /** That it is derived, and not the evidence: stands at the top and at the foot of every page. */
  readonly derived: string;
  readonly derivedShort: string;
  readonly site: string;
  readonly log: string;
  readonly fingerprint: string;
  readonly made: string;
  readonly period: string;
  readonly times: string;
  readonly timesAre: (zone: string) => string;
  readonly page: (page: number, of: number) => string;
  readonly overview: string;
  readonly outage: (number: number) => string;
  readonly identifier: string;
  readonly cause: string;
  readonly causeFrom: (time: string, cause: string) => string;
  readonly exempt: string;
  readonly began: string;
  readonly ended: string;
  readonly bounds: string;
  readonly claimed: string;
  readonly proven: string;
  readonly between: (from: string, to: string) => string;
  readonly notBefore: (from: string) => string;
  readonly notAfter: (to: string) => string;
  readonly notProven: string;
  readonly lasts: string;
  readonly boundsNote: string;
  readonly picture: string;
  readonly layer: Readonly<Record<LayerName, string>>;
  readonly state: Readonly<Record<LayerState, string>>;
  readonly noSamples: string;
  readonly gaps: (count: number) => string;
  readonly steps: string;
  readonly support: string;
  readonly scans: string;
  readonly scanCounts: (delayed: number, withheld: number, registered: number) => string;
  readonly noScans: string;
  readonly added: string;
  readonly addedNote: string;
  readonly attachment: (sha256: string) => string;
  readonly attempt: (worked: boolean) => string;
  readonly limits: string;
  readonly limitsAre: readonly string[];
  readonly check: string;
  readonly checkHow: string;
  readonly nothing: string;
};
