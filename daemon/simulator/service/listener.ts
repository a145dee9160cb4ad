import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { assert } from "../../base/assert.ts";
import { BadgedError, messageOf, systemCode } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { isForbidden } from "../../base/permission.ts";
import type { Time } from "../../base/time.ts";

/** Longer than a forwarder rests between two calls, so that idle connections do not end under a request. */
const keepAliveMs = 65_000;

/** While nobody listens the kernel may lend the port to an outgoing connection of this machine for a moment. */
const relistenAttemptsMax = 100;
const relistenPauseMs = 50;

export type ListenerOptions = {
  readonly host: string;
  /** 0 lets the system choose; the chosen one is kept through every refusal. */
  readonly port: number;
  readonly handle: RequestListener;
  readonly time: Time;
  readonly log: Log;
};

/**
 * A listening port that can be taken away and brought back.
 *
 * - listening: connections are taken
 * - refusing: nobody listens, nothing is open; `admit`, or the time given to `refuse`, leads back to listening
 * - closed: for ever
 *
 * Changes are made one after the other, in the order in which they were asked for.
 */
export class Listener implements AsyncDisposable {
  readonly #options: ListenerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #port: number;
  #refusal: AbortController | null = null;
  #changes: Promise<void> = Promise.resolve();
  #isClosed = false;

  private constructor(options: ListenerOptions) {
    this.#options = options;
    this.#port = options.port;
    this.#server = createServer({ keepAliveTimeout: keepAliveMs }, options.handle);
    this.#server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
  }

  /** @throws BadgedError `address-in-use`, `no-permission` */
  static async open(options: ListenerOptions): Promise<Listener> {
    const listener = new Listener(options);
    try {
      await listener.#listen();
    } catch (error) {
      const address = `${options.host}:${options.port}`;
      if (isForbidden(error)) throw notToHave(address, error);
      if (systemCode(error) !== "EADDRINUSE") throw error;
      throw new BadgedError("address-in-use", `${address} is taken by another program`, otherPort, {
        cause: error,
      });
    }
    return listener;
  }

  get port(): number {
    return this.#port;
  }

  /** Refuses from now on, for `forMs` or until `admit`. */
  refuse(forMs: number | null): Promise<void> {
    return this.#change(async () => {
      this.#refusal?.abort();
      const refusal = new AbortController();
      this.#refusal = refusal;
      await this.#stop();
      if (forMs === null) return;
      // A sleep keeps the process alive, which a timer of `after` would not while no port is open.
      this.#admitAfter(forMs, refusal.signal).catch((error: unknown) => {
        this.#options.log.error({ error: messageOf(error) }, "simulator could not listen again");
      });
    });
  }

  admit(): Promise<void> {
    return this.#change(async () => {
      this.#refusal?.abort();
      this.#refusal = null;
      if (!this.#server.listening) await this.#relisten();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#change(async () => {
      this.#refusal?.abort();
      this.#isClosed = true;
      await this.#stop();
    });
  }

  #change(run: () => Promise<void>): Promise<void> {
    const change = this.#changes.then(() => (this.#isClosed ? undefined : run()));
    const done = (): void => {};
    // A change that failed is told to its own caller, and must not fail the next one.
    this.#changes = change.then(done, done);
    return change;
  }

  async #admitAfter(delayMs: number, signal: AbortSignal): Promise<void> {
    await this.#options.time.sleep(delayMs, signal);
    if (!signal.aborted) await this.admit();
  }

  async #listen(): Promise<void> {
    const listening = once(this.#server, "listening");
    this.#server.listen(this.#port, this.#options.host);
    await listening;
    const address: AddressInfo | string | null = this.#server.address();
    assert(typeof address === "object" && address !== null, "a TCP server that listens has an address and a port");
    this.#port = address.port;
  }

  async #relisten(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#listen();
        return;
      } catch (error) {
        if (systemCode(error) !== "EADDRINUSE" || attempt === relistenAttemptsMax) throw error;
        await this.#options.time.sleep(relistenPauseMs);
      }
    }
  }

  async #stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await closed;
  }
}

function notToHave(address: string, cause: unknown): BadgedError {
  const message = `this user may not listen on ${address}: ${messageOf(cause)}`;
  return new BadgedError("no-permission", message, `choose a port from 1024 on (${wherePort})`, { cause });
}

const wherePort = "--port; for a demonstration the one in service.url";

/** `./scripts/start` in a second terminal is how most people come here. */
const otherPort = `another simulator or demonstration may run there: stop it, or choose another port (${wherePort})`;
