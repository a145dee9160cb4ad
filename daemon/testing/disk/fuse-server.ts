/**
 * Serves a test disk to the kernel: `node fuse-server.ts DIRECTORY WRITES`, started by test-disk.ts over an IPC
 * channel. It is a process of its own because a process that waits for a file system which it serves itself waits
 * for ever.
 *
 * When the channel closes, the disk has no owner any more: everything mounted on it is unmounted, its folder removed,
 * and the process ends. That is the ordinary end, and what cleans up when the owner is killed.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { constants } from "node:os";
import { assert, present, unreachable } from "../../base/assert.ts";
import { systemCode } from "../../base/errors.ts";
import { systemTime } from "../../base/system-time.ts";
import type { Time } from "../../base/time.ts";
import { type DiskFiles, diskFilesIn } from "./disk-files.ts";
import { decodeRequest, encodeAnswer, encodeRefusal, encodeWritten, requestMaxBytes } from "./fuse-protocol.ts";
import { releaseMounts } from "./host-mounts.ts";
import { decide, type FuseDecision } from "./one-file-system.ts";
import { badSectorBytes, isServerOrder, type ServerOrder, type ServerReport } from "./server-orders.ts";
import { encodeEntry, type LogEntry } from "./write-log.ts";

class DiskServer {
  readonly #kernel: FileHandle;
  readonly #image: number;
  readonly #log: WriteLogFile | null;
  readonly #diskBytes: number;
  readonly #time: Time;
  #syncDelayMs = 0;
  readonly #badSectors: Set<number> = new Set();

  constructor(kernel: FileHandle, image: number, log: WriteLogFile | null, diskBytes: number, time: Time) {
    this.#kernel = kernel;
    this.#image = image;
    this.#log = log;
    this.#diskBytes = diskBytes;
    this.#time = time;
  }

  obey(order: ServerOrder): void {
    if ("syncDelayMs" in order) this.#syncDelayMs = order.syncDelayMs;
    else this.#badSectors.add(order.badSectorAt);
  }

  /** Answers the kernel until the file system is unmounted. */
  async serve(): Promise<void> {
    const buffer = Buffer.alloc(requestMaxBytes);
    for (;;) {
      const lengthBytes = await this.#nextRequest(buffer);
      if (lengthBytes === null) return;
      this.#carryOut(decide(decodeRequest(buffer.subarray(0, lengthBytes)), this.#diskBytes));
    }
  }

  /** The length of the next request in `buffer`, or `null` once the file system is unmounted. */
  async #nextRequest(buffer: Buffer): Promise<number | null> {
    for (;;) {
      try {
        return (await this.#kernel.read(buffer, 0, buffer.length, null)).bytesRead;
      } catch (error) {
        const code = systemCode(error);
        if (code === "ENODEV") return null;
        // The kernel's own list of reads to try again: the request was withdrawn, or a signal came in between.
        if (code !== "ENOENT" && code !== "EINTR" && code !== "EAGAIN") throw error;
      }
    }
  }

  #carryOut(decision: FuseDecision): void {
    switch (decision.kind) {
      case "answer":
        this.#answer(decision.bytes);
        return;
      case "read": {
        if (this.#isBad(decision.offset, decision.sizeBytes)) {
          this.#answer(encodeRefusal(decision.unique, constants.errno.EIO));
          return;
        }
        const data = Buffer.alloc(decision.sizeBytes);
        const count = readSync(this.#image, data, 0, data.length, decision.offset);
        this.#answer(encodeAnswer(decision.unique, data.subarray(0, count)));
        return;
      }
      case "write":
        // A disk puts another sector in the place of a bad one that is written.
        for (const at of this.#badSectors) {
          if (decision.offset <= at && at + badSectorBytes <= decision.offset + decision.data.length) {
            this.#badSectors.delete(at);
          }
        }
        this.#log?.write(decision.offset, decision.data);
        writeWhole(this.#image, decision.data, decision.offset);
        this.#answer(encodeAnswer(decision.unique, encodeWritten(decision.data.length)));
        return;
      case "flush":
        this.#flush(decision.unique);
        return;
      case "nothing":
        return;
      default:
        unreachable(decision);
    }
  }

  #isBad(offset: number, sizeBytes: number): boolean {
    return [...this.#badSectors].some((at) => at < offset + sizeBytes && offset < at + badSectorBytes);
  }

  /** The flush is logged before the kernel learns of it, so that who knows of it finds it in the log. */
  #flush(unique: bigint): void {
    const covers = this.#log?.position ?? 0;
    const complete = (): void => {
      this.#log?.flush(covers);
      this.#answer(encodeAnswer(unique));
    };
    if (this.#syncDelayMs === 0) complete();
    else this.#time.after(this.#syncDelayMs, complete);
  }

  #answer(bytes: Buffer): void {
    try {
      writeSync(this.#kernel.fd, bytes);
    } catch (error) {
      // ENOENT: the asker gave up; ENODEV: unmounted meanwhile. Nobody waits for the answer in either case.
      if (systemCode(error) !== "ENOENT" && systemCode(error) !== "ENODEV") throw error;
    }
  }
}

