import { SHARE_ENV, Worker } from "node:worker_threads";
import type { StoreSettings } from "./store-settings.ts";
import type { Reply, Request } from "./worker-messages.ts";

/** The thread's heap: a roster of `rosterMaxBadges` on its way in is the largest thing in it, about 20 MB. */
const heapMaxMb = 96;
const youngHeapMaxMb = 4;

/** Runs from the sources and from what the compiler made of them. */
const workerFile = new URL(`./store-worker${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url);

/** Who uses a thread, told all that comes of it. `exited` comes once, and last. */
export type ThreadUser = {
  replied(reply: Reply): void;
  failed(error: Error): void;
  exited(): void;
};

/**
 * The thread in which a store's database lives, from its start on. It loads what it needs meanwhile, which takes as long
 * as all else that a daemon does before it can take a badge: who starts one early waits for it the less.
 */
export class StoreThread implements Disposable {
  readonly #worker: Worker;
  #user: ThreadUser | null = null;
  /** Of the time before it has a user. */
  #failure: Error | null = null;
  #isOver = false;
  readonly ended: Promise<void>;

  /** @param file what it runs */
  constructor(file: URL = workerFile) {
    this.#worker = new Worker(file, {
      name: "store",
      // The zone of the site is adopted (`adoptZone`) when the configuration was read, which is after this.
      env: SHARE_ENV,
      resourceLimits: { maxOldGenerationSizeMb: heapMaxMb, maxYoungGenerationSizeMb: youngHeapMaxMb },
    });
    this.#worker.on("message", (reply: Reply) => this.#user?.replied(reply));
    this.#worker.on("error", (error: Error) => {
      if (this.#user === null) this.#failure = error;
      else this.#user.failed(error);
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#worker.on("exit", () => {
      this.#isOver = true;
      this.#user?.exited();
      resolve();
    });
  }

  /** Opens the database, for the one user that a thread ever has; it replies `opened` or `failed`. */
  open(settings: StoreSettings, user: ThreadUser): void {
    this.#user = user;
    if (this.#failure !== null) user.failed(this.#failure);
    if (this.#isOver) user.exited();
    else this.ask({ kind: "open", settings });
  }

  ask(request: Request): void {
    this.#worker.postMessage(request);
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  /** Lets a thread end that nobody used. */
  [Symbol.dispose](): void {
    if (this.#user === null) this.ask({ kind: "close" });
  }
}
