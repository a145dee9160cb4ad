import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { type MonotonicNs, monotonicNs } from "../base/time.ts";
import { type Anchor, utcAt } from "./anchor.ts";
import {
  anchorsKept,
  brokenBy,
  type ClockKnowledge,
  confirmedMaxNs,
  discipline,
  knowsNothing,
  withHistory,
  withProof,
  withQuorum,
} from "./clock-knowledge.ts";
import { tellChange, tellEvent, tellPoll } from "./clock-log.ts";
import type { ClockPorts, ClockSettings } from "./clock-ports.ts";
import { type ClockNow, type HostNow, momentAt, nowAt, quorumAt, stampAt } from "./clock-readings.ts";
import { type ClockStatus, statusAt } from "./clock-status.ts";
import { anchorOf, type DisciplineInput } from "./discipline.ts";
import { HistoryKeeping } from "./history-keeping.ts";
import { HostClocks } from "./host-clocks.ts";
import type { DueSource } from "./poll-schedule.ts";
import type { DatedAnswer } from "./service-clock.ts";
import { serviceInput } from "./service-fallback.ts";
import { ServiceWatch } from "./service-watch.ts";
import { SourceRounds } from "./source-rounds.ts";
import type { Clock, Stamp } from "./stamp.ts";
import type { ClockEvent, Suspend } from "./step-watch.ts";
import { anchorFrom, type SourceReport, type Synchronisation, synchronise } from "./synchronisation.ts";

