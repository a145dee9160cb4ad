import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { MonotonicNs, Time } from "../base/time.ts";
import { canWait } from "./cadence.ts";
import { type DeviceKey, signerOf } from "./device-key.ts";
import type {
  ErasableSample,
  EvidenceBatch,
  EvidenceStore,
  KeptAnchor,
  KeptCheckpoint,
  LogEnd,
} from "./evidence-store.ts";
import { emptyHead, extend, type LogHead, sign } from "./log-head.ts";
import type { EpochReason, RecordContent, RecordMoment } from "./record.ts";
import { newEpoch, type TakingUp, takeUp } from "./taking-up.ts";

/** What is written in the commit of a record, beside it. */
export type Beside = {
  /** Of an anchor: what it names. */
  readonly proof?: Uint8Array;
  readonly salt?: { readonly entryId: number; readonly salt: Uint8Array } | null;
  /** Samples that are reduced to their hashes. */
  readonly erase?: readonly ErasableSample[];
};

/** A record that has its place in the log, and is not on disk yet. */
type Waiting = {
  readonly moment: RecordMoment;
  readonly content: RecordContent;
  readonly line: string;
  readonly anchor: KeptAnchor | null;
  readonly beside: Beside;
};

export type WriterPorts = {
  readonly store: EvidenceStore;
  readonly moment: () => RecordMoment;
  readonly time: Time;
  readonly log: Log;
};

/**
 * The end of the log: gives each record its place, and writes what waits with a checkpoint over all of it. Not to be
 * called while a call that returns a promise is under way, `place` apart.
 */
export class LogWriter {
  readonly #ports: WriterPorts;
  readonly #key: DeviceKey;
  #head: LogHead | null = null;
  #waiting: readonly Waiting[] = [];
  #checkpoint: KeptCheckpoint | null = null;
  #committedNs: MonotonicNs;
  #failedNs: MonotonicNs | null = null;
  #failingSinceNs: MonotonicNs | null = null;

  constructor(ports: WriterPorts, key: DeviceKey) {
    this.#ports = ports;
    this.#key = key;
    this.#committedNs = ports.time.monotonicNs();
  }

  /** `null` until the log was taken up. */
  get head(): LogHead | null {
    return this.#head;
  }

  /** The newest that is on disk. */
  get checkpoint(): KeptCheckpoint | null {
    return this.#checkpoint;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get isUrgent(): boolean {
    return this.#waiting.some(({ content }) => !canWait(content));
  }

  get committedNs(): MonotonicNs {
    return this.#committedNs;
  }

  /** When it could not be written the last time; `null` while it can. */
  get failedNs(): MonotonicNs | null {
    return this.#failedNs;
  }

  /** Since when nothing can be written; `null` while it can. */
  get failingSinceNs(): MonotonicNs | null {
    return this.#failingSinceNs;
  }

  /** Whether a record that waits names this entry. */
  names(entryId: number): boolean {
    return this.#waiting.some(({ beside }) => beside.salt?.entryId === entryId);
  }

