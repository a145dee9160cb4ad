import { createHash } from "node:crypto";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { elapsedMs, type Time, type WallMs, wallMs } from "../base/time.ts";
import type { AnchorerStatus } from "./anchor-track.ts";
import type { Anchorer } from "./anchorer.ts";
import { Anchoring } from "./anchoring.ts";
import { type Cadence, canWait, waitingMax } from "./cadence.ts";
import type { DeviceKey } from "./device-key.ts";
import type { EvidenceStore, UnrecordedEntry } from "./evidence-store.ts";
import { LogWriter } from "./log-writer.ts";
import type { RecordContent, RecordKind, RecordMoment } from "./record.ts";
import { parseLine } from "./record-line.ts";
import { isEpochWhole } from "./taking-up.ts";
import { WindowScanCounts } from "./window-scan-counts.ts";

export type EvidencePorts = {
  readonly store: EvidenceStore;
  readonly anchorers: readonly Anchorer[];
  /** Now, as the clock has it. */
  readonly moment: () => RecordMoment;
  /** 16 random bytes. */
  readonly salt: () => Uint8Array;
  readonly time: Time;
  readonly log: Log;
};

export type EvidenceSettings = {
  readonly key: DeviceKey;
  readonly cadence: Cadence;
  readonly version: string;
  /** SHA-256 of the configuration's text. */
  readonly configuration: string;
};

export type EvidenceStatus = {
  readonly epoch: number;
  readonly size: number;
  /** Records that are not on disk. */
  readonly waiting: number;
  readonly checkpointSize: number;
  /** For how long nothing could be written; `null` while it can. */
  readonly failingForMs: number | null;
  readonly anchorers: readonly AnchorerStatus[];
};

export const tickMs: number = 5_000;
export const keepSamplesMs: number = 90 * 24 * 3_600_000;
const entriesMax = 100;
/** Samples of one commit that reduces them: about 30 ms for whoever waits behind it. */
const eraseMax = 1000;
/**
 * The shell of the log: takes what the rooms tell, has it written and signed, and anchored by those who are not this box.
 * Rooms never wait for it and it never throws at them: what cannot be written stays in memory, and the log of the daemon
 * says so.
 */
export class EvidenceService implements AsyncDisposable {
  readonly #ports: EvidencePorts;
  readonly #settings: EvidenceSettings;
  readonly #log: Log;
  readonly #writer: LogWriter;
  readonly #anchoring: Anchoring;
  readonly #closing = new AbortController();
  /** Told before the log was taken up. */
  #early: { readonly moment: RecordMoment; readonly content: RecordContent }[] = [];
  #isCommitDue = false;
  /** Records that found no place any more. */
  #lost = 0;
  readonly #scanCounts: WindowScanCounts;
  /** One thing after the other is done to the disk. */
  #work: Promise<void> = Promise.resolve();
  #checking: Promise<void> = Promise.resolve();
  #ticker: Disposable | null = null;

