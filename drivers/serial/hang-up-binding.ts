import { type BigIntStats, fstatSync, read, readSync, writeSync } from "node:fs";
import { promisify } from "node:util";
import {
  type BindingInterface,
  type BindingPortInterface,
  BindingsError,
  LinuxBinding,
  type LinuxOpenOptions,
  type LinuxPortBinding,
  type PortStatus,
  type SetOptions,
  type UpdateOptions,
} from "@serialport/bindings-cpp";
import { systemCode } from "../../daemon/base/errors.ts";
import type { Time } from "../../daemon/base/time.ts";
import { markLineErrors } from "./line-errors.ts";

const readFile = promisify(read);

/** libuv's poll events, as the poller of bindings-cpp takes them. */
const pollEvent = { readable: 0b01, writable: 0b10 } as const;

/** The kernel holds up to 64 kB of a tty that nobody read; a line that brings more is streaming, and is not waited for. */
export const staleMaxBytes: number = 128 * 1024;

/**
 * Silence after which a frame begins with the next byte. An adapter hands bytes over every 16 ms (FTDI's latency timer);
 * readers that repeat a held badge leave some 35 ms between two frames.
 */
const quietMinMs = 30;

/** At 300 baud a byte of 11 bits takes longer than that by itself: three of them do. */
export function quietMsAt(baudRate: number): number {
  return Math.max(quietMinMs, Math.ceil((3 * 11 * 1000) / baudRate));
}

/** Looks within that silence: where a held badge leaves just a little more of it, it is found in any case. */
const quietLooks = 6;

/** A line without that silence among so many looks never falls silent, and is read from the middle of a frame on. */
const looksMax = 60;

/** Tells one device from another that came to the same path. */
export type Device = { readonly rdev: bigint; readonly inode: bigint };

export function deviceOf(stats: BigIntStats): Device {
  return { rdev: stats.rdev, inode: stats.ino };
}

/**
 * LinuxBinding of bindings-cpp with five changes:
 *
 * - A read of 0 bytes is a disconnect. On a hung-up tty it means gone; bindings-cpp 13.0.1 retries it for ever, so that an
 *   unplug during a read leaves a port that neither closes nor speaks again (upstream issue 162).
 * - A wait for room to write goes on listening for bytes. The poller of bindings-cpp forgets the one for the other, so
 *   that a reader that takes no feedback would go deaf.
 * - A read of what has come, and a write of what there is room for, is made at once and not in libuv's pool of threads: the
 *   port is opened non-blocking, and neither a badge nor its light waits for a thread or behind four files of a slow disk.
 * - A byte that came with an error of parity or framing is read as NUL, and its frame is none (`line-errors.ts`).
 * - Closing waits for the system call under way, or that call could read from whatever is opened under the same number.
 *
 * What waited in the kernel before the port was opened has no known time and is thrown away, and so is what follows it
 * without silence: it may be the rest of a frame, and the rest of a badge number is the number of somebody else.
 */
export function hangUpBinding(time: Pick<Time, "sleep">): BindingInterface<HangUpPort, LinuxOpenOptions> {
  return {
    list: () => LinuxBinding.list(),
    async open(options) {
      const port = new HangUpPort(await LinuxBinding.open(options));
      try {
        await port.markErrors();
        // Last of all: what comes before has no known time.
        await port.discardStale(time, quietMsAt(options.baudRate));
      } catch (error) {
        await port.close();
        throw error;
      }
      return port;
    },
  };
}

export class HangUpPort implements BindingPortInterface {
  readonly #inner: LinuxPortBinding;
  readonly #underWay: Set<Promise<unknown>> = new Set();
  #awaited: number = 0;
  #writing: boolean = false;
  #closing: Promise<void> | null = null;
  #isMidFrame: boolean = false;
  #unmarked: string | null = null;

  constructor(inner: LinuxPortBinding) {
    this.#inner = inner;
  }

  get openOptions(): Required<LinuxOpenOptions> {
    return this.#inner.openOptions;
  }

  get isOpen(): boolean {
    return this.#closing === null;
  }

  /** The device has not taken all of what was written, or did not take it. */
  get isWriting(): boolean {
    return this.#writing;
  }

  /** The line did not fall silent when it was opened: what comes without silence may be the rest of a frame. */
  get isMidFrame(): boolean {
    return this.#isMidFrame;
  }

  /** Why a byte with an error of parity or framing is read like any other; `null` where it is read as NUL. */
  get unmarked(): string | null {
    return this.#unmarked;
  }