  /** Goes on where the log on disk ends, or begins a new epoch. */
  async takeUp(): Promise<void> {
    const found = await takeUp(this.#ports.store, this.#key);
    if (found.kind === "begin") {
      this.#begin(found);
      return;
    }
    this.#head = found.head;
    this.#checkpoint = found.checkpoint;
    if (found.dropped === 0) return;
    this.#ports.log.error({ records: found.dropped }, "the end of the evidence log could not be read and was dropped");
    this.place(this.#ports.moment(), { kind: "torn", data: { dropped: found.dropped } });
  }

  place(moment: RecordMoment, content: RecordContent, beside: Beside = {}): void {
    if (this.#head === null) return;
    const seq = this.#head.frontier.size;
    const { head, line } = extend(this.#head, moment, content);
    this.#head = head;
    this.#waiting = [...this.#waiting, { moment, content, line, beside, anchor: anchorOf(seq, content, beside) }];
  }

  /** One commit holds the records and the checkpoint over them: neither leaves the box before it. Returns whether it is done. */
  async commit(): Promise<boolean> {
    const head = this.#head;
    const waiting = this.#waiting;
    if (head === null) return false;
    if (waiting.length === 0 && this.#checkpoint?.size === head.frontier.size) return true;
    const checkpoint = sign(head, this.#key);
    const nowNs = this.#ports.time.monotonicNs();
    this.#committedNs = nowNs;
    let outcome: "committed" | "diverged";
    try {
      outcome = await this.#ports.store.commitEvidence(batchOf(head, waiting, checkpoint));
    } catch (error) {
      if (this.#failedNs === null) {
        this.#ports.log.error({ error: messageOf(error) }, "evidence not written, kept in memory");
      }
      this.#failedNs = nowNs;
      this.#failingSinceNs ??= nowNs;
      return false;
    }
    if (this.#failedNs !== null) this.#ports.log.info({ records: waiting.length }, "evidence is written again");
    this.#failedNs = null;
    this.#failingSinceNs = null;
    if (outcome === "diverged") return await this.#diverged();
    // What was told meanwhile waits for the next one.
    this.#waiting = this.#waiting.slice(waiting.length);
    this.#checkpoint = checkpoint;
    return true;
  }

  /**
   * Leaves this epoch as it is on disk. What is not on disk is said again: nothing is told to have been where it was not.
   *
   * @param usedEpoch the latest epoch that the disk or a witness has of this box; the new one comes after it
   */
  beginAnew(reason: EpochReason, first: RecordContent | null, usedEpoch = 0): void {
    const unwritten = this.#waiting.filter(({ content }) => content.kind !== "epoch" && content.kind !== "anchor");
    this.#waiting = [];
    const epoch = this.#head?.epoch ?? 0;
    const end: LogEnd = { epoch, size: this.#checkpoint?.size ?? 0, checkpoint: this.#checkpoint };
    this.#begin(newEpoch(end, reason, usedEpoch));
    if (first !== null) this.place(this.#ports.moment(), first);
    for (const { moment, content, beside } of unwritten) this.place(moment, content, beside);
  }

  /** A log of its own, with a first record that says why. */
  #begin({ epoch, reason, previous }: Extract<TakingUp, { kind: "begin" }>): void {
    if (reason !== "first-start") this.#ports.log.error({ epoch, reason }, "a new evidence log begins");
    this.#head = emptyHead(epoch);
    this.#checkpoint = null;
    const { name: origin, publicKey } = signerOf(this.#key, epoch);
    const key = Buffer.from(publicKey).toString("base64");
    this.place(this.#ports.moment(), { kind: "epoch", data: { format: 1, origin, key, previous, reason } });
  }

  /** The disk holds another log than the one that was written: a damaged database was replaced, or somebody did it. */
  async #diverged(): Promise<boolean> {
    const end = await this.#ports.store.evidenceEnd();
    this.beginAnew("log-damaged", null, end?.epoch ?? 0);
    return false;
  }
}

function anchorOf(seq: number, content: RecordContent, { proof }: Beside): KeptAnchor | null {
  if (content.kind !== "anchor" || proof === undefined) return null;
  const { size, type, by } = content.data;
  return { seq, size, type, by, proof };
}

function batchOf({ epoch, frontier }: LogHead, waiting: readonly Waiting[], checkpoint: KeptCheckpoint): EvidenceBatch {
  return {
    epoch,
    from: frontier.size - waiting.length,
    records: waiting.map(({ content, line, moment }) => ({
      kind: content.kind,
      line,
      erasableAt: content.kind === "sample" && content.data.cause === null ? moment.wall : null,
    })),
    checkpoint,
    anchors: waiting.flatMap(({ anchor }) => anchor ?? []),
    salts: waiting.flatMap(({ beside }) => beside.salt ?? []),
    erase: waiting.flatMap(({ beside }) => beside.erase ?? []),
  };
}