  constructor(ports: EvidencePorts, settings: EvidenceSettings) {
    this.#ports = ports;
    this.#settings = settings;
    this.#log = ports.log.child({ room: "evidence" });
    this.#scanCounts = new WindowScanCounts(ports.store, ports.time);
    this.#writer = new LogWriter({ ...ports, log: this.#log }, settings.key);
    this.#anchoring = new Anchoring(
      {
        ...ports,
        log: this.#log,
        serially: (work) => this.#serially(work),
        beforeCommit: () => this.#countScans(),
        signal: this.#closing.signal,
      },
      settings,
      this.#writer,
    );
  }

  get status(): EvidenceStatus {
    const { head, checkpoint, waiting, failingSinceNs } = this.#writer;
    const nowNs = this.#ports.time.monotonicNs();
    return {
      epoch: head?.epoch ?? 0,
      size: head?.frontier.size ?? 0,
      waiting: waiting + this.#early.length,
      checkpointSize: checkpoint?.size ?? 0,
      failingForMs: failingSinceNs === null ? null : Math.round(elapsedMs(failingSinceNs, nowNs)),
      anchorers: this.#anchoring.status(nowNs),
    };
  }

  /** Takes up the log as it is found, and says that badged runs. */
  async start(): Promise<void> {
    await this.#serially(() => this.#takeUp());
    if (this.#closing.signal.aborted) return;
    this.#ticker = this.#ports.time.every(tickMs, () => this.#tick());
    this.#checking = this.#checkWhole();
    this.#tick();
  }

  /**
   * Adds a record. It is on disk soon, or with the next checkpoint when it can wait.
   *
   * @param moment of which it speaks, where that is not the present one
   */
  record(content: RecordContent, moment: RecordMoment = this.#ports.moment()): void {
    if (this.status.waiting >= (canWait(content) ? waitingMax : 2 * waitingMax)) {
      this.#dropped(content.kind);
      return;
    }
    if (this.#writer.head === null) {
      this.#early.push({ moment, content });
      return;
    }
    this.#writer.place(moment, content);
    if (canWait(content) || this.#isCommitDue) return;
    this.#isCommitDue = true;
    void this.#serially(async () => {
      this.#isCommitDue = false;
      if (this.#writer.isUrgent && this.#writer.failedNs === null) await this.#writer.commit();
    });
  }

  /** Nothing could be written for more than an hour: said with the first that is lost, and then with each thousandth. */
  #dropped(kind: RecordKind): void {
    if (this.#lost % 1000 === 0)
      this.#log.error({ kind, lost: this.#lost + 1 }, "evidence is lost, too much of it waits");
    this.#lost += 1;
  }

  /** An outage is over, or a shift begins or ends: what was is to be bounded in time soon. */
  wantAnchors(): void {
    this.#anchoring.want();
    this.#tick();
  }

  /** A window has ended: its scans are counted now, and as they change. */
  windowEnded(window: string): void {
    this.#scanCounts.ended(window);
    this.wantAnchors();
  }

  /** A window that ended in an earlier run: its scans go on being counted as they change. */
  windowEndedBefore(window: string): void {
    this.#scanCounts.endedBefore(window);
  }

  /** Reduces old samples in which nothing failed to their hashes, and records how many. */
  async maintain(now: WallMs): Promise<void> {
    const before = wallMs(Math.floor(now - keepSamplesMs));
    let isDone = false;
    while (!isDone) {
      isDone = true;
      await this.#serially(async () => {
        // What could not be written yet may count some of them already.
        if (this.#writer.failedNs !== null && !(await this.#writer.commit())) return;
        const erase = await this.#ports.store.erasableEvidence(before, eraseMax);
        if (erase.length === 0 || this.#writer.head === null) return;
        this.#writer.place(
          this.#ports.moment(),
          { kind: "erased", data: { samples: erase.length, before } },
          { erase },
        );
        isDone = !(await this.#writer.commit());
      });
    }
  }

  /** Resolves when what was told is on disk, or could not be written, and who was asked has answered. */
  async settled(): Promise<void> {
    await this.#checking;
    await this.#work;
    await this.#anchoring.settled();
    await this.#work;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ticker?.[Symbol.dispose]();
    this.#closing.abort();
    await this.settled();
    // Whatever comes of it, the stop is told.
    await this.#serially(async () => void (await this.#countScans()));
    await this.#serially(async () => {
      this.#writer.place(this.#ports.moment(), { kind: "stop", data: { reason: "told to stop" } });
      await this.#writer.commit();
    });
  }

  async #takeUp(): Promise<void> {
    const last = await this.#ports.store.lastEvidenceOf("start");
    await this.#writer.takeUp();
    const { version, configuration } = this.#settings;
    const parsed = last === null ? null : parseLine(last);
    const before =
      parsed?.kind === "record" && parsed.record.kind === "start" ? parsed.record.data.configuration : null;
    const moment = this.#ports.moment();
    this.#writer.place(moment, { kind: "start", data: { version, configuration } });
    if (before !== null && before !== configuration) {
      this.#writer.place(moment, { kind: "configuration", data: { sha256: configuration } });
    }
    const early = this.#early;
    this.#early = [];
    for (const each of early) this.#writer.place(each.moment, each.content);
    await this.#writer.commit();
  }

  #tick(): void {
    if (this.#closing.signal.aborted) return;
    void this.#serially(async () => {
      // The store could not be read at the start.
      if (this.#writer.head === null) await this.#takeUp();
      await this.#findEntries();
      if (this.#isDue()) {
        // A window's bundle ends with the first token after what is told of it.
        if (await this.#countScans()) this.#anchoring.want();
        await this.#writer.commit();
      }
      this.#anchoring.start();
    });
  }

  #isDue(): boolean {
    const { failedNs, committedNs, isUrgent } = this.#writer;
    const nowNs = this.#ports.time.monotonicNs();
    const { retryMs, checkpointMs } = this.#settings.cadence;
    if (failedNs !== null) return elapsedMs(failedNs, nowNs) >= retryMs;
    return isUrgent || elapsedMs(committedNs, nowNs) >= checkpointMs;
  }

  async #findEntries(): Promise<void> {
    for (const entry of await this.#ports.store.unrecordedEntries(entriesMax)) {
      const { entryId } = entry;
      if (this.#writer.names(entryId)) continue;
      const salt = this.#ports.salt();
      this.#writer.place(this.#ports.moment(), entryContent(entry, salt), { salt: { entryId, salt } });
    }
  }

  /** Returns whether there was anything new to tell. */
  async #countScans(): Promise<boolean> {
    return await this.#scanCounts.count((content) => this.#writer.place(this.#ports.moment(), content));
  }

  /** All of what is on disk, in the background: it may be years. */
  async #checkWhole(): Promise<void> {
    const { store } = this.#ports;
    const { signal } = this.#closing;
    try {
      const end = await store.evidenceEnd();
      if (end === null || (await isEpochWhole(store, end.epoch, this.#settings.key, signal))) return;
      await this.#serially(async () => {
        if (this.#writer.head?.epoch !== end.epoch) return;
        this.#writer.beginAnew("log-damaged", null);
        await this.#writer.commit();
      });
    } catch (error) {
      this.#log.error({ error: messageOf(error) }, "the evidence log could not be checked");
    }
  }

  /** Resolves when the work is done; never rejects, for badged runs on without its evidence. */
  #serially(work: () => Promise<void>): Promise<void> {
    this.#work = this.#work
      .then(work)
      .catch((error: unknown) => this.#log.error({ error: messageOf(error) }, "the evidence log failed"));
    return this.#work;
  }
}

function entryContent(entry: UnrecordedEntry, salt: Uint8Array): RecordContent {
  const { kind, window, entryId, content, bytes, worked } = entry;
  const sha256 = createHash("sha256").update(salt).update(content).digest("hex");
  const data = { window, entry: entryId, sha256, bytes };
  return kind === "attempt" ? { kind, data: { ...data, worked: worked === true } } : { kind, data };
}