class WriteLogFile {
  readonly #index: number;
  readonly #data: number;
  #dataBytes = 0;
  #position = 0;

  constructor(files: DiskFiles) {
    this.#index = openSync(files.logIndex, "a");
    this.#data = openSync(files.logData, "a");
  }

  get position(): number {
    return this.#position;
  }

  write(offset: number, data: Uint8Array): void {
    const dataAt = this.#dataBytes;
    writeWhole(this.#data, data, null);
    this.#dataBytes += data.length;
    this.#append({ kind: "write", offset, lengthBytes: data.length, dataAt });
  }

  flush(covers: number): void {
    this.#append({ kind: "flush", covers });
  }

  #append(entry: LogEntry): void {
    writeWhole(this.#index, encodeEntry(entry), null);
    this.#position++;
  }
}

/** At the file's end when `at` is null. */
function writeWhole(file: number, data: Uint8Array, at: number | null): void {
  assert(writeSync(file, data, 0, data.length, at) === data.length, "the folder of a test disk has room for it");
}

/** `mount` inherits /dev/fuse as its descriptor 3 and hands that number to the kernel. */
async function mountFuse(kernel: FileHandle, mountPoint: string): Promise<void> {
  const mounting = spawn(
    "mount",
    ["-i", "-t", "fuse", "-o", "fd=3,rootmode=40000,user_id=0,group_id=0,allow_other", "badged-test-disk", mountPoint],
    { stdio: ["ignore", "ignore", "inherit", kernel.fd] },
  );
  const [code] = await once(mounting, "exit");
  if (code !== 0) throw new Error(`mount of ${mountPoint} as FUSE ended with ${code}`);
}

function report(message: ServerReport): void {
  if (process.connected) process.send?.(message);
}

async function main(directory: string, writes: string): Promise<void> {
  const files = diskFilesIn(directory);
  const image = openSync(files.currentImage, "r+");
  const kernel = await open("/dev/fuse", "r+");
  const log = writes === "logged" ? new WriteLogFile(files) : null;
  const server = new DiskServer(kernel, image, log, fstatSync(image).size, systemTime);
  const orphaned = once(process, "disconnect");
  process.on("message", (order: unknown) => {
    assert(isServerOrder(order), "the server is sent orders only");
    server.obey(order);
    report({ kind: "order-done" });
  });
  await mountFuse(kernel, files.fuseMount);
  const served = server.serve();
  report({ kind: "mounted" });
  // The race is with a failure only: a disk that was unmounted waits for its owner to go.
  await Promise.race([orphaned, served.then(() => orphaned)]);
  await releaseMounts(directory, systemTime);
  await served;
  closeSync(image);
  await kernel.close();
  await rm(directory, { recursive: true, force: true });
}

const [directory, writes] = process.argv.slice(2);
await main(present(directory, "the server is told its folder"), present(writes, "and what to do with writes"));
