import { withoutSsins } from "../../daemon/base/identifiers.ts";
import type { Log } from "../../daemon/base/log.ts";
import { elapsedMs, type MonotonicNs, type Time } from "../../daemon/base/time.ts";
import {
  type BadFrameReason,
  type Feedback,
  type FeedbackOutcome,
  type Reader,
  type ReaderCounters,
  type ReaderEvents,
  type ReaderState,
  unreadableMin,
} from "../contract.ts";
import { nobodyPresent, type Presence, present, shortened } from "../presence.ts";
import { badgeRead, badSinceBadge, noRejects, type Rejects, rejected } from "../rejects.ts";
import type { Framer, FramerOutput } from "./framer.ts";
import { type FrameDecoder, isPrintable, withoutFraming } from "./line-decoder.ts";
import { SerialConnection } from "./serial-connection.ts";
import type { LineSettings } from "./session.ts";

/** What is written to a reader for each answer; a reader shows nothing for one that is missing or `null`. */
export type FeedbackBytes = { readonly [feedback in Feedback]?: Uint8Array | null };

/** What makes one driver of serial readers differ from another. */
export type SerialReaderParts = {
  readonly id: string;
  readonly path: string;
  readonly line: LineSettings;
  readonly presenceMs: number;
  /** What a worker may press before he badges, and the reader then sends in front of the badge. */
  readonly keys?: readonly string[];
  readonly feedback: FeedbackBytes;
  readonly createFramer: () => Framer;
  readonly decode: FrameDecoder;
};

/** The most that the presence lasts of who may have been told that nothing was kept: he is to try again. */
export const heldMs: number = 500;

/**
 * A timer that runs this late says that the event loop stood still: bytes of the same frame may wait in the kernel, and
 * are read before the silence is believed.
 */
export const lateMs: number = 20;

/**
 * So many late timers in a row say that the box is overloaded and not that it stood still: what had come was read between
 * them. Were the silence never believed, the badge would wait for the load to end, and the next one be taken for a part of it.
 */
const lateInARowMax = 5;

const unreadable =
  "frames come that are no badge, and who badges sees no light: a setting of the reader, its speed or its cable is wrong";

/** A badge reader on a serial port: port → framer → decoder → presence filter → daemon. */
export class SerialReader implements Reader {
  readonly #parts: SerialReaderParts;
  readonly #time: Time;
  readonly #log: Log;
  readonly #connection: SerialConnection;
  #events: ReaderEvents | null = null;
  #framer: Framer;
  #presence: Presence = nobodyPresent;
  #rejects: Rejects = noRejects;
  #idleTimer: Disposable | null = null;
  /** What a port that was opened in the middle of a frame gives first: the rest of a badge number is the number of somebody else. */
  #rest: { readonly quietMs: number; readonly lastByteNs: MonotonicNs } | null = null;
  #counters: ReaderCounters = { reads: 0, repeats: 0, badFrames: 0, badSinceBadge: 0, opens: 0, feedbackDropped: 0 };

