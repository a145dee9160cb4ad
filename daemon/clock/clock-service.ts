import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import { elapsedMs, type MonotonicNs, monotonicNs, type Time, type WallMs, wallMs } from "../base/time.ts";
import { type Anchor, boundAt, utcAt } from "./anchor.ts";
import {
  type BootTimeline,
  isUnbroken,
  lastQuorum,
  nothingKnown,
  provenAt,
  sleptSinceMs,
  withAnchor,
  withBreak,
} from "./boot-timeline.ts";
import type { ScanDating } from "./dating.ts";
import {
  anchorOf,
  type DisciplineInput,
  type DisciplineState,
  ppmOf,
  serviceRivalOf,
  stepDiscipline,
} from "./discipline.ts";
import { type DriftRates, learnDrift } from "./drift.ts";
import { HostClocks } from "./host-clocks.ts";
import type { NtpTransport } from "./ntp-transport.ts";
import { afterRound, askAtOnce, type DueSource, dueSources, openSchedule, type PollSchedule } from "./poll-schedule.ts";
import {
  type DatedAnswer,
  type Phi,
  phiOf,
  provenDisagreementNs,
  type ServiceOffset,
  serviceAnchor,
} from "./service-clock.ts";
import { type AskService, ServiceWatch } from "./service-watch.ts";
import { pollSource } from "./source-poll.ts";
import type { Clock, Stamp } from "./stamp.ts";
import { liveStamp, wholeMs } from "./stamping.ts";
import { type ClockEvent, sleptBetween } from "./step-watch.ts";
import {
  anchorFrom,
  type BootSeen,
  type ClockHistory,
  type NtpSource,
  type SourceReport,
  type Synchronisation,
  synchronise,
} from "./synchronisation.ts";
import { floorMs, laterBy, nsPerMs, type UtcNs } from "./utc.ts";

export type ClockPorts = {
  readonly transport: NtpTransport;
  readonly history: ClockHistory;
  readonly dating: ScanDating;
  readonly askService: AskService;
  /** Scans have their time now, or the clock has. */
  readonly onTime: () => void;
  readonly time: Time;
  readonly random: Random;
  readonly log: Log;
  /** `/proc/uptime` in ms; `null` where it cannot be read. */
  readonly uptimeMs: () => number | null;
};

export type ClockSettings = {
  readonly bootId: string;
  /** None where the site's network blocks NTP: the service's own clock is all there is then. */
  readonly sources: readonly NtpSource[];
  /** The earliest moment that this program can run at. */
  readonly builtAt: UtcNs;
  /** Something on the box may slew the system clock, and CLOCK_MONOTONIC with it. */
  readonly slewing: boolean;
  readonly burstSpacingMs: number;
};

/** For people: `badged clock`. */
export type ClockStatus = {
  readonly bootId: string;
  /** When it was asked: the moment of all that follows. */
  readonly nowNs: MonotonicNs;
  readonly state: DisciplineState;
  readonly rates: DriftRates;
  readonly utc: UtcNs | null;
  readonly boundNs: bigint | null;
  readonly lastPoll: Synchronisation | null;
  readonly schedule: PollSchedule;
  readonly service: ServiceOffset | null;
  /** How far the service's clock and ours are apart at least, whatever the truth within both bounds. */
  readonly serviceApartNs: bigint | null;
  /** The latest steps, suspends and contradictions of this run, oldest first. */
  readonly events: readonly ClockEvent[];
};

/** What a decision about sending rests on. */
export type ClockNow = {
  readonly utcMs: WallMs;
  /** The service's clock − `utcMs`; `null` while it has not told. */
  readonly phi: Phi | null;
  /** Half-width of the interval that holds the true UTC. */
  readonly errorBoundMs: number;
};

export const tickMs: number = 1000;
export const anchorsKept: number = 512;
export const eventsKept: number = 16;
/** By how much an anchor from the service has to be better than the one that is held. */
export const worthwhileNs: bigint = 50n * nsPerMs;

/**
 * The shell of the clock: asks the sources when they are due, keeps what they said, and does what the pure parts
 * decided. It never sets the system clock. `start` before the first `stamp` is wise and not needed: without it, and
 * until the first quorum, stamps carry wall time and no bound.
 */
