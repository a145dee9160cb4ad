/** How a target (the service, a webhook) is doing, for people. */
export type TargetStatus = {
  readonly state: "reachable" | "not-reachable" | "not-tried";
  /** How the last call ended; empty before the first. */
  readonly lastOutcome: string;
  /** While the target is not asked because of a failure. */
  readonly retryInMs: number | null;
};