  constructor(parts: SerialReaderParts, time: Time, log: Log) {
    this.#parts = parts;
    this.#time = time;
    this.#log = log.child({ room: "drivers", reader: parts.id });
    this.#framer = parts.createFramer();
    this.#connection = new SerialConnection(parts.path, parts.line, time, this.#log, {
      opened: (midFrameMs) => this.#opened(midFrameMs),
      bytes: (chunk, atNs) => this.#bytes(chunk, atNs),
      stateChanged: (state) => this.#stateChanged(state),
    });
  }

  get id(): string {
    return this.#parts.id;
  }

  get state(): ReaderState {
    return this.#connection.state;
  }

  get counters(): ReaderCounters {
    return this.#counters;
  }

  start(events: ReaderEvents): void {
    this.#events = events;
    this.#connection.start();
  }

  feedback(feedback: Feedback, opening: number): FeedbackOutcome {
    // Whoever is told that nothing was kept badges again, also after the next one was recorded, and must not be taken for
    // one who holds his badge still.
    if (feedback === "not-recorded") this.#presence = shortened(this.#presence, heldMs);
    const bytes = this.#parts.feedback[feedback] ?? null;
    if (bytes === null) return "unsupported";
    const isOfThisOpening = opening === this.#counters.opens;
    const isWritten = isOfThisOpening && this.#connection.write(bytes, () => this.#feedbackDropped(feedback));
    if (isWritten) return "shown";
    this.#feedbackDropped(feedback);
    return "dropped";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopIdleTimer();
    await this.#connection[Symbol.asyncDispose]();
    this.#stopIdleTimer();
  }

  #feedbackDropped(feedback: Feedback): void {
    this.#count("feedbackDropped");
    this.#log.warn({ feedback }, "the light was not shown, the reader takes nothing now: its worker does not know");
  }

  #opened(midFrameMs: number | null): void {
    this.#count("opens");
    this.#stopIdleTimer();
    this.#framer = this.#parts.createFramer();
    this.#rest = midFrameMs === null ? null : { quietMs: midFrameMs, lastByteNs: this.#time.monotonicNs() };
  }

  #stateChanged(state: ReaderState): void {
    // Half a frame that an unplug cut off is not a badge.
    if (state.kind === "offline") this.#stopIdleTimer();
    this.#events?.stateChanged(this.id, state);
  }

  #bytes(chunk: Uint8Array, atNs: MonotonicNs): void {
    if (this.#rest !== null) {
      const isSilent = elapsedMs(this.#rest.lastByteNs, atNs) >= this.#rest.quietMs;
      this.#rest = isSilent ? null : { ...this.#rest, lastByteNs: atNs };
    }
    this.#take(this.#framer.push(chunk, atNs));
    this.#awaitSilence();
  }

  #awaitSilence(): void {
    const { quietAtNs } = this.#framer;
    if (quietAtNs === null || this.#idleTimer !== null) return;
    this.#armIdleTimer(Math.max(0, elapsedMs(this.#time.monotonicNs(), quietAtNs)));
  }

  #armIdleTimer(delayMs: number, lateInARow: number = 0): void {
    const waitMs = Math.ceil(delayMs);
    const armedNs = this.#time.monotonicNs();
    this.#idleTimer = this.#time.after(waitMs, () => {
      if (elapsedMs(armedNs, this.#time.monotonicNs()) - waitMs > lateMs && lateInARow < lateInARowMax) {
        this.#armIdleTimer(lateMs, lateInARow + 1);
        return;
      }
      // Timers run before the ports are looked at: what came while the event loop stood still for less is read first.
      const turn = setImmediate(() => this.#silence());
      this.#idleTimer = { [Symbol.dispose]: () => clearImmediate(turn) };
    });
  }

  #silence(): void {
    this.#idleTimer = null;
    this.#take(this.#framer.idle(this.#time.monotonicNs()));
    this.#awaitSilence();
  }

  #stopIdleTimer(): void {
    this.#idleTimer?.[Symbol.dispose]();
    this.#idleTimer = null;
  }

  #take(outputs: readonly FramerOutput[]): void {
    for (const output of outputs) {
      if (this.#rest !== null) {
        this.#rest = null;
        this.#log.debug({}, "rest of a frame that began before the port was opened dropped");
        continue;
      }
      if (output.kind === "bad") {
        this.#badFrame(output.reason, output.line ?? null);
        continue;
      }
      const decoded = this.#parts.decode(output.bytes);
      if (decoded.kind === "bad")
        this.#badFrame(decoded.reason, decoded.reason === "pattern-mismatch" ? output.bytes : null);
      else this.#badge(decoded.text, output.firstByteNs);
    }
  }

  #badge(text: string, firstByteNs: MonotonicNs): void {
    const { presence, isRepeat } = present(this.#presence, text, firstByteNs, this.#parts.presenceMs, this.#parts.keys);
    this.#presence = presence;
    this.#count(isRepeat ? "repeats" : "reads");
    this.#reject(badgeRead(this.#rejects));
    if (isRepeat) return;
    // A scanner reads whatever is held to it, be it a card whose code holds the national number of its owner.
    this.#log.debug({ badge: withoutSsins(text, "[number removed]") }, "badge read");
    this.#events?.badgeRead({ readerId: this.id, text, firstByteNs, opening: this.#counters.opens });
  }

  /** @param line what may be a text that the reader says of itself */
  #badFrame(reason: BadFrameReason, line: Uint8Array | null): void {
    this.#count("badFrames");
    const before = this.#counters.badSinceBadge;
    const isText = line !== null && isPrintable(withoutFraming(line));
    this.#reject(rejected(this.#rejects, isText ? Buffer.from(line).toString("latin1") : null));
    this.#log.debug({ reason }, "frame dropped");
    const isNews = before < unreadableMin && this.#counters.badSinceBadge >= unreadableMin;
    if (isNews) this.#log.warn({ reason, frames: unreadableMin }, unreadable);
    this.#events?.badFrame(this.id, reason);
  }

  #reject(rejects: Rejects): void {
    this.#rejects = rejects;
    this.#counters = { ...this.#counters, badSinceBadge: badSinceBadge(rejects) };
  }

  #count(counter: keyof ReaderCounters): void {
    this.#counters = { ...this.#counters, [counter]: this.#counters[counter] + 1 };
  }
}
