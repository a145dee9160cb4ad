import type { Time } from "../../base/time.ts";
import { ReaderSimulator } from "../../simulator/reader-simulator.ts";
import { feedbackLetters } from "./site.ts";

/** A worker holds his badge again when nothing has lit up for this long. */
const patienceDefaultMs = 400;

type Seen = { answer: (letter: string) => void };

/** The reader and the worker before it: presents badges and sees what lights up. */
export class Gate implements AsyncDisposable {
  readonly reader: ReaderSimulator;
  readonly #time: Time;
  readonly #seen: Seen;
  readonly #patienceMs: number;
  #greenLit: () => void = () => {};

  private constructor(reader: ReaderSimulator, time: Time, seen: Seen, patienceMs: number) {
    this.reader = reader;
    this.#time = time;
    this.#seen = seen;
    this.#patienceMs = patienceMs;
  }

  static async open(port: string, time: Time, options: { readonly patienceMs?: number } = {}): Promise<Gate> {
    const seen: Seen = { answer: () => {} };
    const onFeedback = (bytes: Uint8Array): void => seen.answer(Buffer.from(bytes).toString("latin1").slice(-1));
    return new Gate(
      await ReaderSimulator.open({ link: port, style: "serial-line", onFeedback }, time),
      time,
      seen,
      options.patienceMs ?? patienceDefaultMs,
    );
  }

  /** Resolves when the reader shows green the next time, or when `signal` aborts. */
  nextGreen(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#greenLit = resolve;
    signal.addEventListener("abort", () => resolve(), { once: true });
    return promise;
  }

  /**
   * Presents a badge until something lights up or `signal` aborts; whether it was green. Only one badge is shown at a
   * time, and it is shown until it is answered, so that a light always belongs to it.
   */
  async present(badge: string, signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      const lit = new AbortController();
      let letter = "";
      this.#seen.answer = (seen) => {
        letter = seen;
        lit.abort();
      };
      if (this.reader.isPlugged) this.reader.present(badge);
      await this.#time.sleep(this.#patienceMs, lit.signal);
      if (letter === feedbackLetters.accepted || letter === feedbackLetters.alreadyRecorded) {
        this.#greenLit();
        return true;
      }
      if (letter !== "") return false;
    }
    return false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.reader[Symbol.asyncDispose]();
  }
}
