/** What the owner of a test disk tells its server over the IPC channel; each is answered once. */
export type ServerOrder =
  /** How long a sync takes from now on, in milliseconds. */
  | { readonly syncDelayMs: number }
  /** Where a bad sector begins from now on, in bytes; it takes `badSectorBytes`. */
  | { readonly badSectorAt: number };

/** A page of memory: less is not read by anybody. */
export const badSectorBytes = 4096;

export interface ServerReport {
  readonly kind: "mounted" | "order-done";
}

export function isServerOrder(value: unknown): value is ServerOrder {
  if (typeof value !== "object" || value === null) return false;
  if ("syncDelayMs" in value) return typeof value.syncDelayMs === "number";
  return "badSectorAt" in value && typeof value.badSectorAt === "number";
}

export function isServerReport(value: unknown): value is ServerReport {
  if (typeof value !== "object" || value === null || !("kind" in value)) return false;
  return value.kind === "mounted" || value.kind === "order-done";
}
