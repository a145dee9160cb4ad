/** What the owner of a test disk tells its server over the IPC channel; each is answered once. */
export interface ServerOrder {
  /** How long a sync takes from now on, in milliseconds. */
  readonly syncDelayMs: number;
}

export interface ServerReport {
  readonly kind: "mounted" | "sync-delay-set";
}

export function isServerOrder(value: unknown): value is ServerOrder {
  return typeof value === "object" && value !== null && "syncDelayMs" in value && typeof value.syncDelayMs === "number";
}

export function isServerReport(value: unknown): value is ServerReport {
  if (typeof value !== "object" || value === null || !("kind" in value)) return false;
  return value.kind === "mounted" || value.kind === "sync-delay-set";
}
