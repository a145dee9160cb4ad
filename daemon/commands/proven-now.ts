import { BadgedError } from "../base/errors.ts";
import { parseUtcText, systemTime } from "../base/system-time.ts";
import type { WallMs } from "../base/time.ts";
import type { LiveClock, LiveStatus } from "../supervisor/live-status.ts";
import { readStatus, statusSocketPath } from "../supervisor/status-socket.ts";

/**
 * By which days are counted: UTC as the running daemon bounds it, be the bound too wide for a registration, for a box without
 * a clock chip, behind a firewall that keeps time servers away, may be weeks behind. Its own clock where nothing bounds the
 * time.
 */
export async function provenNow(storeDirectory: string): Promise<WallMs> {
  return provenOr(await clockOf(storeDirectory));
}

export function provenOr(clock: LiveClock | null): WallMs {
  const utc = clock?.utc ?? null;
  return (utc === null ? null : parseUtcText(utc)) ?? systemTime.wallMs();
}

/** A daemon that hangs, or is another user's, tells nothing; what is asked for is on the disk, and told all the same. */
async function clockOf(storeDirectory: string): Promise<LiveClock | null> {
  try {
    const live = (await readStatus(statusSocketPath(storeDirectory))) as LiveStatus | null;
    return live?.clock ?? null;
  } catch (error) {
    if (error instanceof BadgedError) return null;
    throw error;
  }
}