  /** The device that is open, whatever the path says by now. */
  get device(): Device {
    return deviceOf(fstatSync(this.#descriptor(), { bigint: true }));
  }

  async markErrors(): Promise<void> {
    this.#unmarked = await markLineErrors(this.#descriptor());
  }

  async discardStale(time: Pick<Time, "sleep">, quietMs: number): Promise<void> {
    await this.#inner.flush();
    // Flushing empties the line discipline only; the driver's own buffer follows when it is read.
    await this.#discardWaiting();
    for (let look = 0, silent = 0; look < looksMax; look += 1) {
      await time.sleep(quietMs / quietLooks);
      silent = (await this.#discardWaiting()) === 0 ? silent + 1 : 0;
      if (silent === quietLooks) return;
    }
    this.#isMidFrame = true;
  }

  async read(buffer: Buffer, offset: number, length: number): Promise<{ buffer: Buffer; bytesRead: number }> {
    for (;;) {
      // One read a turn of the event loop, so that a line that never falls silent leaves room for all else.
      await this.#ready("readable");
      const bytesRead = moved(() => readSync(this.#descriptor(), buffer, offset, length, null));
      if (bytesRead === 0) throw hungUp();
      if (bytesRead !== null) return { buffer, bytesRead };
    }
  }

  /** What the kernel has room for is written when this returns. */
  async write(buffer: Buffer): Promise<void> {
    this.#writing = true;
    for (let sent = 0; sent < buffer.length; ) {
      const from = sent;
      const written = moved(() => writeSync(this.#descriptor(), buffer, from));
      if (written === null) await this.#ready("writable");
      else sent += written;
    }
    this.#writing = false;
  }

  /** Closes once, however often it is called; every call resolves when the descriptor is gone. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  flush(): Promise<void> {
    return this.#inner.flush();
  }

  drain(): Promise<void> {
    return this.#inner.drain();
  }

  get(): Promise<PortStatus> {
    return this.#inner.get();
  }

  getBaudRate(): Promise<{ baudRate: number }> {
    return this.#inner.getBaudRate();
  }

  set(options: SetOptions): Promise<void> {
    return this.#inner.set(options);
  }

  update(options: UpdateOptions): Promise<void> {
    return this.#inner.update(options);
  }

  async #close(): Promise<void> {
    this.#inner.poller.stop();
    await Promise.allSettled(this.#underWay);
    // Closing a tty waits up to 30 s for bytes that its device does not take (closing_wait). What a reader did not take by
    // now is stale; on a device that is gone there is nothing to flush and the call fails, which is as good.
    if (this.#writing) await Promise.allSettled([this.#inner.flush()]);
    await this.#inner.close();
  }

  /** How many bytes were thrown away. */
  async #discardWaiting(): Promise<number> {
    const scratch = Buffer.allocUnsafe(4096);
    let total = 0;
    while (total < staleMaxBytes) {
      const bytesRead = await this.#call((descriptor) => readFile(descriptor, scratch, 0, scratch.length, null));
      if (bytesRead === null) return total;
      if (bytesRead === 0) throw hungUp();
      total += bytesRead;
    }
    return total;
  }

  #descriptor(): number {
    const descriptor = this.#inner.fd;
    if (!this.isOpen || descriptor === null) throw new BindingsError("the port is closed", { canceled: true });
    return descriptor;
  }

  /** Bytes that the call read; `null` when it would have to wait. Any other failure means that the device is gone. */
  async #call(run: (descriptor: number) => Promise<{ bytesRead: number }>): Promise<number | null> {
    const call = run(this.#descriptor());
    this.#underWay.add(call);
    try {
      return (await call).bytesRead;
    } catch (error) {
      if (mustWait(error)) return null;
      throw error;
    } finally {
      this.#underWay.delete(call);
    }
  }

  #ready(event: "readable" | "writable"): Promise<void> {
    this.#descriptor();
    const { poller } = this.#inner;
    return new Promise((resolve, reject) => {
      poller.once(event, (error) => {
        this.#awaited &= ~pollEvent[event];
        if (error === null) resolve();
        else if (error instanceof BindingsError) reject(error);
        // libuv calls a hung-up descriptor bad (EBADF), which it is not.
        else reject(hungUp());
      });
      this.#awaited |= pollEvent[event];
      poller.poll(this.#awaited);
    });
  }
}

/** Bytes that a call moved which never blocks; `null` when it would have to wait. */
function moved(run: () => number): number | null {
  try {
    return run();
  } catch (error) {
    if (mustWait(error)) return null;
    throw error;
  }
}

function mustWait(error: unknown): boolean {
  const code = systemCode(error);
  return code === "EAGAIN" || code === "EWOULDBLOCK" || code === "EINTR";
}

function hungUp(): Error {
  return new Error("the device hung up");
}
