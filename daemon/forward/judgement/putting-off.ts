import { type WallMs, wallMs } from "../../base/time.ts";
import type { LogLine } from "../events.ts";
import { forwardEvents as events } from "../events.ts";
import type { Claim, Settlement } from "../queue.ts";
import type { Judgement, Lessons } from "./lessons.ts";

/**
 * How long a scan waits so that others go before it. Short, because after an outage it is the oldest of all and the receipt
 * limit comes nearer; long enough that one on which the service breaks costs thirty failed calls an hour.
 */
export const putOffMs: number = 2 * 60 * 1000;

/** A single scan that the service will not take, for a reason that may lie in the call: it waits and others try. */
export function putOff(
  claim: Claim,
  lessons: Lessons,
  now: WallMs,
  { forMs = putOffMs, retryAfterMs = null }: { readonly forMs?: number; readonly retryAfterMs?: number | null },
): Judgement {
  return {
    settlements: allAgain(claim, putOffUntil(now, forMs)),
    lessons: { ...lessons, size: { ...lessons.size, mode: "probing" } },
    result: { kind: "failed", retryAfterMs },
    lines: [putOffLine(claim.attemptId, claim.scans.length, forMs)],
  };
}

export function putOffUntil(now: WallMs, forMs: number = putOffMs): WallMs {
  return wallMs(now + forMs);
}

export function again(scanId: number, notBefore: WallMs | null = null): Settlement {
  return { kind: "again", scanId, notBefore };
}

export function allAgain(claim: Claim, notBefore: WallMs | null = null): readonly Settlement[] {
  return claim.scans.map(({ scanId }) => again(scanId, notBefore));
}

export function putOffLine(attemptId: number, count: number, forMs: number = putOffMs): LogLine {
  return { level: "warn", event: events.putOff, fields: { count, attemptId, forMs } };
}
