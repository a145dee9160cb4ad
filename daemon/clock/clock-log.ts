import type { Log } from "../base/log.ts";
import type { Anchor } from "./anchor.ts";
import type { DisciplineChange } from "./discipline.ts";
import { isSentAway } from "./poll-schedule.ts";
import type { SourceFailure } from "./source-poll.ts";
import type { ClockEvent } from "./step-watch.ts";
import type { Synchronisation } from "./synchronisation.ts";

/** What the clock tells people of itself; the rest is in its history. */

/** @param contradicted whose word a contradiction is against */
export function tellEvent(log: Log, event: ClockEvent, contradicted: Anchor["basis"]): void {
  const { kind, sinceNs, atNs, ...fields } = event;
  log.warn(fields, kind === "contradiction" ? contradictionMessages[contradicted] : eventMessages[kind]);
}

export function tellChange(log: Log, change: DisciplineChange): void {
  log[change.to === "synchronised" ? "info" : "warn"](change, "clock state changed");
}

/** False tickers are named. */
export function tellPoll(log: Log, { sources, result }: Synchronisation): void {
  for (const { sourceId, votes, verdict } of sources) {
    if (!votes) continue;
    if (verdict.kind === "false-ticker") {
      log.warn({ sourceId, beyondMs: Number(verdict.beyondNs) / 1e6 }, "source is a false ticker");
    } else if (verdict.kind === "unusable") {
      tellFailure(log, sourceId, verdict.why);
    }
  }
  if (result.kind === "no-quorum") log.warn({ why: result.why, usable: result.usable }, "no quorum");
  else if (result.warnings.length > 0) log.info({ warnings: result.warnings }, "quorum is small");
}

function tellFailure(log: Log, sourceId: string, why: SourceFailure): void {
  if (why.kind !== "kiss-of-death") log.info({ sourceId, why: why.kind }, "source gave no usable time");
  else if (isSentAway(why.code)) log.warn({ sourceId, code: why.code }, "source sent us away until a restart");
  else log.info({ sourceId, why: why.kind, code: why.code }, "source gave no usable time");
}

const eventMessages = { step: "system clock was stepped", suspend: "box was suspended" } as const;

const contradictionMessages = {
  quorum: "a quorum contradicts the clock",
  service: "service's clock contradicts itself",
} as const;
