import { closeSync, ftruncateSync, openSync, readFileSync, readSync, statSync, writeSync } from "node:fs";
import { assert } from "../../base/assert.ts";
import type { DiskFiles } from "./disk-files.ts";
import {
  decodeEntries,
  durablePosition,
  entryBytes,
  type Fragment,
  type LogEntry,
  type LogPosition,
  type PowerCut,
  survivingFragments,
  writesBetween,
} from "./write-log.ts";

/** Only chunks that hold something are written into a cut's image: a fresh 64 MiB ext4 touches a few MiB. */
const chunkBytes = 64 * 1024;

/**
 * Makes the image of a disk after a power cut from the log on file. The durable part is replayed once and carried on
 * from cut to cut; a cut earlier than the one before starts over from the blank disk.
 */
export class CutImage implements Disposable {
  readonly #files: DiskFiles;
  readonly #index: number;
  readonly #data: number;
  readonly #entries: LogEntry[] = [];
  #image: Buffer;
  #chunks: Set<number>;
  #replayed: LogPosition = 0;

  constructor(files: DiskFiles) {
    this.#files = files;
    this.#index = openSync(files.logIndex, "r");
    this.#data = openSync(files.logData, "r");
    this.#image = readFileSync(files.blankImage);
    this.#chunks = chunksHolding(this.#image);
  }

  [Symbol.dispose](): void {
    closeSync(this.#index);
    closeSync(this.#data);
  }

  /** Every entry logged so far. */
  entries(): readonly LogEntry[] {
    const known = this.#entries.length * entryBytes;
    const newBytes = logLength(this.#files.logIndex) * entryBytes - known;
    this.#entries.push(...decodeEntries(readExactly(this.#index, newBytes, known)));
    return this.#entries;
  }

  /** Writes the disk as `cut` leaves it to the file `cutImage`. */
  write(cut: PowerCut): void {
    const entries = this.entries();
    this.#replayTo(durablePosition(entries, cut.at), entries);
    const file = openSync(this.#files.cutImage, "w");
    try {
      ftruncateSync(file, this.#image.length);
      for (const chunk of this.#chunks) {
        const at = chunk * chunkBytes;
        writeSync(file, this.#image, at, Math.min(chunkBytes, this.#image.length - at), at);
      }
      for (const fragment of survivingFragments(entries, cut)) {
        writeSync(file, this.#dataOf(fragment), 0, fragment.lengthBytes, fragment.offset);
      }
    } finally {
      closeSync(file);
    }
  }

  #replayTo(position: LogPosition, entries: readonly LogEntry[]): void {
    if (position < this.#replayed) {
      this.#image = readFileSync(this.#files.blankImage);
      this.#chunks = chunksHolding(this.#image);
      this.#replayed = 0;
    }
    for (const write of writesBetween(entries, this.#replayed, position)) {
      this.#image.set(this.#dataOf(write), write.offset);
      const last = Math.floor((write.offset + write.lengthBytes - 1) / chunkBytes);
      for (let chunk = Math.floor(write.offset / chunkBytes); chunk <= last; chunk++) this.#chunks.add(chunk);
    }
    this.#replayed = position;
  }

  #dataOf({ lengthBytes, dataAt }: Fragment): Buffer {
    return readExactly(this.#data, lengthBytes, dataAt);
  }
}

/** How many entries the log on file holds. */
export function logLength(logIndex: string): LogPosition {
  return Math.floor(statSync(logIndex).size / entryBytes);
}

function readExactly(file: number, lengthBytes: number, at: number): Buffer {
  const bytes = Buffer.alloc(lengthBytes);
  let done = 0;
  while (done < lengthBytes) {
    const count = readSync(file, bytes, done, lengthBytes - done, at + done);
    assert(count > 0, "a log holds all that its index names");
    done += count;
  }
  return bytes;
}

function chunksHolding(image: Buffer): Set<number> {
  const blank = Buffer.alloc(chunkBytes);
  const chunks = new Set<number>();
  for (let at = 0; at < image.length; at += chunkBytes) {
    const chunk = image.subarray(at, at + chunkBytes);
    if (!chunk.equals(blank.subarray(0, chunk.length))) chunks.add(at / chunkBytes);
  }
  return chunks;
}
