import { keepAlive } from "../base/system-time.ts";

/** A closed session stops a daemon that was started in it as the other two do. */
const stopSignals = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/**
 * The signals that ask for a stop, as a promise. While it is held the process stays, and no signal of these ends it by
 * itself, a second one neither: what was stopped half-way looks like a crash afterwards.
 */
export class StopSignals implements Disposable {
  readonly #stopped: PromiseWithResolvers<NodeJS.Signals> = Promise.withResolvers();
  readonly #alive: Disposable = keepAlive();
  readonly #stop = (signal: NodeJS.Signals): void => this.#stopped.resolve(signal);

  constructor() {
    for (const signal of stopSignals) process.on(signal, this.#stop);
  }

  get stopped(): Promise<NodeJS.Signals> {
    return this.#stopped.promise;
  }

  [Symbol.dispose](): void {
    this.#alive[Symbol.dispose]();
    for (const signal of stopSignals) process.off(signal, this.#stop);
  }
}
