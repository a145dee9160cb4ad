import { messageOf } from "../../daemon/base/errors.ts";
import type { Log } from "../../daemon/base/log.ts";
import type { MonotonicNs, Time } from "../../daemon/base/time.ts";
import type { ReaderState } from "../contract.ts";
import {
  closeMaxMs,
  type Reconnect,
  type ReconnectAction,
  type ReconnectInput,
  readerState,
  step,
} from "./reconnect.ts";
import { deviceAt, type LineSettings, openSession, type Session } from "./session.ts";

/** How often an open port's path is looked at. Bounds how long a port stays deaf that does not say that its device went. */
export const watchPeriodMs: number = 1_000;

const unmarked =
  "a byte that the line spoils cannot be told from others: a badge is checked by the reader's own checksum and the frame's pattern alone";

export interface ConnectionEvents {
  /**
   * Comes before the first byte of every opening.
   *
   * @param midFrameMs what comes before this much silence may be the rest of a frame; `null` where it is not
   */
  opened(midFrameMs: number | null): void;
  /** `chunk` is valid during the call only. */
  bytes(chunk: Uint8Array, atNs: MonotonicNs): void;
  stateChanged(state: ReaderState): void;
}

/** A serial port that is opened whenever its device is there: does what `reconnect.ts` decides. */
export class SerialConnection implements AsyncDisposable {
  readonly #path: string;
  readonly #line: LineSettings;
  readonly #time: Time;
  readonly #log: Log;
  readonly #events: ConnectionEvents;
  readonly #work: Set<Promise<void>> = new Set();
  #state: Reconnect = { kind: "idle" };
  #session: Session | null = null;
  #timer: Disposable | null = null;
  #watch: Disposable | null = null;
  #isLooking: boolean = false;

  constructor(path: string, line: LineSettings, time: Time, log: Log, events: ConnectionEvents) {
    this.#path = path;
    this.#line = line;
    this.#time = time;
    this.#log = log;
    this.#events = events;
  }

  get state(): ReaderState {
    return readerState(this.#state, this.#path);
  }

  start(): void {
    this.#enter({ kind: "start" });
  }

  /** `false` when the port is not open or an earlier write waits still: the bytes are dropped, never kept for later. */
  write(bytes: Uint8Array, failed: () => void): boolean {
    return this.#state.kind === "open" && this.#session !== null && this.#session.write(bytes, failed);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#enter({ kind: "stop" });
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
    const deadline = Promise.withResolvers<void>();
    using _ = this.#time.after(closeMaxMs, () => {
      this.#log.warn({ path: this.#path, closeMaxMs }, "serial port does not close, left to the kernel");
      deadline.resolve();
    });
    await Promise.race([this.#settled(), deadline.promise]);
  }

  /** The one place where the state changes. */
  #enter(input: ReconnectInput): void {
    const { state, actions } = step(this.#state, input);
    this.#state = state;
    if (state.kind === "open") this.#watch ??= this.#time.every(watchPeriodMs, () => this.#look());
    else {
      this.#watch?.[Symbol.dispose]();
      this.#watch = null;
    }
    for (const action of actions) this.#do(action);
  }

  #do(action: ReconnectAction): void {
    switch (action.kind) {
      case "open":
        this.#track(this.#open());
        return;
      case "close":
        this.#track(this.#close());
        return;
      case "time":
        this.#timer?.[Symbol.dispose]();
        this.#timer = this.#time.after(action.delayMs, () => this.#enter({ kind: "due" }));
        return;
      case "announce":
        this.#announce();
        return;
    }
  }

  async #open(): Promise<void> {
    let opened: Session | null = null;
    const isCurrent = (): boolean => opened !== null && this.#session === opened;
    const outcome = await openSession(this.#path, this.#line, this.#time, {
      bytes: (chunk, atNs) => {
        if (isCurrent() && this.#state.kind === "open") this.#events.bytes(chunk, atNs);
      },
      lost: (offline) => {
        if (!isCurrent()) return;
        this.#session = null;
        this.#enter({ kind: "lost", offline });
      },
    });
    if (outcome.kind === "failed") {
      this.#enter({ kind: "open-failed", offline: outcome.offline });
      return;
    }
    opened = outcome.session;
    this.#session = opened;
    if (opened.unmarked !== null) this.#log.warn({ path: this.#path, detail: opened.unmarked }, unmarked);
    this.#events.opened(opened.midFrameMs);
    this.#enter({ kind: "opened", device: opened.device });
  }

  async #close(): Promise<void> {
    const session = this.#session;
    this.#session = null;
    try {
      await session?.close();
    } catch (error) {
      this.#log.debug({ path: this.#path, detail: messageOf(error) }, "serial port closed with an error");
    }
    this.#enter({ kind: "closed" });
  }

  #look(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const session = this.#session;
    this.#track(
      deviceAt(this.#path)
        .then((device) => {
          if (this.#session === session) this.#enter({ kind: "watched", device });
        })
        .catch((error: unknown) => {
          this.#log.debug({ path: this.#path, detail: messageOf(error) }, "path of an open port cannot be looked at");
        })
        .finally(() => {
          this.#isLooking = false;
        }),
    );
  }

  #announce(): void {
    this.#events.stateChanged(this.state);
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#work.delete(tracked));
    this.#work.add(tracked);
  }

  async #settled(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work);
  }
}
