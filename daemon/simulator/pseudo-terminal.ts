import { closeSync, constants, lstatSync, openSync, readlinkSync, symlinkSync, unlinkSync, writeSync } from "node:fs";
import { ReadStream } from "node:tty";
import { systemCode } from "../base/errors.ts";
import { claimLink, type LinkClaim } from "./link-claim.ts";

/** The kernel's own limit on a path of a pseudo-terminal is far below this: `/dev/pts/` and a number. */
const nameMaxBytes = 64;

/** More than glibc's struct termios (60 bytes). */
const termiosMaxBytes = 256;

type System = {
  readonly openMaster: () => number;
  readonly slavePath: (master: number) => string;
  readonly setRaw: (descriptor: number) => void;
};

type Pair = {
  readonly master: number;
  readonly slave: number;
  readonly stream: ReadStream;
  readonly closed: Promise<void>;
};

/**
 * A serial device made of a pseudo-terminal, in this process: whoever opens `path` sees a tty, with real hang-ups. With a
 * link it can be unplugged and found again at the same path, as a /dev/serial/by-id name is.
 *
 * It holds its own descriptor of the slave, so that the device outlives whoever read from it.
 */
export class PseudoTerminal implements AsyncDisposable {
  readonly #system: System;
  readonly #link: string | null;
  /** Keeps others from the link, also while the device is unplugged; `null` where there is none. */
  readonly #claim: LinkClaim | null;
  readonly #onData: (bytes: Uint8Array) => void;
  #pair: Pair | null = null;
  #path: string = "";

  private constructor(system: System, claim: LinkClaim | null, onData: (bytes: Uint8Array) => void) {
    this.#system = system;
    this.#link = claim?.link ?? null;
    this.#claim = claim;
    this.#onData = onData;
  }

  /**
   * Plugs a device in. `onData` gets what the reader's side writes. A `link` that a process left behind is replaced.
   *
   * @throws Error when the machine gives no pseudo-terminal, another device of this kind has the link, or something stands
   *   where the link would that is no link to a pseudo-terminal
   */
  static async open(link: string | null, onData: (bytes: Uint8Array) => void): Promise<PseudoTerminal> {
    const system = await loadSystem();
    await using claims = new AsyncDisposableStack();
    const claim = link === null ? null : claims.use(await claimLink(link));
    const terminal = new PseudoTerminal(system, claim, onData);
    terminal.replug();
    claims.move();
    return terminal;
  }

  /** Where to open it: the link, or the slave's own path. */
  get path(): string {
    return this.#link ?? this.#path;
  }

  get isPlugged(): boolean {
    return this.#pair !== null;
  }

  /** Sends bytes as the device would; how many were taken. Like a UART it loses what its full buffer cannot hold. */
  write(bytes: Uint8Array): number {
    if (this.#pair === null) return 0;
    let sent = 0;
    while (sent < bytes.length) {
      try {
        sent += writeSync(this.#pair.master, bytes, sent);
      } catch (error) {
        if (systemCode(error) === "EAGAIN") return sent;
        throw error;
      }
    }
    return sent;
  }

  /** Takes nothing more of what is written to it, until it is plugged in again: the writer's buffers fill. */
  stall(): void {
    this.#pair?.stream.pause();
  }

  /** Pulls the plug: every reader of the device is hung up, and its link is gone. Resolves when it is. */
  async unplug(): Promise<void> {
    const pair = this.#pair;
    if (pair === null) return;
    this.#pair = null;
    if (this.#link !== null && targetOf(this.#link) === this.#path) unlinkSync(this.#link);
    pair.stream.destroy();
    await pair.closed;
    closeSync(pair.slave);
  }

  /** Plugs a new device in at the same link. Does nothing while one is there. */
  replug(): void {
    if (this.#pair !== null) return;
    const master = this.#system.openMaster();
    this.#path = this.#system.slavePath(master);
    const slave = openSync(this.#path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
    // Until somebody opens it the terminal would echo, and its echo would look like feedback.
    this.#system.setRaw(slave);
    const stream = new ReadStream(master);
    const closed = new Promise<void>((resolve) => stream.once("close", () => resolve()));
    stream.on("data", (chunk: Buffer) => this.#onData(chunk));
    // A master reads EIO when its last slave closes; unplugging is what ends it.
    stream.on("error", () => stream.destroy());
    this.#pair = { master, slave, stream, closed };
    if (this.#link === null) return;
    try {
      removeLeftBehind(this.#link);
      symlinkSync(this.#path, this.#link);
    } catch (error) {
      // What nobody can find must not keep the process alive.
      this.#pair = null;
      stream.destroy();
      closeSync(slave);
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unplug();
    await this.#claim?.[Symbol.asyncDispose]();
  }
}

/** Where a link leads; `null` when there is none. */
function targetOf(link: string): string | null {
  return lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() === true ? readlinkSync(link) : null;
}

/**
 * Removes a link that a process left behind which was killed. Anything else is somebody's: udev's link to a real reader
 * would not come back before that is plugged in again.
 */
function removeLeftBehind(link: string): void {
  if (lstatSync(link, { throwIfNoEntry: false }) === undefined) return;
  const target = targetOf(link);
  if (target === null) throw new Error(`${link} is there already, and is no link`);
  if (!/^\/dev\/pts\/\d+$/.test(target)) throw new Error(`${link} is there already, and leads to ${target}`);
  unlinkSync(link);
}

/** The C library's calls that Node does not have. Loaded only where a device is simulated. */
async function loadSystem(): Promise<System> {
  const { default: koffi } = await import("koffi");
  const library = koffi.load("libc.so.6");
  const openpt = library.func("int posix_openpt(int flags)");
  const grant = library.func("int grantpt(int fd)");
  const unlock = library.func("int unlockpt(int fd)");
  const name = library.func("int ptsname_r(int fd, _Out_ uint8_t *buffer, size_t length)");
  const getAttributes = library.func("int tcgetattr(int fd, _Out_ uint8_t *termios)");
  const makeRaw = library.func("void cfmakeraw(_Inout_ uint8_t *termios)");
  const setAttributes = library.func("int tcsetattr(int fd, int when, _In_ uint8_t *termios)");
  const check = (result: unknown, call: string): void => {
    if (result === 0) return;
    throw new Error(`${call} failed: ${koffi.errno()}`);
  };
  return {
    openMaster() {
      const { O_RDWR, O_NOCTTY, O_NONBLOCK } = constants;
      const master: unknown = openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | closeOnExec);
      if (typeof master !== "number" || master < 0) throw new Error(`posix_openpt failed: ${koffi.errno()}`);
      check(grant(master), "grantpt");
      check(unlock(master), "unlockpt");
      return master;
    },
    slavePath(master) {
      const buffer = Buffer.alloc(nameMaxBytes);
      check(name(master, buffer, buffer.length), "ptsname_r");
      return buffer.toString("latin1", 0, buffer.indexOf(0));
    },
    setRaw(descriptor) {
      const termios = Buffer.alloc(termiosMaxBytes);
      check(getAttributes(descriptor, termios), "tcgetattr");
      makeRaw(termios);
      check(setAttributes(descriptor, 0, termios), "tcsetattr");
    },
  };
}

/** Linux' O_CLOEXEC, which Node does not name: a child must not keep the device alive. */
const closeOnExec = 0o2000000;
