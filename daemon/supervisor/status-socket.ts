import { chmodSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { BadgedError, messageOf, systemCode } from "../base/errors.ts";
import { forbidden, isForbidden } from "../base/permission.ts";
import { systemTime } from "../base/system-time.ts";

/** A unix socket's path holds at most this many bytes (sun_path in unix(7), less the closing zero). */
export const socketPathMaxBytes: number = 107;

/** A status is a few kB; anything longer does not come from badged. */
const statusMaxBytes = 1_000_000;

/**
 * A daemon in health answers in milliseconds, also under load; systemd waits 60 s before it ends one that hangs. One that
 * starts answers when it has its store, and a large one that is upgraded, salvaged or taken over from a copy takes longer.
 */
const statusMaxMs = 5_000;

export function statusSocketPath(storeDirectory: string): string {
  return join(storeDirectory, "badged.sock");
}

export function isTooLongForSocket(path: string): boolean {
  return Buffer.byteLength(path) > socketPathMaxBytes;
}

/**
 * Answers every connection with one JSON document and closes it. The hold on the folder keeps a second daemon out
 * (store-hold.ts); where the folder cannot be locked, it finds the socket taken.
 */
export class StatusSocket implements AsyncDisposable {
  readonly #server: Server;
  readonly #asking: Set<Socket>;

  private constructor(server: Server, asking: Set<Socket>) {
    this.#server = server;
    this.#asking = asking;
  }

  /**
   * @throws BadgedError `already-running` when another daemon answers on the socket, `no-permission` when the socket, or
   *   the folder it is in, is another user's, `store-unusable` when the disk takes no socket, `configuration-invalid` when
   *   its path is too long for one
   */
  static async open(path: string, status: () => Promise<unknown>): Promise<StatusSocket> {
    if (isTooLongForSocket(path)) {
      throw new BadgedError(
        "configuration-invalid",
        `the path of the status socket is longer than ${socketPathMaxBytes} bytes: ${path}`,
        "choose a shorter store.directory",
      );
    }
    const asking = new Set<Socket>();
    const server = createServer((socket) => {
      asking.add(socket);
      socket.on("close", () => asking.delete(socket));
      socket.on("error", () => socket.destroy());
      // Who asked may never close his end; what was written reaches him all the same.
      const answer = (document: unknown): void => void socket.end(JSON.stringify(document), () => socket.destroy());
      status().then(answer, (error: unknown) => answer({ error: messageOf(error) }));
    });
    try {
      await listen(server, path);
    } catch (error) {
      if (systemCode(error) !== "EADDRINUSE") throw unusable(path, error);
      if ((await readStatus(path)) !== null) throw anotherAnswers(path);
      await takeOver(server, path);
    }
    server.unref();
    try {
      chmodSync(path, 0o600);
    } catch (error) {
      server.close();
      throw unusable(path, error);
    }
    return new StatusSocket(server, asking);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    // Who does not read his answer, as one that was stopped at its terminal, does not hold up the daemon's end.
    for (const socket of this.#asking) socket.destroy();
    await closed;
  }
}

/** Nobody listens any more: nobody did, or whoever did ended before it took the question. */
const endedCodes = ["ENOENT", "ENOTDIR", "ECONNREFUSED", "ECONNRESET"];

/**
 * What the daemon says of itself; `null` when none runs on this store, or when it ended while it was asked.
 *
 * @throws BadgedError `no-permission` when it is another user's, `daemon-not-running` when it hangs, is still starting, or
 *   says what is no status
 */
export function readStatus(path: string, answerMaxMs: number = statusMaxMs): Promise<unknown> {
  // No daemon can hold what cannot be.
  if (isTooLongForSocket(path)) return Promise.resolve(null);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const socket = connect(path);
    const deadline = systemTime.after(answerMaxMs, () => socket.destroy(hanging(path)));
    socket.on("close", () => deadline[Symbol.dispose]());
    socket.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > statusMaxBytes)
        socket.destroy(unreadable(path, new Error(`it is longer than ${statusMaxBytes} bytes`)));
      else chunks.push(chunk);
    });
    socket.on("end", () => {
      // It ended while it was asked.
      if (bytes === 0) return resolve(null);
      try {
        resolve(JSON.parse(Buffer.concat(chunks).toString("utf8")));
      } catch (error) {
        reject(unreadable(path, error));
      }
    });
    socket.on("error", (error) => {
      const code = systemCode(error);
      if (code !== null && endedCodes.includes(code)) resolve(null);
      // Of one that hangs the queue of those who ask is full in the end.
      else if (code === "EAGAIN") reject(hanging(path));
      else reject(isForbidden(error) ? forbidden(error) : error);
    });
  });
}

export function anotherAnswers(path: string): BadgedError {
  const message = `another badged answers on ${path}`;
  return new BadgedError("already-running", message, "stop it first, or give this one another store.directory");
}

function hanging(path: string): BadgedError {
  return new BadgedError(
    "daemon-not-running",
    `a badged holds ${path}, and does not answer: it hangs, or is still starting, as with a large database after an upgrade`,
    "see what the journal says; restart it (systemctl restart badged) where it is not starting",
  );
}

function unreadable(path: string, cause: unknown): BadgedError {
  return new BadgedError(
    "daemon-not-running",
    `what answers on ${path} is no status of a badged: ${messageOf(cause)}`,
    "it may have ended while it was asked: try again; where this stays, see what the journal says",
    { cause },
  );
}

/** Left behind by a process that was killed: nobody answers on it. */
async function takeOver(server: Server, path: string): Promise<void> {
  try {
    // One that ended while it was asked has taken it away by itself.
    rmSync(path, { force: true });
    await listen(server, path);
  } catch (error) {
    throw unusable(path, error);
  }
}

/** A card that fails is made read-only by the kernel: the first thing that a start would write is the socket. */
function unusable(path: string, error: unknown): unknown {
  if (isForbidden(error)) return forbidden(error);
  if (systemCode(error) === null) return error;
  return new BadgedError(
    "store-unusable",
    `the status socket ${path} cannot be made: ${messageOf(error)}`,
    "see that the disk of the store is mounted, writable and sound (dmesg tells of errors), then start badged again",
    { cause: error },
  );
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
