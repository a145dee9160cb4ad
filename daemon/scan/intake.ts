import type { BadgeRead, Feedback } from "../../drivers/contract.ts";
import type { BadgeForm } from "../base/badge-form.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { elapsedMs, type Time } from "../base/time.ts";
import type { Clock } from "../clock/stamp.ts";
import { type ReaderRule, readBadge } from "./draft.ts";
import type { RecordOutcome, ScanLedger } from "./scan.ts";

/** More reads than this waiting for the disk are refused at once: the worker hears it while he still stands there. */
export const pendingMax: number = 1_000;

/** Whoever badged longer ago has gone when the next one stands at the reader. */
export const lightMaxMs: number = 1_000;

/**
 * So many unknown badges in a row are no visitors: the reader's badge settings are wrong, or the roster, or what is at the
 * port is no badge reader and each of its lines is kept as a badge.
 */
export const strangersMin: number = 10;

const strangersOnly =
  "none of the last badges at this reader is in the roster: its badge settings, the roster or its badgeForm is wrong, or it is no badge reader";

export type IntakePorts = {
  readonly clock: Clock;
  readonly time: Pick<Time, "monotonicNs">;
  readonly ledger: ScanLedger;
  readonly log: Log;
  /** Tells the worker at the reader. */
  readonly feedback: (read: BadgeRead, feedback: Feedback) => void;
  /** Called after a commit that gave the forwarder something to send. */
  readonly onRecorded: (scanId: number) => void;
};

export type IntakeCounters = {
  readonly recorded: number;
  readonly doubles: number;
  readonly unknownBadges: number;
  readonly notRecorded: number;
  readonly captureLagMaxMs: number;
};

/**
 * Badge read → scan on disk → answer to the worker, in this order and no other: whatever the reader shows as accepted
 * is durable before it shows it.
 */
export class Intake {
  readonly #ports: IntakePorts;
  readonly #rosterForm: BadgeForm;
  readonly #readers: ReadonlyMap<string, ReaderRule>;
  readonly #pending: Set<Promise<void>> = new Set();
  readonly #latest: Map<string, BadgeRead> = new Map();
  readonly #strangersInARow: Map<string, number> = new Map();
  #counters: IntakeCounters = { recorded: 0, doubles: 0, unknownBadges: 0, notRecorded: 0, captureLagMaxMs: 0 };

  constructor(ports: IntakePorts, readers: readonly ReaderRule[], rosterForm: BadgeForm) {
    this.#ports = ports;
    this.#readers = new Map(readers.map((reader) => [reader.id, reader]));
    this.#rosterForm = rosterForm;
  }

  get counters(): IntakeCounters {
    return this.#counters;
  }

  /** Unknown badges at this reader since its last one that the roster knows, or since the start. */
  strangersInARow(readerId: string): number {
    return this.#strangersInARow.get(readerId) ?? 0;
  }

  /** Takes a read over from a driver. Never throws and never blocks: the outcome goes to the reader as feedback. */
  badgeRead(read: BadgeRead): void {
    const stamp = this.#ports.clock.stamp(read.firstByteNs);
    this.#latest.set(read.readerId, read);
    const reader = this.#readers.get(read.readerId);
    if (reader === undefined || this.#pending.size >= pendingMax) {
      const detail = reader === undefined ? "no such reader is configured" : "too many scans wait for the disk";
      this.#conclude(read, { kind: "not-recorded", reason: "store-failed", detail });
      return;
    }
    if (stamp.captureLagMs > this.#counters.captureLagMaxMs) this.#count({ captureLagMaxMs: stamp.captureLagMs });
    const { badge, rule, understood } = readBadge(read.text, reader, this.#rosterForm);
    if (!understood) {
      this.#ports.log.warn(
        { reader: reader.id, encoding: reader.encoding },
        "badge does not fit the reader's encoding",
      );
    }
    const work = this.#ports.ledger
      .record({ readerId: reader.id, badge, rule, workSiteId: reader.workSiteId, stamp })
      .catch((error: unknown): RecordOutcome => {
        this.#ports.log.error({ reader: reader.id, err: error }, "store failed while recording a scan");
        return { kind: "not-recorded", reason: "store-failed", detail: messageOf(error) };
      })
      .then((outcome) => this.#conclude(read, outcome))
      .finally(() => this.#pending.delete(work));
    this.#pending.add(work);
  }

  /** Somebody is at this reader whose badge was not understood, for all that is known: a light from now on is not for him. */
  badFrame(readerId: string): void {
    this.#latest.delete(readerId);
  }

  /** Resolves when every read taken over so far has been answered. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  #conclude(read: BadgeRead, outcome: RecordOutcome): void {
    const { log, onRecorded } = this.#ports;
    const { readerId } = read;
    switch (outcome.kind) {
      case "recorded":
        this.#show(read, "accepted");
        this.#count({ recorded: this.#counters.recorded + 1 });
        this.#strangersInARow.delete(readerId);
        log.info({ scanId: outcome.scanId, reader: readerId, direction: outcome.direction }, "scan recorded");
        onRecorded(outcome.scanId);
        return;
      case "double":
        this.#show(read, "already-recorded");
        this.#count({ doubles: this.#counters.doubles + 1 });
        this.#strangersInARow.delete(readerId);
        log.info({ scanId: outcome.scanId, reader: readerId, ofScanId: outcome.ofScanId }, "double scan recorded");
        return;
      case "unknown-badge":
        this.#show(read, "unknown-badge");
        this.#count({ unknownBadges: this.#counters.unknownBadges + 1 });
        log.warn({ scanId: outcome.scanId, reader: readerId }, "scan of an unknown badge recorded");
        this.#stranger(readerId);
        return;
      case "not-recorded":
        this.#show(read, "not-recorded");
        this.#count({ notRecorded: this.#counters.notRecorded + 1 });
        log.error({ reader: readerId, reason: outcome.reason, detail: outcome.detail }, "scan not recorded");
        return;
    }
  }

  #stranger(readerId: string): void {
    const badges = this.strangersInARow(readerId) + 1;
    this.#strangersInARow.set(readerId, badges);
    if (badges === strangersMin) this.#ports.log.error({ reader: readerId, badges }, strangersOnly);
  }

  /** A slow disk must not show one worker's green light to the next. */
  #show(read: BadgeRead, feedback: Feedback): void {
    const { time, log } = this.#ports;
    const isNextThere = this.#latest.get(read.readerId) !== read;
    if (!isNextThere || elapsedMs(read.firstByteNs, time.monotonicNs()) <= lightMaxMs) {
      this.#ports.feedback(read, feedback);
      return;
    }
    log.warn(
      { reader: read.readerId, feedback },
      "the light came too late for its worker, and was not shown to the next",
    );
  }

  #count(change: Partial<IntakeCounters>): void {
    this.#counters = { ...this.#counters, ...change };
  }
}
