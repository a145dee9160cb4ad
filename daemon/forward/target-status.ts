/** How a target (the service, a webhook) is doing, for people. */
export type TargetStatus = {
  readonly state: "reachable" | "not-reachable" | "not-tried";
  /** How the last call ended; empty before the first. */
  readonly lastOutcome: string;
  /** While the target is not asked because of a failure. */
  readonly retryInMs: number | null;
  /** Only while the store refuses what it is asked: nothing is sent then, whatever the target would answer. */
  readonly storeFails?: true;
};
