import { unreachable } from "../base/assert.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { RecordOutcome, ScanDraft } from "../scan/scan.ts";
import { packDrafts, unpackOutcomes } from "./draft-pack.ts";
import { RequestQueue } from "./request-queue.ts";
import { notRecorded, StoreError } from "./store-error.ts";
import type { Asked, Gauges, StoreMethod, StorePart } from "./store-keeper.ts";
import type { StoreSettings } from "./store-settings.ts";
import { StoreThread } from "./store-thread.ts";
import { errorOf, type Reply, type Request } from "./worker-messages.ts";

type PendingScan = { readonly draft: ScanDraft; readonly resolve: (outcome: RecordOutcome) => void };
type PendingCall = {
  readonly request: Request;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
};
type InFlight =
  | { readonly kind: "batch"; readonly scans: readonly PendingScan[] }
  | { readonly kind: "other"; readonly other: PendingCall };

/**
 * - `starting`: a thread runs, its database is not open yet; requests wait.
 * - `idle`: nothing is under way.
 * - `busy`: one request is under way; the next leaves at its answer.
 * - `down`: the thread died, or could not open its database. The next request starts another.
 * - `closed`: disposed; every request fails.
 */
type LinkState =
  | { readonly kind: "starting"; readonly thread: StoreThread; readonly opened: (error: Error | null) => void }
  | { readonly kind: "idle"; readonly thread: StoreThread }
  | { readonly kind: "busy"; readonly thread: StoreThread; readonly inFlight: InFlight }
  | { readonly kind: "down" }
  | { readonly kind: "closed" };

export type LinkListener = {
  /** The gauges, at each answer. */
  readonly answered: (gauges: Gauges) => void;
  /** What is under way takes long, such as a salvage, and goes on. */
  readonly progressed: () => void;
};

/**
 * The main thread's end of the worker thread: what is asked goes there in the order of `RequestQueue`, and what was
 * under way when the thread dies fails, for nobody knows what became of it.
 */
export class StoreLink {
  readonly #settings: StoreSettings;
  readonly #log: Log;
  readonly #told: LinkListener;
  readonly #queue: RequestQueue<PendingScan, PendingCall>;
  #state: LinkState;
  #dispatching: boolean;
  /** Of the thread that was started last. */
  #exited: Promise<void>;

  /**
   * @param thread one that runs already and that nobody uses
   * @throws BadgedError when the database cannot be opened
   */
  static async open(settings: StoreSettings, log: Log, told: LinkListener, thread?: StoreThread): Promise<StoreLink> {
    const link = new StoreLink(settings, log, told);
    await new Promise<void>((resolve, reject) => {
      link.#start((error) => (error === null ? resolve() : reject(error)), thread);
    });
    return link;
  }

  private constructor(settings: StoreSettings, log: Log, told: LinkListener) {
    this.#settings = settings;
    this.#log = log;
    this.#told = told;
    this.#queue = new RequestQueue();
    this.#state = { kind: "down" };
    this.#dispatching = false;
    this.#exited = Promise.resolve();
  }

  /** Resolves after the commit; never rejects. */
  record(draft: ScanDraft): Promise<RecordOutcome> {
    if (this.#state.kind === "closed") return Promise.resolve(notRecorded("closed", "the store is closed"));
    return new Promise((resolve) => {
      this.#queue.addScan({ draft, resolve });
      this.#dispatchSoon();
    });
  }

