import { keepAlive } from "../base/system-time.ts";

/** SIGTERM and SIGINT as a promise. While it is held the process stays, and a signal no longer ends it by itself. */
export class StopSignals implements Disposable {
  readonly #stopped: PromiseWithResolvers<NodeJS.Signals> = Promise.withResolvers();
  readonly #alive: Disposable = keepAlive();
  readonly #stop = (signal: NodeJS.Signals): void => this.#stopped.resolve(signal);

  constructor() {
    process.once("SIGTERM", this.#stop);
    process.once("SIGINT", this.#stop);
  }

  get stopped(): Promise<NodeJS.Signals> {
    return this.#stopped.promise;
  }

  [Symbol.dispose](): void {
    this.#alive[Symbol.dispose]();
    process.off("SIGTERM", this.#stop);
    process.off("SIGINT", this.#stop);
  }
}
