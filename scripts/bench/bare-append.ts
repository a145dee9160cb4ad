import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { systemTime } from "../../daemon/base/system-time.ts";
import { elapsedMs } from "../../daemon/base/time.ts";

/** About what a scan is on disk. */
const recordBytes = 240;

/** The physical limit: one append and one `fdatasync`, nothing else. Each call returns its milliseconds. */
export class BareAppend implements Disposable {
  readonly #file: number;
  readonly #record: Buffer = Buffer.alloc(recordBytes, 0x61);

  constructor(directory: string) {
    this.#file = openSync(join(directory, "bare-append"), "a");
  }

  once(): number {
    const from = systemTime.monotonicNs();
    writeSync(this.#file, this.#record);
    fdatasyncSync(this.#file);
    return elapsedMs(from, systemTime.monotonicNs());
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}
