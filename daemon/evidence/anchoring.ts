import { createHash } from "node:crypto";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { MonotonicNs, Time } from "../base/time.ts";
import { type AnchorerStatus, AnchorTrack } from "./anchor-track.ts";
import type { Anchorer, AnchorOutcome, AnchorRequest } from "./anchorer.ts";
import { type AnchorState, type Cadence, isAnchorDue, neverAsked } from "./cadence.ts";
import { type DeviceKey, signerOf } from "./device-key.ts";
import type { EvidenceStore, KeptCheckpoint } from "./evidence-store.ts";
import type { LogWriter } from "./log-writer.ts";
import { parseNote, signedPartHash } from "./note.ts";
import type { RecordMoment } from "./record.ts";
import { consistencyOf } from "./taking-up.ts";

export type AnchoringPorts = {
  readonly store: EvidenceStore;
  readonly anchorers: readonly Anchorer[];
  readonly moment: () => RecordMoment;
  readonly time: Time;
  readonly log: Log;
  /** Does one thing after the other to the disk; never rejects. */
  readonly serially: (work: () => Promise<void>) => Promise<void>;
  /** Told before a commit whose checkpoint is let out. */
  readonly beforeCommit: () => Promise<unknown>;
  /** Nobody is asked any more. */
  readonly signal: AbortSignal;
};

/**
 * Has what is on disk anchored by those who are not this box, each at its own interval: one that has gone for good does not
 * have the others asked more often. Nothing but what is on disk leaves the box.
 */
export class Anchoring {
  readonly #ports: AnchoringPorts;
  readonly #key: DeviceKey;
  readonly #cadence: Cadence;
  readonly #writer: LogWriter;
  readonly #track: AnchorTrack;
  readonly #states: Map<Anchorer, AnchorState> = new Map();
  #running: Promise<void> = Promise.resolve();
  #isRunning = false;

  constructor(ports: AnchoringPorts, { key, cadence }: { key: DeviceKey; cadence: Cadence }, writer: LogWriter) {
    this.#ports = ports;
    this.#key = key;
    this.#cadence = cadence;
    this.#writer = writer;
    this.#track = new AnchorTrack(ports.anchorers);
  }

  status(nowNs: MonotonicNs): readonly AnchorerStatus[] {
    return this.#track.status(nowNs);
  }

  /** Resolves when who was asked has answered, and that was taken. */
  async settled(): Promise<void> {
    await this.#running;
  }

  /** Each is asked at the next occasion, beside its interval. */
  want(): void {
    for (const anchorer of this.#ports.anchorers) {
      this.#states.set(anchorer, { ...this.#stateOf(anchorer), wanted: true });
    }
  }

  /** Asks those who are due, unless somebody is being asked. */
  start(): void {
    const { anchorers, time, signal } = this.#ports;
    if (this.#isRunning || signal.aborted || this.#writer.failedNs !== null) return;
    const nowNs = time.monotonicNs();
    const due = anchorers.filter((each) => isAnchorDue(this.#stateOf(each), each.type, nowNs, this.#cadence));
    if (due.length === 0) return;
    const states = due.map((each) => this.#stateOf(each));
    // An outage ended, or a shift: who exports now is to find the cosignature, and does not wait for the next commit.
    const isWanted = states.some(({ wanted }) => wanted);
    // Who did not answer is asked of what is on disk: one that has gone for good would have a card written every minute.
    const isOnlyAgain = !isWanted && states.every(({ answered }) => !answered);
    for (const each of due) this.#states.set(each, { askedNs: nowNs, answered: true, wanted: false });
    this.#isRunning = true;
    this.#running = this.#anchor(due, isWanted, isOnlyAgain).finally(() => {
      this.#isRunning = false;
    });
  }

  #stateOf(anchorer: Anchorer): AnchorState {
    return this.#states.get(anchorer) ?? neverAsked;
  }

  async #anchor(due: readonly Anchorer[], isWanted: boolean, isOnlyAgain: boolean): Promise<void> {
    const { serially, beforeCommit, signal, time, log } = this.#ports;
    await serially(async () => {
      if (isOnlyAgain && this.#writer.checkpoint !== null) return;
      await beforeCommit();
      await this.#writer.commit();
    });
    const { head, checkpoint } = this.#writer;
    // Only what is on disk leaves the box.
    if (head === null || checkpoint === null) return;
    const { epoch } = head;
    const request = this.#requestOf(epoch, checkpoint);
    const answers = due.map(async (anchorer) => {
      const outcomes = await anchorer.anchor(request, signal);
      this.#track.answered(anchorer, outcomes, request.size, time.monotonicNs());
      await serially(async () => {
        for (const outcome of outcomes) await this.#take(outcome, anchorer, request, epoch);
        if (this.#writer.isUrgent || isWanted) await this.#writer.commit();
      });
    });
    for (const answer of await Promise.allSettled(answers)) {
      if (answer.status === "rejected") log.error({ error: messageOf(answer.reason) }, "anchoring failed");
    }
  }

  #requestOf(epoch: number, { size, note }: KeptCheckpoint): AnchorRequest {
    return {
      origin: signerOf(this.#key, epoch).name,
      size,
      text: parseNote(note)?.text ?? "",
      note,
      consistency: (oldSize) => consistencyOf(this.#ports.store, epoch, oldSize, size),
    };
  }

  async #take(outcome: AnchorOutcome, anchorer: Anchorer, request: AnchorRequest, epoch: number): Promise<void> {
    const { moment, log } = this.#ports;
    // What was said of an epoch that has ended meanwhile is not recorded in the next.
    if (this.#writer.head?.epoch !== epoch) return;
    switch (outcome.kind) {
      case "anchored": {
        const { by, proof } = outcome;
        const checkpoint = signedPartHash(request.text).toString("hex");
        const sha256 = createHash("sha256").update(proof).digest("hex");
        const data = { type: outcome.type, size: request.size, checkpoint, sha256, by };
        this.#writer.place(moment(), { kind: "anchor", data }, { proof });
        return;
      }
      case "ahead": {
        const { by: witness, size, laterEpoch } = outcome;
        const had = request.size;
        log.error({ witness, seen: size, had }, "a witness has seen more of the evidence log than there is");
        await this.#writer.commit();
        // The disk knows of no later epoch, and its next number is taken: two checkpoints under one origin would contradict.
        this.#writer.beginAnew("rollback", { kind: "rollback", data: { witness, size, had } }, laterEpoch);
        this.#states.clear();
        return;
      }
      case "failed":
        log.warn({ by: outcome.by, why: outcome.why }, "the evidence log was not anchored, tried again");
        this.#states.set(anchorer, { ...this.#stateOf(anchorer), answered: false });
        return;
    }
  }
}