export const tickMs: number = 1000;
export const eventsKept: number = 16;

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
  readonly #clocks: HostClocks;
  readonly #keeping: HistoryKeeping;
  readonly #rounds: SourceRounds;
  readonly #service: ServiceWatch;
  #known: ClockKnowledge;
  #events: readonly ClockEvent[] = [];
  #suspends = 0;
  #lastPoll: Synchronisation | null = null;
  #round: Promise<void> | null = null;
  #ticker: Disposable | null = null;

  constructor(ports: ClockPorts, settings: ClockSettings) {
    const { askService: ask, history, time } = ports;
    this.#ports = ports;
    this.#settings = settings;
    this.#log = ports.log.child({ room: "clock" });
    this.#clocks = new HostClocks(ports);
    this.#keeping = new HistoryKeeping({ history, clocks: this.#clocks, log: this.#log }, settings.bootId);
    this.#rounds = new SourceRounds(ports, settings);
    this.#service = new ServiceWatch({ ask, ppm: () => this.#known.rates.holdoverPpm, time, log: this.#log });
    this.#known = knowsNothing(settings.bootId, settings.slewing);
  }

  /** Learns from the history and begins to poll. Resolves before the first answer. */
  async start(): Promise<void> {
    try {
      await this.#takeUpHistory();
    } catch (error) {
      // What happened in this boot before this run is not known then: nothing of this run reaches back.
      const { atNs } = this.#clocks.begun;
      this.#known = brokenBy(this.#known, { kind: "contradiction", sinceNs: monotonicNs(0n), atNs });
      // A full disk is no reason for a box without a clock: the servers say what time it is.
      this.#log.error({ error: messageOf(error) }, "the clock's history was not read, and begins anew");
    }
    if (this.#closing.signal.aborted) return;
    this.#ticker = this.#ports.time.every(tickMs, () => this.#tick());
    this.#tick();
  }

  stamp(firstByteNs: MonotonicNs): Stamp {
    this.#observe();
    const now = this.#hostNow();
    this.#discipline({ kind: "tick" });
    return stampAt(this.#known, firstByteNs, now);
  }

  /** When a monotonic moment of this boot was, as far as it is known by now; without a bound where nothing proves it. */
  momentAt(atNs: MonotonicNs): Pick<Stamp, "bootId" | "monotonicNs" | "utcMs" | "errorBoundMs"> {
    this.#observe();
    this.#discipline({ kind: "tick" });
    const { utcMs, errorBoundMs } = momentAt(this.#known, atNs, this.#hostNow());
    return { bootId: this.#settings.bootId, monotonicNs: atNs, utcMs, errorBoundMs };
  }

  /** How often this run has seen that the box slept. */
  get sleeps(): number {
    this.#observe();
    return this.#suspends;
  }

  /** The network came (back) up, or something else makes the next poll urgent: ask as soon as is polite. */
  networkUp(): void {
    this.#rounds.urge();
  }

  /** A `Date` header of the service: compared with the quorum, and the fallback once a poll gave none. */
  serviceAnswered(answer: DatedAnswer): void {
    // Before a suspend is known, an answer that was on its way in it looks like one that took no time.
    this.#observe();
    this.#service.answered(answer);
    const quorum = quorumAt(this.#known, this.#ports.time.monotonicNs());
    if (quorum !== null && this.#service.isToQuestion(quorum.anchor.thetaNs, quorum.boundNs)) this.#rounds.urge();
    this.#compareService();
    this.#fallBack();
  }

  /** `null` while nothing proves a bound: nothing may be sent on such a clock. */
  now(): ClockNow | null {
    this.#observe();
    this.#discipline({ kind: "tick" });
    const nowNs = this.#ports.time.monotonicNs();
    return nowAt(this.#known, nowNs, this.#service.offset(nowNs), this.#service.apart);
  }

  status(): ClockStatus {
    const nowNs = this.#ports.time.monotonicNs();
    return statusAt(this.#known, nowNs, {
      sources: this.#settings.sources,
      lastPoll: this.#lastPoll,
      schedule: this.#rounds.schedule,
      service: this.#service.offset(nowNs),
      events: this.#events,
    });
  }

  /** Resolves when the round under way, if any, is over and what it found is kept. */
  async settled(): Promise<void> {
    await this.#round;
    await this.#service.settled();
    await this.#keeping.settled();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ticker?.[Symbol.dispose]();
    this.#closing.abort();
    await this.#service[Symbol.asyncDispose]();
    await this.#round;
    this.#observe();
    await this.#keeping.close();
  }

  async #takeUpHistory(): Promise<void> {
    const { history } = this.#ports;
    const breaks = await history.breaks(this.#settings.bootId);
    const anchors = await history.anchors(anchorsKept);
    // All at once: a badge may have shown meanwhile that the box slept.
    this.#known = withHistory(this.#known, anchors, breaks);
    const trusted = await history.lastTrusted();
    if (trusted !== null) this.#rounds.trust(trusted);
    const slept = await this.#keeping.findSleep();
    // No anchor from before it reaches into this run.
    if (slept !== null) this.#noteSuspend(slept);
  }

  #tick(): void {
    this.#observe();
    this.#discipline({ kind: "tick" });
    this.#service.tick(tickMs);
    const due = this.#rounds.due();
    if (due.length === 0 || this.#round !== null) return;
    this.#round = this.#poll(due).finally(() => {
      this.#round = null;
    });
  }

  async #poll(due: readonly DueSource[]): Promise<void> {
    const suspendsBefore = this.#suspends;
    const askedNs = this.#ports.time.monotonicNs();
    const heard = await this.#rounds.ask(due, this.#closing.signal);
    if (this.#closing.signal.aborted) return;
    this.#observe();
    const atNs = this.#ports.time.monotonicNs();
    // Answers from before a suspend speak of a monotonic time that has stood still since, and those from before the process was
    // stopped for hours of a crystal that nobody has watched since.
    const isOutdated = this.#suspends !== suspendsBefore || atNs - askedNs > confirmedMaxNs;
    if (isOutdated) this.#rounds.over(heard, false, atNs);
    else this.#judge(heard, atNs);
  }

  /** What a round came to, and what follows from it. */
  #judge(heard: readonly SourceReport[], atNs: MonotonicNs): void {
    const row = synchronise(heard, this.#settings.bootId, atNs, this.#known.rates.synchronisedPpm);
    this.#lastPoll = row;
    this.#rounds.over(heard, row.result.kind === "quorum", atNs);
    tellPoll(this.#log, row);
    const anchor = anchorFrom(row);
    this.#discipline(anchor === null ? { kind: "missed-poll" } : { kind: "quorum", anchor });
    const trusted = anchor !== null && this.#known.state.kind === "synchronised";
    const recorded = this.#ports.history.recordSynchronisation(row, trusted);
    this.#keeping.keep(trusted ? recorded.then(() => this.#date()) : recorded);
    // A contradiction is settled by the next quorum: not in 1024 s.
    if (this.#known.state.kind === "untrusted") this.#rounds.urge();
    if (!trusted) {
      this.#fallBack();
      return;
    }
    this.#rounds.trust(utcAt(anchor, atNs));
    this.#compareService();
    this.#known = withQuorum(this.#known, anchor);
  }

  #observe(): void {
    for (const event of this.#clocks.look()) {
      if (event.kind === "suspend") {
        this.#noteSuspend(event);
        this.#service.forget(event.atNs);
        this.#discipline({ kind: "suspended" });
      } else {
        this.#note(event);
      }
      this.#rounds.urge();
    }
  }

  #noteSuspend(event: Suspend): void {
    this.#suspends += 1;
    this.#note(event);
  }

  #note(event: ClockEvent, contradicted: Anchor["basis"] = "quorum"): void {
    tellEvent(this.#log, event, contradicted);
    if (event.kind !== "step") this.#known = brokenBy(this.#known, event);
    this.#events = [...this.#events, event].slice(-eventsKept);
    this.#keeping.keepEvent(event);
  }

  #compareService(): void {
    const quorum = quorumAt(this.#known, this.#ports.time.monotonicNs());
    if (quorum !== null) this.#service.compare(quorum.anchor.thetaNs, quorum.boundNs);
  }

  /** The service's clock as anchor, where a poll gave no quorum: before the first is over nobody knows that yet. */
  #fallBack(): void {
    if (this.#known.state.kind === "synchronised") return;
    if (this.#settings.sources.length > 0 && this.#lastPoll === null) return;
    const nowNs = this.#ports.time.monotonicNs();
    const input = serviceInput(this.#service.word(nowNs), this.#known, nowNs);
    if (input === null) return;
    this.#discipline(input);
    const { kind, anchor } = input;
    if (kind === "service" && anchorOf(this.#known.state) === anchor) this.#rest(anchor);
  }

  /** The clock rests on what the service said. */
  #rest(anchor: Anchor): void {
    this.#known = withProof(this.#known, anchor);
    const { answers } = this.#service;
    this.#keeping.keep(this.#ports.history.recordServiceTime({ anchor, answers }).then(() => this.#date()));
  }

  async #date(): Promise<void> {
    const { bootId, builtAt } = this.#settings;
    const { rates } = this.#known;
    // The store would date scans across a sleep that it was not told of.
    const isTold = await this.#keeping.toldAllBreaks();
    const dated = isTold ? await this.#ports.dating.dateScans({ presentBootId: bootId, rates, builtAt }) : 0;
    if (dated > 0) this.#log.info({ scans: dated }, "scans have their time now");
    this.#ports.onTime();
  }

  #discipline(input: DisciplineInput): void {
    const nowNs = this.#ports.time.monotonicNs();
    const { known, change, contradiction } = discipline(this.#known, input, nowNs);
    this.#known = known;
    if (contradiction !== null) {
      this.#note(contradiction.found, contradiction.basis);
      // What the service said before it rests on the same time as the older quorum: it is no third opinion.
      if (contradiction.basis === "quorum") this.#service.forget(nowNs);
    }
    if (change === null) return;
    tellChange(this.#log, change);
    this.#keeping.keep(this.#ports.history.recordChange(this.#settings.bootId, nowNs, change));
  }

  #hostNow(): HostNow {
    const { time } = this.#ports;
    return { monotonicNs: time.monotonicNs(), wallMs: time.wallMs() };
  }
}
