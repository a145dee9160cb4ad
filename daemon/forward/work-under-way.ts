import type { Time } from "../base/time.ts";

/** The one piece of work a service has under way; when it ends it may begin the next. */
export class WorkUnderWay {
  #work: Promise<void> = Promise.resolve();

  begin(work: Promise<void>): void {
    this.#work = work;
  }

  /** Resolves when no work is under way, or after `deadlineMs`. Rejects when the work did, which is a defect. */
  async endsWithin(deadlineMs: number, time: Time): Promise<void> {
    const ended = new AbortController();
    const quiet = this.#quiet().finally(() => ended.abort());
    await Promise.race([quiet, time.sleep(deadlineMs, ended.signal)]);
  }

  async #quiet(): Promise<void> {
    for (let work: Promise<void> | null = null; work !== this.#work; ) {
      work = this.#work;
      await work;
    }
  }
}
