import { type MonotonicNs, monotonicNs, type Time, type WallMs, wallMs } from "../base/time.ts";

type Timer = { readonly run: () => void; readonly periodMs: number | null; dueMs: number };

/**
 * Time that stands still until a test moves it. Monotonic time only moves on; wall time moves with it and can be set
 * apart from it, back as well.
 */
export class ManualTime implements Time {
  #elapsedMs = 0;
  #wallAtStartMs: number;
  readonly #startNs: bigint;
  readonly #timers: Set<Timer> = new Set();

  constructor(wallAtStartMs = 1_780_000_000_000, startNs = 1_000_000_000n) {
    this.#wallAtStartMs = wallAtStartMs;
    this.#startNs = startNs;
  }

  monotonicNs(): MonotonicNs {
    return monotonicNs(this.#startNs + BigInt(Math.round(this.#elapsedMs * 1e6)));
  }

  wallMs(): WallMs {
    return wallMs(Math.floor(this.#wallAtStartMs + this.#elapsedMs));
  }

  /** Sets the wall clock, as NTP or a person would; timers do not notice. */
  setWall(at: number): void {
    this.#wallAtStartMs = at - this.#elapsedMs;
  }

  after(delayMs: number, run: () => void): Disposable {
    return this.#add({ run, periodMs: null, dueMs: this.#elapsedMs + Math.max(0, delayMs) });
  }

  every(periodMs: number, run: () => void): Disposable {
    return this.#add({ run, periodMs, dueMs: this.#elapsedMs + periodMs });
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.after(delayMs, resolve);
      signal?.addEventListener("abort", () => [timer[Symbol.dispose](), resolve()], { once: true });
    });
  }

  /** How many timers wait to fire. */
  get waiting(): number {
    return this.#timers.size;
  }

  /** Milliseconds until the next timer fires; `null` when none waits. */
  get nextInMs(): number | null {
    const next = this.#next();
    return next === null ? null : next.dueMs - this.#elapsedMs;
  }

  /** Moves on and fires what falls due, in order; what a timer sets in motion goes as far as it can before the next. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.#elapsedMs + byMs;
    await settled();
    for (let next = this.#next(); next !== null && next.dueMs <= untilMs; next = this.#next()) {
      this.#elapsedMs = Math.max(this.#elapsedMs, next.dueMs);
      if (next.periodMs === null) this.#timers.delete(next);
      else next.dueMs += next.periodMs;
      next.run();
      await settled();
    }
    this.#elapsedMs = untilMs;
  }

  #add(timer: Timer): Disposable {
    this.#timers.add(timer);
    return { [Symbol.dispose]: () => this.#timers.delete(timer) };
  }

  #next(): Timer | null {
    let next: Timer | null = null;
    for (const timer of this.#timers) if (next === null || timer.dueMs < next.dueMs) next = timer;
    return next;
  }
}

/** Resolves when no promise is left that could go on by itself, input and output apart. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
