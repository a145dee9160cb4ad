import { unreachable } from "../base/assert.ts";
import { durationWords } from "../base/duration-words.ts";
import { utcText } from "../base/system-time.ts";
import { type Anchor, utcAt } from "../clock/anchor.ts";
import type { ClockStatus } from "../clock/clock-status.ts";
import { anchorOf, type DisciplineState, serviceRivalOf } from "../clock/discipline.ts";
import { delayNs, thetaNs } from "../clock/ntp-exchange.ts";
import { mayBeAskedNs, nextRoundNs } from "../clock/poll-schedule.ts";
import type { SourceFailure } from "../clock/source-poll.ts";
import type { ClockEvent } from "../clock/step-watch.ts";
import type { SourceRow, Synchronisation } from "../clock/synchronisation.ts";
import { floorMs, latest } from "../clock/utc.ts";
import type { ReceiptStatus } from "../forward/receipt-guard.ts";
import type { LiveClock, LiveClockEvent, LiveSource } from "../supervisor/live-status.ts";

/** The clock as a running daemon tells it. */
export function liveClock(status: ClockStatus, receipt: ReceiptStatus): LiveClock {
  const { state, rates, lastPoll, schedule, service, nowNs } = status;
  const anchor = anchorOf(state);
  const nextRound = nextRoundNs(schedule);
  return {
    bootId: status.bootId,
    state: state.kind,
    why: state.kind === "untrusted" ? whyOf(state) : null,
    utc: anchor === null ? null : utcText(floorMs(utcAt(anchor, nowNs))),
    errorBoundMs: status.boundNs === null ? null : milliseconds(status.boundNs),
    basis: anchor?.basis ?? null,
    syncAgeMs: anchor === null ? null : milliseconds(nowNs - anchor.atNs),
    driftPpm: { synchronised: rates.synchronisedPpm, holdover: rates.holdoverPpm },
    servers: schedule.sources.length,
    poll:
      lastPoll === null
        ? null
        : {
            result: lastPoll.result.kind,
            remarks: lastPoll.result.kind === "quorum" ? lastPoll.result.warnings : [lastPoll.result.why],
            ageMs: milliseconds(nowNs - lastPoll.atNs),
            nextInMs: nextRound === null ? null : milliseconds(latest(0n, nextRound - nowNs)),
          },
    sources: lastPoll === null ? [] : liveSources(lastPoll, status),
    events: status.events.map((event) => liveEvent(event, nowNs)),
    service:
      service === null || anchor === null
        ? null
        : {
            fromMs: milliseconds(service.lowNs - anchor.thetaNs),
            toMs: milliseconds(service.highNs - anchor.thetaNs),
            consistent: service.consistent,
            apartMs: status.serviceApartNs === null ? null : milliseconds(status.serviceApartNs),
          },
    receipt,
  };
}

function whyOf(state: Extract<DisciplineState, { readonly kind: "untrusted" }>): string {
  return serviceRivalOf(state) === null ? state.why : "service-contradicted";
}

/**
 * What a poll's answers are compared with. Those from before the box slept with nothing: monotonic time stood still since,
 * so a server that told the truth would be shown off by as long as that took.
 */
function offsetsFrom({ state, lastPoll, events }: ClockStatus): Anchor | null {
  const hasSleptSince =
    lastPoll !== null && events.some(({ kind, atNs }) => kind === "suspend" && atNs >= lastPoll.atNs);
  return hasSleptSince ? null : anchorOf(state);
}

/** Of a poll, and of those that were not asked in it. */
function liveSources(poll: Synchronisation, status: ClockStatus): readonly LiveSource[] {
  const { sources, schedule, nowNs } = status;
  const asked = poll.sources.map((row) => liveSource(row, offsetsFrom(status)));
  return sources.flatMap(({ id, operator, votes }) => {
    const found = asked.find((each) => each.id === id);
    const track = schedule.sources.find(({ sourceId }) => sourceId === id);
    if (track === undefined || (found !== undefined && track.droppedBy === null)) return found ?? [];
    const nothing = { id, operator, votes, offsetMs: null, delayMs: null };
    if (track.droppedBy !== null)
      return { ...nothing, verdict: "sent-away", detail: `${track.droppedBy}, not asked until a restart` };
    const inMs = milliseconds(latest(0n, mayBeAskedNs(schedule, track) - nowNs));
    return { ...nothing, verdict: "not-asked", detail: `RATE, for ${durationWords(inMs)} more` };
  });
}

function liveSource({ sourceId, operator, votes, verdict, sample }: SourceRow, anchor: Anchor | null): LiveSource {
  return {
    id: sourceId,
    operator,
    votes,
    verdict: verdict.kind === "unusable" ? verdict.why.kind : verdict.kind,
    detail:
      verdict.kind === "false-ticker"
        ? `${milliseconds(verdict.beyondNs)} ms outside`
        : verdict.kind === "unusable"
          ? failureDetail(verdict.why)
          : "",
    offsetMs: sample === null || anchor === null ? null : milliseconds(thetaNs(sample) - anchor.thetaNs),
    delayMs: sample === null ? null : milliseconds(delayNs(sample)),
  };
}

function failureDetail(why: SourceFailure): string {
  switch (why.kind) {
    case "silent":
      return `for ${why.waitedMs} ms`;
    case "failed":
    case "kiss-of-death":
      return why.code;
    case "too-distant":
      return `${milliseconds(why.rootDistanceNs)} ms from its reference`;
    case "same-server":
      return `as ${why.as}`;
    case "bad-stratum":
      return `stratum ${why.stratum}`;
    case "wrong-mode":
      return `mode ${why.mode}`;
    case "malformed":
    case "wrong-origin":
    case "unsynchronised":
    case "no-timestamps":
    case "times-reversed":
    case "negative-delay":
      return "";
    default:
      return unreachable(why);
  }
}

function liveEvent(event: ClockEvent, nowNs: bigint): LiveClockEvent {
  const sizeMs = event.kind === "step" ? event.byMs : event.kind === "suspend" ? event.forMs : null;
  return { kind: event.kind, sizeMs, ageMs: milliseconds(nowNs - event.atNs) };
}

/** Microseconds are shown, nanoseconds are not. */
function milliseconds(ns: bigint): number {
  return Number(ns / 1000n) / 1000;
}