export class ClockService implements Clock, AsyncDisposable {
  readonly #ports: ClockPorts;
  readonly #settings: ClockSettings;
  readonly #log: Log;
  readonly #closing = new AbortController();
  readonly #service: ServiceWatch;
  readonly #clocks: HostClocks;
  readonly #writes = new Set<Promise<void>>();
  #state: DisciplineState = { kind: "unsynchronised" };
  #rates: DriftRates;
  #anchors: readonly Anchor[] = [];
  #timeline: BootTimeline = nothingKnown;
  #events: readonly ClockEvent[] = [];
  #suspends = 0;
  #schedule: PollSchedule;
  #lastPoll: Synchronisation | null = null;
  #pivot: UtcNs;
  #round: Promise<void> | null = null;
  #ticker: Disposable | null = null;
  /** What went before was read, and all that came since is on disk. */
  #isHistoryWhole = false;

  constructor(ports: ClockPorts, settings: ClockSettings) {
    this.#ports = ports;
    this.#settings = settings;
    this.#log = ports.log.child({ room: "clock" });
    this.#clocks = new HostClocks(ports);
    this.#rates = learnDrift([], settings.slewing);
    const { askService: ask, time } = ports;
    this.#service = new ServiceWatch({ ask, ppm: () => this.#rates.holdoverPpm, time, log: this.#log });
    this.#pivot = settings.builtAt;
    this.#schedule = openSchedule(
      settings.sources.map(({ id }) => id),
      ports.time.monotonicNs(),
    );
  }

  /** Learns from the history and begins to poll. Resolves before the first answer. */
  async start(): Promise<void> {
    try {
      await this.#takeUpHistory();
    } catch (error) {
      // What happened in this boot before this run is not known then: nothing of this run reaches back.
      this.#timeline = withBreak(this.#timeline, {
        kind: "contradiction",
        sinceNs: bootNs,
        atNs: this.#clocks.begun.atNs,
      });
      // A full disk is no reason for a box without a clock: the servers say what time it is.
      this.#log.error({ error: messageOf(error) }, "the clock's history was not read, and begins anew");
    }
    if (this.#closing.signal.aborted) return;
    this.#ticker = this.#ports.time.every(tickMs, () => this.#tick());
    this.#tick();
  }

  async #takeUpHistory(): Promise<void> {
    const { history } = this.#ports;
    const { bootId } = this.#settings;
    const breaks = await history.breaks(bootId);
    this.#anchors = await history.anchors(anchorsKept);
    const anchors = this.#anchors.filter((each) => each.bootId === bootId);
    this.#timeline = breaks.reduce(withBreak, { ...this.#timeline, anchors });
    this.#rates = learnDrift(this.#anchors, this.#settings.slewing);
    const trusted = await history.lastTrusted();
    if (trusted !== null && trusted > this.#pivot) this.#pivot = trusted;
    await this.#findSleep();
  }

  /** The box may have slept while badged did not run: no anchor from before that reaches into this run. */
  async #findSleep(): Promise<void> {
    const { history } = this.#ports;
    const { bootId } = this.#settings;
    const seen = this.#clocks.seen();
    const before = await history.bootSeen(bootId);
    this.#isHistoryWhole = true;
    const then = before ?? bootSeenAwake;
    const event = sleptBetween(then, this.#clocks.begun) ?? sleptBetween(then, seen);
    // Of a new boot nothing was proven yet that a sleep could make wrong.
    if (event === null || before === null) {
      this.#keep(history.seeBoot(bootId, seen));
      await Promise.all(this.#writes);
    }
    if (event === null) return;
    this.#suspends += 1;
    this.#note(event);
  }

  stamp(firstByteNs: MonotonicNs): Stamp {
    this.#observe();
    const now = { monotonicNs: this.#ports.time.monotonicNs(), wallMs: this.#ports.time.wallMs() };
    this.#discipline({ kind: "tick" });
    // A reader may hand in a first byte from before a sleep when the clock is synchronised again already.
    const isReached = anchorOf(this.#state) === null || isUnbroken(this.#timeline, firstByteNs, now.monotonicNs);
    const state: DisciplineState = isReached ? this.#state : { kind: "untrusted", why: "suspended" };
    return liveStamp({ bootId: this.#settings.bootId, firstByteNs }, now, state, this.#rates);
  }

  /**
   * When a monotonic moment of this boot was, as far as it is known by now. Without a bound where nothing was proven on its
   * side of a break: it is reckoned back from now then, on the box's own clock while nothing proves the present either.
   */
  momentAt(atNs: MonotonicNs): Pick<Stamp, "bootId" | "monotonicNs" | "utcMs" | "errorBoundMs"> {
    this.#observe();
    const moment = { bootId: this.#settings.bootId, monotonicNs: atNs };
    const { utcMs, errorBoundMs } =
      this.#sinceAnchor(atNs) ?? provenAt(this.#timeline, moment, this.#rates) ?? this.#reckoned(atNs);
    return { ...moment, utcMs, errorBoundMs };
  }

  /** After the anchor that is held: what was before it, others may have been nearer to. */
  #sinceAnchor(atNs: MonotonicNs): Pick<Stamp, "utcMs" | "errorBoundMs"> | null {
    const anchor = anchorOf(this.#state);
    if (anchor === null || atNs < anchor.atNs) return null;
    if (!isUnbroken(this.#timeline, atNs, this.#ports.time.monotonicNs())) return null;
    return wholeMs(utcAt(anchor, atNs), boundAt(anchor, atNs, ppmOf(this.#state, this.#rates)));
  }

  #reckoned(atNs: MonotonicNs): Pick<Stamp, "utcMs" | "errorBoundMs"> {
    const { time } = this.#ports;
    const nowNs = time.monotonicNs();
    const anchor = anchorOf(this.#state);
    const nowMs = anchor === null ? time.wallMs() : floorMs(utcAt(anchor, nowNs));
    const agoMs = elapsedMs(atNs, nowNs) + sleptSinceMs(this.#timeline, atNs);
    return { utcMs: wallMs(Math.floor(nowMs - agoMs)), errorBoundMs: null };
  }

  /** How often this run has seen that the box slept. */
  get sleeps(): number {
    this.#observe();
    return this.#suspends;
  }

  /** The network came (back) up, or something else makes the next poll urgent: ask as soon as is polite. */
  networkUp(): void {
    this.#schedule = askAtOnce(this.#schedule, this.#ports.time.monotonicNs());
  }

  /** A `Date` header of the service: compared with the quorum, and the fallback once a poll gave none. */
  serviceAnswered(answer: DatedAnswer): void {
    // Before a suspend is known, an answer that was on its way in it looks like one that took no time.
    this.#observe();
    this.#service.answered(answer);
    this.#compareService();
    this.#fallBack();
  }

  /** With the quorum that is held, or else the last one of this boot: one of the run before among them. */
  #compareService(): void {
    const nowNs = this.#ports.time.monotonicNs();
    const held = anchorOf(this.#state);
    const anchor = held?.basis === "quorum" ? held : lastQuorum(this.#timeline, nowNs);
    if (anchor === null) return;
    const boundNs = boundAt(anchor, nowNs, ppmOf(this.#state, this.#rates));
    this.#service.compare(anchor.thetaNs, boundNs);
  }

  /** `null` while nothing proves a bound: nothing may be sent on such a clock. */
  now(): ClockNow | null {
    this.#observe();
    this.#discipline({ kind: "tick" });
    const anchor = anchorOf(this.#state);
    if (anchor === null) return null;
    const nowNs = this.#ports.time.monotonicNs();
    const offset = this.#service.offset(nowNs);
    const bounded = wholeMs(utcAt(anchor, nowNs), boundAt(anchor, nowNs, ppmOf(this.#state, this.#rates)));
    return { ...bounded, phi: offset === null ? null : phiOf(offset, anchor.thetaNs) };
  }

  status(): ClockStatus {
    const nowNs = this.#ports.time.monotonicNs();
    const anchor = anchorOf(this.#state);
    const boundNs = anchor === null ? null : boundAt(anchor, nowNs, ppmOf(this.#state, this.#rates));
    const service = this.#service.offset(nowNs);
    return {
      bootId: this.#settings.bootId,
      nowNs,
      state: this.#state,
      rates: this.#rates,
      utc: anchor === null ? null : utcAt(anchor, nowNs),
      boundNs,
      lastPoll: this.#lastPoll,
      schedule: this.#schedule,
      service,
      serviceApartNs:
        service === null || anchor === null || boundNs === null || anchor.basis === "service"
          ? null
          : provenDisagreementNs(service, anchor.thetaNs, boundNs),
      events: this.#events,
    };
  }

  /** Resolves when the round under way, if any, is over and what it found is kept. */
  async settled(): Promise<void> {
    await this.#round;
    await this.#service.settled();
    await Promise.all(this.#writes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ticker?.[Symbol.dispose]();
    this.#closing.abort();
    await this.#service[Symbol.asyncDispose]();
    await this.#round;
    await this.#keepSeen();
    await this.settled();
  }

  /** A sleep that the next run finds came after this: what was proven until now keeps its worth, if all of it was kept. */
  async #keepSeen(): Promise<void> {
    this.#observe();
    await Promise.all(this.#writes);
    if (this.#isHistoryWhole) this.#keep(this.#seeBoot());
  }

  async #seeBoot(): Promise<void> {
    await this.#ports.history.seeBoot(this.#settings.bootId, this.#clocks.seen());
  }

  #tick(): void {
    this.#observe();
    this.#discipline({ kind: "tick" });
    this.#service.tick(tickMs);
    const due = dueSources(this.#schedule, this.#ports.time.monotonicNs());
    if (due.length === 0 || this.#round !== null) return;
    this.#round = this.#poll(due).finally(() => {
      this.#round = null;
    });
  }

  async #poll(due: readonly DueSource[]): Promise<void> {
    const suspendsBefore = this.#suspends;
    const reports = await Promise.all(due.map((each) => this.#ask(each)));
    if (this.#closing.signal.aborted) return;
    this.#observe();
    const atNs = this.#ports.time.monotonicNs();
    const heard = reports.flat();
    if (this.#suspends !== suspendsBefore) {
      // Answers from before a suspend speak of a monotonic time that has stood still since.
      this.#schedule = afterRound(this.#schedule, heard.map(reactionOf), false, atNs, this.#ports.random);
      return;
    }
    const row = synchronise(heard, this.#settings.bootId, atNs, this.#rates.synchronisedPpm);
    this.#lastPoll = row;
    this.#schedule = afterRound(
      this.#schedule,
      heard.map(reactionOf),
      row.result.kind === "quorum",
      atNs,
      this.#ports.random,
    );
    this.#tell(row);
    const anchor = anchorFrom(row);
    this.#discipline(anchor === null ? { kind: "missed-poll" } : { kind: "quorum", anchor });
    const trusted = anchor !== null && this.#state.kind === "synchronised";
    this.#keep(
      this.#ports.history.recordSynchronisation(row, trusted).then(() => (trusted ? this.#date() : undefined)),
    );
    // A contradiction is settled by the next quorum: not in 1024 s.
    if (this.#state.kind === "untrusted") this.networkUp();
    if (!trusted) return this.#fallBack();
    const utc = utcAt(anchor, atNs);
    if (utc > this.#pivot) this.#pivot = utc;
    this.#compareService();
    this.#anchors = [...this.#anchors, anchor].slice(-anchorsKept);
    this.#timeline = withAnchor(this.#timeline, anchor);
    this.#rates = learnDrift(this.#anchors, this.#settings.slewing);
  }

  async #ask({ sourceId, requests }: DueSource): Promise<readonly SourceReport[]> {
    const source = this.#settings.sources.find(({ id }) => id === sourceId);
    if (source === undefined) return [];
    const burst = { requests, spacingMs: this.#settings.burstSpacingMs, pivot: this.#pivot };
    const { transport, time } = this.#ports;
    return [{ source, answer: await pollSource(transport, time, source, burst, this.#closing.signal) }];
  }

  #observe(): void {
    for (const event of this.#clocks.look()) {
      this.#note(event);
      if (event.kind === "suspend") {
        this.#suspends += 1;
        this.#service.forget(event.atNs);
        this.#discipline({ kind: "suspended" });
      }
      this.networkUp();
    }
  }

  #note(event: ClockEvent, message: string = eventMessages[event.kind]): void {
    const { kind, sinceNs, atNs, ...fields } = event;
    this.#log.warn(fields, message);
    if (event.kind !== "step") this.#timeline = withBreak(this.#timeline, event);
    this.#events = [...this.#events, event].slice(-eventsKept);
    this.#keep(this.#recordEvent(event));
  }

  /** The next run does not find this sleep again, once it is on disk and not before. */
  async #recordEvent(event: ClockEvent): Promise<void> {
    await this.#ports.history.recordEvent(this.#settings.bootId, event);
    if (event.kind === "suspend") await this.#seeBoot();
  }

  /**
   * The service's clock as anchor, where a poll gave no quorum: before the first is over nobody knows that yet. Each one
   * is a row in the history, so it has to be worth it.
   */
  #fallBack(): void {
    const { sources, bootId } = this.#settings;
    const nowNs = this.#ports.time.monotonicNs();
    if (this.#state.kind === "synchronised" || (sources.length > 0 && this.#lastPoll === null)) return;
    const offset = this.#service.agreed(nowNs);
    if (offset === null) {
      this.#doubtService(nowNs);
      return;
    }
    // It may take a side between two quorums, never the place of one that has proven it wrong.
    if (this.#service.isApart && !isBetweenQuorums(this.#state)) return;
    // What is left of its answers once the others are forgotten settles nothing.
    const rival = serviceRivalOf(this.#state);
    if (rival !== null && this.#service.newestNs <= rival.atNs) return;
    const anchor = serviceAnchor(offset, bootId, nowNs);
    const held = anchorOf(this.#state);
    if (held !== null && boundAt(held, nowNs, this.#rates.holdoverPpm) - anchor.boundNs < worthwhileNs) return;
    this.#discipline({ kind: "service", anchor });
    if (anchorOf(this.#state) !== anchor) return;
    this.#timeline = withAnchor(this.#timeline, anchor);
    const { answers } = this.#service;
    this.#keep(this.#ports.history.recordServiceTime({ anchor, answers }).then(() => this.#date()));
  }

  /** Its answers contradict each other: the newest of them may be the one that is wrong, or the anchor that they gave before. */
  #doubtService(nowNs: MonotonicNs): void {
    const newest = this.#service.newest(nowNs);
    if (newest === null) return;
    this.#discipline({ kind: "service-rival", anchor: serviceAnchor(newest, this.#settings.bootId, nowNs) });
  }

  async #date(): Promise<void> {
    const { bootId, builtAt } = this.#settings;
    const dated = await this.#ports.dating.dateScans({ presentBootId: bootId, rates: this.#rates, builtAt });
    if (dated > 0) this.#log.info({ scans: dated }, "scans have their time now");
    this.#ports.onTime();
  }

  #discipline(input: DisciplineInput): void {
    const nowNs = this.#ports.time.monotonicNs();
    const { state, change, contradicted } = stepDiscipline(this.#state, input, nowNs, this.#rates);
    this.#state = state;
    if (contradicted !== null) {
      // Where the new one is believed all the same, the break ends before it.
      const believed = anchorOf(state);
      const atNs = believed !== null && believed !== contradicted ? laterBy(believed.atNs, -1n) : nowNs;
      this.#note(
        { kind: "contradiction", sinceNs: contradicted.atNs, atNs },
        contradictionMessages[contradicted.basis],
      );
    }
    if (change === null) return;
    this.#log[change.to === "synchronised" ? "info" : "warn"](change, "clock state changed");
    this.#keep(this.#ports.history.recordChange(this.#settings.bootId, nowNs, change));
  }

  /** False tickers are named; the rest of a poll is in the history. */
  #tell(row: Synchronisation): void {
    for (const { sourceId, votes, verdict } of row.sources) {
      if (!votes) continue;
      if (verdict.kind === "false-ticker") {
        this.#log.warn({ sourceId, beyondMs: Number(verdict.beyondNs) / 1e6 }, "source is a false ticker");
      } else if (verdict.kind === "unusable") {
        this.#log.info({ sourceId, why: verdict.why.kind }, "source gave no usable time");
      }
    }
    if (row.result.kind === "no-quorum")
      this.#log.warn({ why: row.result.why, usable: row.result.usable }, "no quorum");
    else if (row.result.warnings.length > 0) this.#log.info({ warnings: row.result.warnings }, "quorum is small");
  }

  /** A clock goes on when its history cannot be written: the stamp itself is kept with the scan. */
  #keep(writing: Promise<void>): void {
    const kept: Promise<void> = writing
      .catch((error: unknown) => {
        this.#isHistoryWhole = false;
        this.#log.error({ error: messageOf(error) }, "clock history not written");
      })
      .finally(() => this.#writes.delete(kept));
    this.#writes.add(kept);
  }
}

function isBetweenQuorums(state: DisciplineState): boolean {
  return state.kind === "untrusted" && state.why === "contradicted" && serviceRivalOf(state) === null;
}

const bootNs = monotonicNs(0n);
/** A boot begins awake. */
const bootSeenAwake: BootSeen = { atNs: bootNs, sleptMs: 0 };

const eventMessages = {
  step: "system clock was stepped",
  suspend: "box was suspended",
  contradiction: "a quorum contradicts the clock",
} as const;

const contradictionMessages = {
  quorum: eventMessages.contradiction,
  service: "service's clock contradicts itself",
} as const;

function reactionOf({ source, answer }: SourceReport): { readonly sourceId: string; readonly kissCode: string | null } {
  const kissed = answer.kind === "unusable" && answer.why.kind === "kiss-of-death" ? answer.why.code : null;
  return { sourceId: source.id, kissCode: kissed };
}
