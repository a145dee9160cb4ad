import type { WalFrames } from "./connection.ts";

/** Nobody has badged for this long: now a second sync delays no one. */
export const quietMs = 2000;

/** Frames below which a checkpoint is not worth the wear of the card: about a dozen scans. */
export const worthwhileFrames = 64;

/** Frames at which the checkpoint comes even while people badge: 16 MB, about 1000 commits, so it stays out of the p99. */
export const overdueFrames = 4000;

export type CheckpointPlan =
  | { readonly kind: "none" }
  /** Look again when this much more quiet has passed. */
  | { readonly kind: "wait"; readonly forMs: number }
  | { readonly kind: "now" };

/**
 * When to copy the write-ahead log into the database. SQLite would do it inside the commit that passes a size; on a
 * disk with 11 ms a sync that commit takes 22 ms, and the worker at the reader waits for it.
 *
 * @param quietForMs time since the last scan was recorded
 */
export function planCheckpoint(wal: WalFrames, quietForMs: number): CheckpointPlan {
  const pending = wal.frames - wal.checkpointed;
  if (pending >= overdueFrames) return { kind: "now" };
  if (pending < worthwhileFrames) return { kind: "none" };
  return quietForMs >= quietMs ? { kind: "now" } : { kind: "wait", forMs: quietMs - quietForMs };
}
