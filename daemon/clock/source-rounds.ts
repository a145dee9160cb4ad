import type { MonotonicNs } from "../base/time.ts";
import type { ClockPorts, ClockSettings } from "./clock-ports.ts";
import { eraPivot } from "./ntp-packet.ts";
import {
  afterRound,
  askAtOnce,
  type DueSource,
  dueSources,
  openSchedule,
  type PollReaction,
  type PollSchedule,
} from "./poll-schedule.ts";
import { pollSource } from "./source-poll.ts";
import type { SourceReport } from "./synchronisation.ts";
import { latest, type UtcNs } from "./utc.ts";

/** Asks the NTP sources, all that are due in one round, and keeps their schedule. */
export class SourceRounds {
  readonly #ports: Pick<ClockPorts, "transport" | "time" | "random">;
  readonly #settings: Pick<ClockSettings, "sources" | "burstSpacingMs" | "builtAt">;
  #schedule: PollSchedule;
  #pivot: UtcNs;

  constructor(
    ports: Pick<ClockPorts, "transport" | "time" | "random">,
    settings: Pick<ClockSettings, "sources" | "burstSpacingMs" | "builtAt">,
  ) {
    this.#ports = ports;
    this.#settings = settings;
    this.#pivot = settings.builtAt;
    this.#schedule = openSchedule(
      settings.sources.map(({ id, votes }) => ({ sourceId: id, votes })),
      ports.time.monotonicNs(),
    );
  }

  get schedule(): PollSchedule {
    return this.#schedule;
  }

  /** A moment that was vouched for: the era of every later answer is counted from the latest of them. */
  trust(utc: UtcNs): void {
    this.#pivot = latest(this.#pivot, eraPivot(this.#settings.builtAt, utc));
  }

  /** The next round is due as soon as is polite. */
  urge(): void {
    this.#schedule = askAtOnce(this.#schedule, this.#ports.time.monotonicNs());
  }

  /** Empty until a round is due. */
  due(): readonly DueSource[] {
    return dueSources(this.#schedule, this.#ports.time.monotonicNs());
  }

  async ask(due: readonly DueSource[], signal: AbortSignal): Promise<readonly SourceReport[]> {
    const reports = await Promise.all(due.map((each) => this.#askOne(each, signal)));
    return reports.flat();
  }

  /** What the sources made of being asked, and what came of it, says when they are asked next. */
  over(heard: readonly SourceReport[], gaveQuorum: boolean, atNs: MonotonicNs): void {
    this.#schedule = afterRound(this.#schedule, heard.map(reactionOf), gaveQuorum, atNs, this.#ports.random);
  }

  async #askOne({ sourceId, requests }: DueSource, signal: AbortSignal): Promise<readonly SourceReport[]> {
    const { sources, burstSpacingMs: spacingMs } = this.#settings;
    const source = sources.find(({ id }) => id === sourceId);
    if (source === undefined) return [];
    const { transport, time } = this.#ports;
    const burst = { requests, spacingMs, pivot: this.#pivot };
    return [{ source, answer: await pollSource(transport, time, source, burst, signal) }];
  }
}

function reactionOf({ source, answer }: SourceReport): PollReaction {
  const kissCode = answer.kind === "unusable" && answer.why.kind === "kiss-of-death" ? answer.why.code : null;
  return { sourceId: source.id, answered: answer.kind === "sample", kissCode };
}
