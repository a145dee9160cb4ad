import { existsSync } from "node:fs";
import { BadgedError, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { type HeldFolder, lockFolder } from "./folder-lock.ts";
import { anotherAnswers, readStatus, statusSocketPath } from "./status-socket.ts";

export type StoreHold = AsyncDisposable & {
  /** Holds what stands in the place of the folder that was moved away or deleted, once the store is there again. */
  renew(): void;
};

/**
 * Makes this process the only daemon of a store, whatever becomes of the files in its folder: two would each write over
 * what the other put down. Asked for before the socket, for of two that start at once either may take the other's away.
 * Commands beside the daemon ask for no hold.
 *
 * @throws BadgedError `already-running` when another process holds it, and as `readStatus`
 */
export async function holdStore(directory: string, log: Log): Promise<StoreHold> {
  const hold = await lockFolder(directory);
  switch (hold.kind) {
    case "held":
      return new RenewedHold(directory, hold.lock, log);
    case "taken":
      if ((await readStatus(statusSocketPath(directory))) !== null) throw anotherAnswers(statusSocketPath(directory));
      throw new BadgedError(
        "already-running",
        heldWords(directory),
        `${stopIt}, or give this one another store.directory`,
      );
    case "untold":
      // As on a network's disk: no reason to record no scans, and the socket still tells.
      log.warn(
        { directory, reason: hold.reason },
        "the store's folder cannot be locked: a second badged is told by the status socket alone",
      );
      return { renew: () => {}, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
}

class RenewedHold implements StoreHold {
  readonly #directory: string;
  readonly #log: Log;
  #lock: HeldFolder;
  #renewing: Promise<void> = Promise.resolve();

  constructor(directory: string, lock: HeldFolder, log: Log) {
    this.#directory = directory;
    this.#lock = lock;
    this.#log = log;
  }

  renew(): void {
    this.#renewing = this.#renewing
      .then(() => this.#renew())
      .catch((error: unknown) => this.#notHeld(messageOf(error)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#renewing;
    this.#lock[Symbol.dispose]();
  }

  async #renew(): Promise<void> {
    if (this.#lock.isAt(this.#directory)) return;
    const next = await lockFolder(this.#directory);
    if (next.kind !== "held") return this.#notHeld(next.kind === "taken" ? "another process holds it" : next.reason);
    this.#lock[Symbol.dispose]();
    this.#lock = next.lock;
  }

  #notHeld(reason: string): void {
    this.#log.error(
      { directory: this.#directory, reason },
      "the store's folder was replaced, and the new one cannot be locked: see that no second badged runs on it",
    );
  }
}

/**
 * What the daemon of a store says of itself; `null` when none runs.
 *
 * @throws BadgedError `daemon-not-running` when it cannot be asked, and as `readStatus`
 */
export async function askDaemon(directory: string): Promise<unknown> {
  const status = await readStatus(statusSocketPath(directory));
  if (status !== null || !existsSync(directory)) return status;
  // Had for some milliseconds; a daemon that starts in them waits for it longer than that.
  const hold = await lockFolder(directory, "shared");
  if (hold.kind === "held") hold.lock[Symbol.dispose]();
  if (hold.kind !== "taken") return null;
  // One that was starting has its socket by now.
  const later = await readStatus(statusSocketPath(directory));
  if (later !== null) return later;
  throw new BadgedError("daemon-not-running", heldWords(directory), `${stopIt}, then start it again`);
}

function heldWords(directory: string): string {
  const path = statusSocketPath(directory);
  const why = existsSync(path) ? `nobody answers on ${path}` : `its ${path} was deleted`;
  return `a badged has the store in ${directory} open, and ${why}`;
}

const stopIt =
  'stop it first (systemctl stop badged; where it was started by hand, end the process that "ps ax" shows with "run")';