  /** @throws StoreError, or what the core throws: BadgedError and InvariantError */
  async call<P extends StorePart, M extends StoreMethod<P>>(
    part: P,
    method: M,
    ...parameters: Asked<P, M>["parameters"]
  ): Promise<Asked<P, M>["returned"]> {
    return (await this.#request({ kind: "call", part, method, parameters })) as Asked<P, M>["returned"];
  }

  /**
   * Lets what was asked before finish, then closes the database. The thread ends by itself, for one that is terminated
   * inside a call of better-sqlite3 13 can take the whole process with it (its issue 1507).
   */
  async close(): Promise<void> {
    if (this.#state.kind === "closed") return;
    try {
      if (this.#state.kind !== "down") {
        await this.#request({ kind: "close" });
        await this.#exited;
      }
    } finally {
      const state = this.#state;
      this.#state = { kind: "closed" };
      if ("thread" in state) await state.thread.terminate();
      this.#failAll(new StoreError("closed", "the store is closed"));
    }
  }

  #request(request: Request): Promise<unknown> {
    if (this.#state.kind === "closed") return Promise.reject(new StoreError("closed", "the store is closed"));
    return new Promise((resolve, reject) => {
      this.#queue.addOther({ request, resolve, reject });
      this.#dispatchSoon();
    });
  }

  /** After the present turn, so that scans that come together leave together. */
  #dispatchSoon(): void {
    if (this.#dispatching) return;
    this.#dispatching = true;
    queueMicrotask(() => {
      this.#dispatching = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    if (this.#state.kind === "down") this.#start((error) => this.#restarted(error));
    if (this.#state.kind !== "idle") return;
    const { thread } = this.#state;
    const next = this.#queue.take();
    if (next === null) return;
    this.#state = { kind: "busy", thread, inFlight: next };
    const request: Request =
      next.kind === "other"
        ? next.other.request
        : { kind: "record", drafts: packDrafts(next.scans.map((scan) => scan.draft)) };
    thread.ask(request);
  }

  #start(opened: (error: Error | null) => void, thread: StoreThread = new StoreThread()): void {
    this.#state = { kind: "starting", thread, opened };
    this.#exited = thread.ended;
    thread.open(this.#settings, {
      replied: (reply) => {
        if (this.#isPresent(thread)) this.#receive(reply);
      },
      failed: (error) => this.#log.fatal({ error: messageOf(error) }, "the store's thread failed"),
      exited: () => {
        if (this.#isPresent(thread)) this.#lost();
      },
    });
  }

  /** A thread that was given up may still speak. */
  #isPresent(thread: StoreThread): boolean {
    return "thread" in this.#state && this.#state.thread === thread;
  }

  #restarted(error: Error | null): void {
    if (error === null) this.#log.warn({}, "the store's thread was started again");
    else this.#failAll(error);
  }

  #receive(reply: Reply): void {
    switch (reply.kind) {
      case "log":
        this.#log[reply.level](reply.fields, reply.message);
        return;
      case "opened":
        this.#open(reply.gauges);
        return;
      case "failed":
        this.#fail(errorOf(reply.failure));
        return;
      case "recorded": {
        const inFlight = this.#finish(null);
        const outcomes = unpackOutcomes(reply.outcomes);
        if (inFlight?.kind !== "batch") return;
        for (const [index, scan] of inFlight.scans.entries()) settleScan(scan, outcomes[index]);
        return;
      }
      case "progressed":
        this.#told.progressed();
        return;
      case "gauges":
        this.#told.answered(reply.gauges);
        return;
      case "returned": {
        const inFlight = this.#finish(reply.gauges);
        if (inFlight?.kind === "other") inFlight.other.resolve(reply.value);
        return;
      }
      case "closed": {
        const inFlight = this.#finish(null);
        this.#state = { kind: "closed" };
        if (inFlight?.kind === "other") inFlight.other.resolve(undefined);
        return;
      }
      default:
        unreachable(reply);
    }
  }

  #open(gauges: Gauges): void {
    if (this.#state.kind !== "starting") return;
    const { thread, opened } = this.#state;
    this.#state = { kind: "idle", thread };
    this.#told.answered(gauges);
    opened(null);
    this.#dispatchSoon();
  }

  #finish(gauges: Gauges | null): InFlight | null {
    if (this.#state.kind !== "busy") return null;
    const { thread, inFlight } = this.#state;
    this.#state = { kind: "idle", thread };
    if (gauges !== null) this.#told.answered(gauges);
    this.#dispatchSoon();
    return inFlight;
  }

  #fail(error: Error): void {
    if (this.#state.kind === "starting") {
      const { thread, opened } = this.#state;
      this.#state = { kind: "down" };
      void thread.terminate();
      opened(error);
      return;
    }
    const inFlight = this.#finish(null);
    if (inFlight !== null) failInFlight(inFlight, error);
  }

  /** The thread ended; by itself unless the link was closed. */
  #lost(): void {
    const state = this.#state;
    if (state.kind === "closed" || state.kind === "down") return;
    const error = new StoreError("closed", "the store's thread died");
    this.#state = { kind: "down" };
    if (state.kind === "starting") state.opened(error);
    if (state.kind === "busy") failInFlight(state.inFlight, error);
    this.#failAll(error);
  }

  #failAll(error: Error): void {
    const { scans, others } = this.#queue.drain();
    failInFlight({ kind: "batch", scans }, error);
    for (const other of others) failInFlight({ kind: "other", other }, error);
  }
}

function settleScan(scan: PendingScan, outcome: RecordOutcome | undefined): void {
  scan.resolve(outcome ?? notRecorded("defect", "the store gave no outcome"));
}

function failInFlight(inFlight: InFlight, error: Error): void {
  if (inFlight.kind === "other") {
    inFlight.other.reject(error);
    return;
  }
  const code = error instanceof StoreError ? error.code : "defect";
  for (const scan of inFlight.scans) scan.resolve(notRecorded(code, error.message));
}
